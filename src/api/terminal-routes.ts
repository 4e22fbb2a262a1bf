// What a terminal of a session showed, as other programs read it. The same rights as the recording itself.
import { Readable } from 'node:stream'
import { z } from 'zod'
import { paths, terminalSchemas as schemas } from '#contract'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { onRecord, readableSession } from './session-routes.ts'

const CAST = 'application/x-asciicast'

export function terminalRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const
  const params = z.strictObject({ id: z.string() })
  const querystring = z.strictObject({ entry: z.coerce.number().int().min(0).optional() })

  routes.get(
    paths.cast,
    {
      config,
      schema: {
        summary:
          'What a terminal of a session showed, as asciicast v3: the first one, or that of the statement with the audit entry `entry`. Your own, or any with console:audit. Reading it is on record',
        params,
        querystring,
      },
    },
    async (request, reply) => {
      const session = await readableSession(parts, request.caller!, request.params.id)
      await onRecord(parts, request.caller!, session.id)
      const lines = parts.recordings.cast(session.id, request.query.entry)
      // What cannot be read is said before anything is sent; afterwards the answer can only break off.
      const first = await lines.next()
      return reply.type(CAST).send(Readable.from(from(first.value ?? '', lines)))
    },
  )

  routes.get(
    paths.typedCommands,
    {
      config,
      schema: {
        summary:
          'What was typed at the prompts of a terminal, as read from its screen; not evidence: what has no echo, or runs in a script, is not there. The same terminal, and the same rights, as for the asciicast',
        params,
        querystring,
        response: { 200: schemas.typedCommands },
      },
    },
    async request => {
      const session = await readableSession(parts, request.caller!, request.params.id)
      await onRecord(parts, request.caller!, session.id)
      const found = await parts.recordings.typedCommands(session.id, request.query.entry)
      return { about: schemas.AID, ...found } as const
    },
  )
}

async function* from(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first
  yield* rest
}
