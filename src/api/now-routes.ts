// What is going on at this moment, for a page that opens: from there it goes on by the live stream.
import { z } from 'zod'
import { type NowView, nowSchemas, paths } from '#contract'
import type { Routes } from './api.ts'
import { eventOf, isShown } from './live-events.ts'
import type { ApiParts } from './parts.ts'
import { need } from './rights.ts'
import { sessionView } from './views.ts'

const MOST_SESSIONS = 200
const MOST_HELD = 50
/** To count them; more waiting requests than that are told as so many. */
const MOST_COUNTED = 1_000

export function nowRoutes(routes: Routes, parts: ApiParts): void {
  routes.get(
    paths.now,
    {
      config: { access: 'principal' },
      schema: {
        summary:
          'What is going on: live sessions, rates of the last quarter of an hour, what waits for a person, the last entries without texts. Needs console:read',
        querystring: z.strictObject({
          /** Of the newest entries of the log, so many are looked at. */
          recent: z.coerce.number().int().min(0).max(500).default(300),
        }),
        response: { 200: nowSchemas.now },
      },
    },
    async request => {
      need(parts, request.caller!, 'console:read')
      const at = parts.now()
      const live = parts.gateway.sessions.summaries().toSorted((a, b) => b.startedAt - a.startedAt)
      const waiting = await parts.requests.list({ states: ['pending'], limit: MOST_COUNTED })
      return {
        at,
        rates: ratesOf(parts, at),
        live: live.length,
        sessions: live.slice(0, MOST_SESSIONS).map(sessionView),
        waiting: waiting.length,
        held: waiting
          .slice(0, MOST_HELD)
          .map(({ id, principal, resource, createdAt, expiresAt, ...of }) => ({
            id,
            kind: of.kind,
            principal,
            resource,
            verbs: of.kind === 'statement' ? [...of.verbs] : [],
            createdAt,
            expiresAt,
          })),
        recent: await recent(parts, request.query.recent),
      }
    },
  )
}

function ratesOf(parts: ApiParts, now: number): NowView['rates'] {
  const { from, stepMs, permitted, held, denied, masked } = parts.gateway.rates.read(now)
  return {
    from,
    stepMs,
    permitted: [...permitted],
    held: [...held],
    denied: [...denied],
    masked: [...masked],
  }
}

async function recent(parts: ApiParts, most: number): Promise<NowView['recent']> {
  const count = Math.min(most, parts.audit.size)
  if (count === 0) return []
  const records = await parts.audit.read(parts.audit.size - count, count)
  return records.flatMap(record => (isShown(record['kind']) ? (eventOf(record) ?? []) : []))
}
