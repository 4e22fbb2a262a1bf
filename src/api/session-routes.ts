// Sessions: listed, replayed, watched, ended. Seeing what somebody did is itself on record, and comes first.
import { z } from 'zod'
import { paths, schemas, sessionQuery } from '#contract'
import { principalEntry } from '#gateway'
import { InvalidRequest, type SessionSummary } from '#model'
import type { Routes } from './api.ts'
import { streamEvents } from './event-stream.ts'
import type { ApiParts, Caller } from './parts.ts'
import { type ConsoleRight, has, isOwn, need } from './rights.ts'
import { sessionView } from './views.ts'

export function sessionRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const
  const params = z.strictObject({ id: z.string() })

  /** With the counters of this moment when it lives. */
  const present = (session: SessionSummary): SessionSummary =>
    parts.gateway.sessions.get(session.id)?.summary() ?? session

  const find = (caller: Caller, id: string, ...rights: ConsoleRight[]) =>
    visibleSession(parts, caller, id, rights)

  routes.get(
    paths.sessions,
    {
      config,
      schema: {
        summary:
          'Sessions, newest first: your own, or all with console:read; by `text` all with console:audit too',
        querystring: sessionQuery,
        response: { 200: z.array(schemas.session) },
      },
    },
    async request => {
      const { principal, live, ...rest } = request.query
      const caller = request.caller!
      // Unknown and not visible get one answer here too.
      if (rest.before !== undefined) await find(caller, rest.before, 'console:read')
      const texts = rest.text !== undefined
      const all =
        has(parts, caller, 'console:read') && (!texts || has(parts, caller, 'console:audit'))
      if (all && texts && principal !== caller.principal.id) await onRecord(parts, caller)
      const found = await parts.recordings.list({
        ...rest,
        live,
        principal: all ? principal : caller.principal.id,
        actor: all ? undefined : caller.principal.actors[0]?.id,
      })
      return found
        .filter(each => all || isOwn(caller, each))
        .map(present)
        .map(sessionView)
    },
  )

  routes.get(
    paths.session,
    { config, schema: { summary: 'One session', params, response: { 200: schemas.session } } },
    async request =>
      sessionView(present(await find(request.caller!, request.params.id, 'console:read'))),
  )

  routes.get(
    paths.recording,
    {
      config,
      schema: {
        summary:
          'The recording of a session: your own, or any with console:audit. Reading it is on record. A last event `cut` names the number to go on `from`',
        params,
        querystring: z.strictObject({ from: z.coerce.number().int().min(0).default(0) }),
        response: { 200: z.array(schemas.recordedEvent) },
      },
    },
    async request => {
      const session = await find(request.caller!, request.params.id, 'console:audit')
      await onRecord(parts, request.caller!, session.id)
      return [...(await parts.recordings.read(session.id, { from: request.query.from }))]
    },
  )

  routes.delete(
    paths.recording,
    {
      config,
      schema: {
        summary:
          'Erases the recording of a session that has ended, for good. Needs console:administer, also for your own',
        params,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const caller = request.caller!
      need(parts, caller, 'console:administer')
      const { id } = request.params
      await parts.recordings.erasable(id)
      // First on record, then done: a crash in between leaves an entry without an erasure, never the reverse.
      await parts.audit.durable(
        parts.audit.append({
          kind: 'operator.acted',
          session: id,
          principal: principalEntry(caller.principal),
          details: { action: 'erase recording' },
        }),
      )
      await parts.recordings.erase(id)
      return reply.code(204).send(null)
    },
  )

  routes.get(
    paths.watch,
    {
      config,
      schema: {
        summary:
          'Live events of a session (server-sent events); the id of each is its number in the recording',
        params,
      },
    },
    async (request, reply) => {
      const session = await find(request.caller!, request.params.id, 'console:audit')
      const live = parts.gateway.sessions.get(session.id)
      if (live === undefined) {
        throw new InvalidRequest('request_conflict', 'The session has ended: replay it instead.')
      }
      await onRecord(parts, request.caller!, session.id)
      streamEvents(parts, request, reply, {
        may: () => isOwn(request.caller!, session) || has(parts, request.caller!, 'console:audit'),
        subscribe(emit, end) {
          const stop = parts.recordings.watch(session.id, (event, number) => {
            emit(event.kind, event, number)
            if (event.kind === 'closed') end()
          })
          // It may have ended while the reading was put on record.
          if (stop === undefined) end()
          return stop ?? (() => {})
        },
      })
      return reply
    },
  )

  routes.post(
    paths.endSession,
    {
      config,
      schema: {
        summary: 'Ends a live session: your own, or any with console:operate',
        params,
        response: { 200: schemas.session },
      },
    },
    async request => {
      const caller = request.caller!
      const session = await find(caller, request.params.id, 'console:read', 'console:operate')
      if (!isOwn(caller, session)) need(parts, caller, 'console:operate')
      const live = parts.gateway.sessions.get(session.id)
      if (live === undefined)
        throw new InvalidRequest('request_conflict', 'The session has ended already.')
      await parts.audit.durable(
        parts.audit.append({
          kind: 'operator.acted',
          session: session.id,
          principal: principalEntry(caller.principal),
          details: { action: 'end session' },
        }),
      )
      await live.close('ended_by_operator')
      return sessionView(await parts.recordings.get(session.id))
    },
  )
}

async function visibleSession(
  parts: ApiParts,
  caller: Caller,
  id: string,
  rights: readonly ConsoleRight[],
): Promise<SessionSummary> {
  const session = await known(parts, id)
  if (
    session === undefined ||
    !(isOwn(caller, session) || rights.some(right => has(parts, caller, right)))
  ) {
    throw new InvalidRequest(
      'request_unknown',
      `There is no session ${id.slice(0, 40)} that you may see.`,
    )
  }
  return session
}

/** A session whose recording the caller may read. Throws InvalidRequest, the same whether it is unknown or not theirs. */
export function readableSession(
  parts: ApiParts,
  caller: Caller,
  id: string,
): Promise<SessionSummary> {
  return visibleSession(parts, caller, id, ['console:audit'])
}

async function known(parts: ApiParts, id: string): Promise<SessionSummary | undefined> {
  try {
    return await parts.recordings.get(id)
  } catch (error) {
    // Safe: unknown and not visible get one answer, so that ids cannot be probed.
    if (error instanceof InvalidRequest) return undefined
    throw error
  }
}

/** Reading what somebody did is itself evidence, and comes first. */
export async function onRecord(
  parts: ApiParts,
  caller: Caller,
  session?: string,
  part?: 'input',
): Promise<void> {
  await parts.audit.durable(
    parts.audit.append({
      kind: 'recording.read',
      // Without a session: the texts of all were looked through. What for is personal data, and stays out of the log.
      ...(session === undefined ? { details: { searched: 'texts' } } : { session }),
      ...(part === undefined ? {} : { details: { read: part } }),
      principal: principalEntry(caller.principal),
    }),
  )
}
