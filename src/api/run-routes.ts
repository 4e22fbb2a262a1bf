// Runs: what one piece of work of one agent did, across resources and sessions; and its end. One's own always; those
// of others with console:read, and their end with console:operate.
import { z } from 'zod'
import { paths, peopleSchemas, type RunDetail, type RunView } from '#contract'
import { budgetsOf } from '#engines/policy'
import { principalEntry } from '#gateway'
import { InvalidRequest, type Principal, type SessionSummary } from '#model'
import type { RunSummary } from '#services/recording'
import type { Routes } from './api.ts'
import type { ApiParts, Caller } from './parts.ts'
import { has, isOwn, need } from './rights.ts'
import { lanesOf } from './run-lanes.ts'
import { sessionView } from './views.ts'

/** The latest sessions of a run that its page is made of. */
const MOST_SESSIONS = 500

export function runRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const

  routes.get(
    paths.runs,
    {
      config,
      schema: {
        summary:
          'Runs among the latest thousand sessions, newest first: your own, or all with console:read',
        querystring: z.strictObject({
          /** Whose it is, or who acted in it. */
          principal: z.string().max(2_048).optional(),
          limit: z.coerce.number().int().min(1).max(500).default(50),
        }),
        response: { 200: z.array(peopleSchemas.run) },
      },
    },
    async request => {
      const caller = request.caller!
      const { principal, limit } = request.query
      const all = has(parts, caller, 'console:read')
      const [actor] = caller.principal.actors
      // Who acts for somebody sees what was done in this way alone: of its runs, the one that it is in.
      if (!all && actor !== undefined) {
        const { id, run } = caller.principal
        const sessions = await sessionsOf(parts, { principal: id, run })
        const own = sessions.filter(each => isOwn(caller, each))
        return own.length === 0 ? [] : [summaryOf(parts, own)]
      }
      const found = await parts.recordings.runs({
        limit,
        ...(all
          ? principal === undefined
            ? {}
            : { concerning: principal }
          : { principal: caller.principal.id }),
      })
      const live = parts.gateway.sessions.summaries()
      return found
        .filter(each => all || isOwn(caller, each))
        .map(each => runView(parts, each, live))
    },
  )

  routes.get(
    paths.run,
    {
      config,
      schema: {
        summary:
          'What one run did: its sessions, and when they asked. Your own, or any with console:read',
        querystring: peopleSchemas.runName,
        response: { 200: peopleSchemas.runDetail },
      },
    },
    async request =>
      detail(parts, request.caller!, await visible(parts, request.caller!, request.query)),
  )

  routes.post(
    paths.endRun,
    {
      config,
      schema: {
        summary:
          'Ends all sessions of a run, and refuses whatever comes in its name: your own, or any with console:operate',
        body: peopleSchemas.runName,
        response: { 200: peopleSchemas.runDetail },
      },
    },
    async request => {
      const caller = request.caller!
      const run = request.body
      const sessions = await visible(parts, caller, run, 'console:operate')
      if (!mayEnd(parts, caller, run)) need(parts, caller, 'console:operate')
      if (parts.identity.runEndedAt(run) !== undefined)
        throw new InvalidRequest('request_conflict', 'The run was ended already.')
      // First on record, then done: a crash in between leaves an entry without an end, never the reverse.
      await parts.audit.durable(
        parts.audit.append({
          kind: 'operator.acted',
          principal: principalEntry(caller.principal),
          details: { action: 'end run', principal: run.principal, run: run.run },
        }),
      )
      parts.identity.endRun(run)
      await parts.gateway.sessions.end(
        ({ principal }) => principal.id === run.principal && principal.run === run.run,
        'ended_by_operator',
      )
      await parts.identity.settled()
      const after = await sessionsOf(parts, run)
      return detail(parts, caller, after.length === 0 ? sessions : after)
    },
  )
}

interface RunName {
  readonly principal: string
  readonly run: string
}

/** The latest sessions of the run, oldest first, as they are now. */
async function sessionsOf(
  parts: ApiParts,
  { principal, run }: RunName,
): Promise<readonly SessionSummary[]> {
  const found = await parts.recordings.list({ principal, run, limit: MOST_SESSIONS })
  return found.map(each => parts.gateway.sessions.get(each.id)?.summary() ?? each).toReversed()
}

/** Throws InvalidRequest: unknown and not visible get one answer, so that names cannot be probed. */
async function visible(
  parts: ApiParts,
  caller: Caller,
  run: RunName,
  ...more: 'console:operate'[]
): Promise<readonly SessionSummary[]> {
  const all = (['console:read', ...more] as const).some(right => has(parts, caller, right))
  const sessions = await sessionsOf(parts, run)
  const seen = all ? sessions : sessions.filter(each => isOwn(caller, each))
  if (seen.length > 0) return seen
  throw new InvalidRequest(
    'request_unknown',
    `There is no run ${run.run.slice(0, 60)} that you may see.`,
  )
}

/** One's own: who acts for somebody ends the run that it is in. */
function mayEnd(parts: ApiParts, caller: Caller, { principal, run }: RunName): boolean {
  const own =
    caller.principal.id === principal &&
    (caller.principal.actors.length === 0 || caller.principal.run === run)
  return own || has(parts, caller, 'console:operate')
}

async function detail(
  parts: ApiParts,
  caller: Caller,
  sessions: readonly SessionSummary[],
): Promise<RunDetail> {
  const run = summaryOf(parts, sessions)
  const marks = new Map(await parts.recordings.marks(sessions.map(({ id }) => id)))
  for (const { id } of sessions) {
    const live = parts.gateway.sessions.get(id)
    if (live !== undefined) marks.set(id, live.marks())
  }
  return {
    ...run,
    ...lanesOf(sessions, marks, parts.now()),
    budgets: [...(await budgets(parts, run))],
    more: sessions.length >= MOST_SESSIONS,
    sessionList: sessions.map(sessionView),
    mayEnd: run.endedAt === undefined && mayEnd(parts, caller, run),
  }
}

function summaryOf(parts: ApiParts, sessions: readonly SessionSummary[]): RunView {
  const [first] = sessions
  if (first === undefined) throw new Error('a run without sessions')
  const total = (of: (each: SessionSummary) => number): number =>
    sessions.reduce((sum, each) => sum + of(each), 0)
  return runView(
    parts,
    {
      principal: first.principal,
      principalKind: first.principalKind,
      run: first.run,
      startedAt: first.startedAt,
      lastAt: sessions.at(-1)?.startedAt ?? first.startedAt,
      sessions: sessions.length,
      statements: total(each => each.statements),
      denied: total(each => each.denied),
      rows: total(each => each.rows),
      bytes: total(each => each.bytes),
    },
    undefined,
  )
}

/** `live`: sessions whose counts are not in the summary yet. */
function runView(
  parts: ApiParts,
  summary: RunSummary,
  live: readonly SessionSummary[] | undefined,
): RunView {
  const { principal, run } = summary
  const all = live ?? parts.gateway.sessions.summaries()
  const own = all.filter(each => each.principal === principal && each.run === run)
  const added = live === undefined ? [] : own
  const endedAt = parts.identity.runEndedAt({ principal, run })
  const total = (name: 'statements' | 'denied' | 'rows' | 'bytes'): number =>
    added.reduce((sum, each) => sum + each[name], summary[name])
  return {
    ...summary,
    live: own.length,
    statements: total('statements'),
    denied: total('denied'),
    rows: total('rows'),
    bytes: total('bytes'),
    ...(endedAt === undefined ? {} : { endedAt }),
  }
}

/** Of policies for whoever it is: as it is now while it lives, else as it was last seen. */
async function budgets(parts: ApiParts, { principal, run }: RunView) {
  const live = parts.gateway.sessions
    .all()
    .find(each => each.principal.id === principal && each.principal.run === run)
  const known = live?.principal ?? (await lastSeen(parts, principal, run))
  return known === undefined ? [] : budgetsOf(parts.policies(), known)
}

async function lastSeen(parts: ApiParts, id: string, run: string): Promise<Principal | undefined> {
  const known = await parts.identity.known.get(id)
  if (known === undefined) return undefined
  const { kind, name, issuer, groups, owners, lastSeen } = known
  return {
    kind,
    id,
    subject: id,
    issuer,
    name,
    groups,
    attributes: {},
    actors: [],
    owners,
    mfa: false,
    credential: { kind: 'token', id: '' },
    run,
    expiresAt: lastSeen,
  }
}
