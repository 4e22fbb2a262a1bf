// What a terminal of a session showed, as other programs read it. The same rights as the recording itself.
import { Readable } from 'node:stream'
import { z } from 'zod'
import { paths } from '#contract'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { onRecord, readableSession } from './session-routes.ts'

const CAST = 'application/x-asciicast'

export function terminalRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const
  const params = z.strictObject({ id: z.string() })

  routes.get(
    paths.cast,
    {
      config,
      schema: {
        summary:
          'What a terminal of a session showed, as asciicast v3: the first one, or that of the statement with the audit entry `entry`. Your own, or any with console:audit. Reading it is on record',
        params,
        querystring: z.strictObject({ entry: z.coerce.number().int().min(0).optional() }),
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
}

async function* from(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first
  yield* rest
}
