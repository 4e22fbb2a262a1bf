// People and agents: who is or was here, and what is theirs at this moment. One's own always; all with console:read.
import { z } from 'zod'
import { type KnownPrincipalView, paths, peopleSchemas } from '#contract'
import { InvalidRequest } from '#model'
import type { KnownPrincipal } from '#services/identity'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { has, isOwn } from './rights.ts'
import { grantView } from './views.ts'

/** What holds for everybody is counted once for a whole list. */
const MOST_COUNTED = 1_000
const MOST_LISTED = 50

export function peopleRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const

  routes.get(
    paths.principals,
    {
      config,
      schema: {
        summary: 'People and agents, last seen first: yourself, or all with console:read',
        querystring: z.strictObject({
          search: z.string().max(200).optional(),
          kind: z.enum(['user', 'agent']).optional(),
          after: z.string().max(4_096).optional(),
          limit: z.coerce.number().int().min(1).max(500).default(100),
        }),
        response: { 200: peopleSchemas.principalPage },
      },
    },
    async request => {
      const caller = request.caller!
      const { search, kind, after, limit } = request.query
      const { principal } = caller
      if (!has(parts, caller, 'console:read')) {
        const known = await parts.identity.known.get(principal.id)
        const own = known !== undefined && isOwn(caller, { principal: principal.id })
        return { principals: own ? await viewsOf(parts, [known]) : [] }
      }
      const from = after === undefined ? undefined : cursorOf(after)
      const found = await parts.identity.known.list({
        limit,
        ...(search === undefined ? {} : { search }),
        ...(kind === undefined ? {} : { kind }),
        ...(from === undefined ? {} : { after: from }),
      })
      const last = found.at(-1)
      const strangers =
        from === undefined && kind === undefined ? await neverSeen(parts, search) : []
      return {
        principals: [...(await viewsOf(parts, found)), ...strangers],
        ...(found.length < limit || last === undefined
          ? {}
          : { next: JSON.stringify([last.lastSeen, last.id]) }),
      }
    },
  )

  routes.get(
    paths.principal,
    {
      config,
      schema: {
        summary: 'One of them, by `id`: yourself, or anybody with console:read',
        querystring: z.strictObject({ id: z.string().min(1).max(2_048) }),
        response: { 200: peopleSchemas.principalDetail },
      },
    },
    async request => {
      const caller = request.caller!
      const { id } = request.query
      const all = has(parts, caller, 'console:read')
      const may = all || isOwn(caller, { principal: id })
      const known = may ? await parts.identity.known.get(id) : undefined
      const [view] =
        known === undefined
          ? may
            ? (await neverSeen(parts, id)).filter(each => each.id === id)
            : []
          : await viewsOf(parts, [known])
      // Unknown and not visible get one answer, so that ids cannot be probed.
      if (view === undefined)
        throw new InvalidRequest(
          'request_unknown',
          `There is no ${id.slice(0, 60)} that you may see.`,
        )
      const [holds, asked] = [
        await parts.grants.list({ principal: id, ended: false, limit: MOST_LISTED }),
        await parts.requests.list({ principal: id, limit: MOST_LISTED }),
      ]
      const withdrawn = parts.identity.principalEndedAt(id)
      return {
        ...view,
        ...(withdrawn === undefined ? {} : { withdrawn }),
        holds: holds.map(grantView),
        asked: asked
          // What is asked for a person by somebody who acts for them is not the person's alone to see.
          .filter(each => all || isOwn(caller, each))
          .map(({ id: request, kind, state, resource, createdAt }) => ({
            id: request,
            kind,
            state,
            resource,
            createdAt,
          })),
      }
    },
  )
}

/** Was given a right, and never came. */
async function neverSeen(
  parts: ApiParts,
  search: string | undefined,
): Promise<KnownPrincipalView[]> {
  const given = await parts.grants.list({ ended: false, limit: MOST_COUNTED })
  const wanted = search?.toLowerCase() ?? ''
  const counts = countBy(given, ({ principal }) => [principal])
  const ids = [...counts.keys()].filter(id => id.toLowerCase().includes(wanted))
  const known = await parts.identity.known.among(ids)
  return ids
    .filter(id => !known.has(id))
    .map(id => ({
      id,
      kind: 'unknown',
      name: id,
      issuer: '',
      groups: [],
      owners: [],
      live: 0,
      grants: counts.get(id) ?? 0,
      pending: 0,
    }))
}

async function viewsOf(
  parts: ApiParts,
  principals: readonly KnownPrincipal[],
): Promise<KnownPrincipalView[]> {
  const [only] = principals
  const whose = principals.length === 1 && only !== undefined ? { principal: only.id } : {}
  const grants = countBy(
    await parts.grants.list({ ...whose, ended: false, limit: MOST_COUNTED }),
    ({ principal }) => [principal],
  )
  const pending = countBy(
    await parts.requests.list({ ...whose, states: ['pending'], limit: MOST_COUNTED }),
    ({ principal }) => [principal],
  )
  const live = countBy(parts.gateway.sessions.all(), ({ principal }) => [
    principal.id,
    ...principal.actors.slice(0, 1).map(({ id }) => id),
  ])
  return principals.map(each => ({
    ...each,
    groups: [...each.groups],
    owners: [...each.owners],
    live: live.get(each.id) ?? 0,
    grants: grants.get(each.id) ?? 0,
    pending: pending.get(each.id) ?? 0,
  }))
}

function countBy<Thing>(
  things: readonly Thing[],
  keys: (thing: Thing) => readonly string[],
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const thing of things)
    for (const key of keys(thing)) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

const cursor = z.tuple([z.number(), z.string()])

function cursorOf(text: string): { lastSeen: number; id: string } {
  try {
    const [lastSeen, id] = cursor.parse(JSON.parse(text))
    return { lastSeen, id }
  } catch (cause) {
    // Not passed over: it is none of ours.
    throw new InvalidRequest('request_invalid', '`after` is not what a list gave.', { cause })
  }
}
