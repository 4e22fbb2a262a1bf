import { z } from 'zod'
import { paths, schemas } from '#contract'
import { principalEntry } from '#gateway'
import { InvalidRequest, type SessionSummary } from '#model'
import type { Routes } from './api.ts'
import { streamEvents } from './event-stream.ts'
import type { ApiParts, Caller } from './parts.ts'
import { has, need } from './rights.ts'
import { sessionView } from './views.ts'

export function sessionRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const
  const params = z.strictObject({ id: z.string() })

  /** With the counters of this moment when it lives. */
  const present = (session: SessionSummary): SessionSummary =>
    parts.gateway.sessions.get(session.id)?.summary() ?? session

  const find = async (caller: Caller, id: string, right: 'console:read' | 'console:audit') => {
    const session = await parts.recordings.get(id)
    if (session.principal !== caller.principal.id && !has(parts, caller, right)) {
      throw new InvalidRequest(
        'request_unknown',
        `There is no session ${id.slice(0, 40)} that you may see.`,
      )
    }
    return session
  }

  routes.get(
    paths.sessions,
    {
      config,
      schema: {
        summary: 'Sessions, newest first: your own, or all with console:read',
        querystring: z.strictObject({
          resource: z.string().optional(),
          principal: z.string().optional(),
          live: z.stringbool().optional(),
          before: z.coerce.number().optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
        }),
        response: { 200: z.array(schemas.session) },
      },
    },
    async request => {
      const { principal, resource, live, before, limit } = request.query
      const whose = has(parts, request.caller!, 'console:read')
        ? principal
        : request.caller!.principal.id
      const found = await parts.recordings.list({
        limit,
        ...(whose === undefined ? {} : { principal: whose }),
        ...(resource === undefined ? {} : { resource }),
        ...(live === undefined ? {} : { live }),
        ...(before === undefined ? {} : { before }),
      })
      return found.map(present).map(sessionView)
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
          'The recording of a session: your own, or any with console:audit. Reading it is on record',
        params,
        response: { 200: z.array(schemas.recordedEvent) },
      },
    },
    async request => {
      const session = await find(request.caller!, request.params.id, 'console:audit')
      await onRecord(parts, request.caller!, session.id)
      return [...(await parts.recordings.read(session.id))]
    },
  )

  routes.get(
    paths.watch,
    { config, schema: { summary: 'Live events of a session (server-sent events)', params } },
    async (request, reply) => {
      const session = await find(request.caller!, request.params.id, 'console:audit')
      const live = parts.gateway.sessions.get(session.id)
      if (live === undefined) {
        throw new InvalidRequest('request_conflict', 'The session has ended: replay it instead.')
      }
      await onRecord(parts, request.caller!, session.id)
      streamEvents(reply, request.raw, emit => {
        const stop = parts.recordings.watch(session.id, event => emit(event.kind, event))
        live.signal.addEventListener('abort', () => emit('closed', { kind: 'closed' }))
        return stop ?? (() => {})
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
      const session = await find(caller, request.params.id, 'console:read')
      if (session.principal !== caller.principal.id) need(parts, caller, 'console:operate')
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

/** Reading what somebody did is itself evidence, and comes first. */
async function onRecord(parts: ApiParts, caller: Caller, session: string): Promise<void> {
  await parts.audit.durable(
    parts.audit.append({
      kind: 'recording.read',
      session,
      principal: principalEntry(caller.principal),
    }),
  )
}
