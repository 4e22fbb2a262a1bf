// What a terminal of a session showed, as other programs read it: the same rights as the recording itself. What was typed
// there is read by auditors alone.
import { Readable } from 'node:stream'
import { z } from 'zod'
import { paths, terminalSchemas as schemas } from '#contract'
import type { SessionSummary } from '#model'
import type { Routes } from './api.ts'
import type { ApiParts, Caller } from './parts.ts'
import { need } from './rights.ts'
import { onRecord, readableSession } from './session-routes.ts'

const CAST = 'application/x-asciicast'
/** Ten years. */
const MOST_SECONDS = 315_360_000

export function terminalRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const
  const params = z.strictObject({ id: z.string() })
  const querystring = z.strictObject({ entry: z.coerce.number().int().min(0).optional() })
  /** Of the session's own time. */
  const seconds = z.coerce.number().min(0).max(MOST_SECONDS)
  const castQuery = querystring.extend({
    input: z.stringbool().default(false),
    from: seconds.optional(),
  })

  const readable = async (caller: Caller, id: string, input = false): Promise<SessionSummary> => {
    const session = await readableSession(parts, caller, id)
    // Whoever came in as somebody else reads what was shown to them as its own, and not what they typed.
    if (input) need(parts, caller, 'console:audit')
    await onRecord(parts, caller, session.id, input ? 'input' : undefined)
    return session
  }

  routes.get(
    paths.cast,
    {
      config,
      schema: {
        summary:
          'What a terminal of a session showed, as asciicast v3: the first one, or that of the statement with the audit entry `entry`. Your own, or any with console:audit. With `from`, seconds since the session began, it begins with what was shown then. With `input` also what was typed there, as far as it is kept: needs console:audit, also for your own. Reading it is on record',
        params,
        querystring: castQuery,
      },
    },
    async (request, reply) => {
      const session = await readable(request.caller!, request.params.id, request.query.input)
      const { entry, input, from } = request.query
      const lines = parts.recordings.cast(session.id, {
        entry,
        input,
        from: from === undefined ? undefined : timeIn(session, from),
      })
      // What cannot be read is said before anything is sent; afterwards the answer can only break off.
      const first = await lines.next()
      return reply.type(CAST).send(Readable.from(following(first.value ?? '', lines)))
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
      const session = await readable(request.caller!, request.params.id)
      const found = await parts.recordings.typedCommands(session.id, request.query.entry)
      return { about: schemas.AID, ...found } as const
    },
  )

  routes.get(
    paths.screen,
    {
      config,
      schema: {
        summary:
          'What a terminal of a session showed `at` so many seconds after the session began, as pieces that draw it. The same terminal, and the same rights, as for the asciicast',
        params,
        querystring: querystring.extend({ at: seconds }),
        response: { 200: schemas.shownScreen },
      },
    },
    async request => {
      const session = await readable(request.caller!, request.params.id)
      const { at, entry } = request.query
      return parts.recordings.screen(session.id, timeIn(session, at), entry)
    },
  )

  routes.get(
    paths.input,
    {
      config,
      schema: {
        summary:
          'What was typed on the terminals of a session, where `recording.input` of its resource keeps it: lines that were shown back. Needs console:audit, also for your own. Reading it is on record',
        params,
        querystring: z.strictObject({ from: z.coerce.number().int().min(0).default(0) }),
        response: { 200: schemas.typedInput },
      },
    },
    async request => {
      const session = await readable(request.caller!, request.params.id, true)
      const events = await parts.recordings.readInput(session.id, request.query)
      const last = events.at(-1)
      return {
        pieces: events.flatMap(event => (event.kind === 'input' ? [event] : [])),
        ...(last?.kind === 'cut' ? { next: last.next } : {}),
      }
    },
  )
}

function timeIn({ startedAt }: SessionSummary, seconds: number): number {
  return startedAt + Math.round(seconds * 1_000)
}

async function* following(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first
  yield* rest
}
