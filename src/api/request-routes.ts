// Held statements and the votes on them. Who may vote is the gateway's to say.
import { z } from 'zod'
import { paths, schemas } from '#contract'
import type { AccessRequest, TimeTerms } from '#model'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { requestSight, visibleRequest } from './request-sight.ts'

const PAGE = 200
/** A list looks at so many at most; `before` goes on from there. */
const MOST_READ = 5_000
/** In a list, a statement or a value is cut at so many characters; the request itself has it whole. */
const MOST_LISTED_CHARACTERS = 4_096

export function requestRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const
  const params = z.strictObject({ id: z.string() })

  routes.get(
    paths.requests,
    {
      config,
      schema: {
        summary:
          'Held statements, requests for time and reviews, newest first: your own, and those you may decide',
        querystring: z.strictObject({
          state: schemas.accessRequest.shape.state.optional(),
          /** The next page: the id of the last one of this page. */
          before: z.string().max(64).optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
        }),
        response: { 200: z.array(schemas.accessRequest) },
      },
    },
    async request => {
      const { state, limit } = request.query
      const { visible, view } = requestSight(parts, request.caller!)
      const found: AccessRequest[] = []
      let { before } = request.query
      // Unknown and not visible get one answer here too.
      if (before !== undefined) await visibleRequest(parts, request.caller!, before)
      for (let read = 0; found.length < limit && read < MOST_READ; read += PAGE) {
        const page = await parts.requests.list({
          ...(state === undefined ? {} : { states: [state] }),
          ...(before === undefined ? {} : { before }),
          limit: PAGE,
        })
        found.push(...page.filter(visible))
        before = page.at(-1)?.id
        if (page.length < PAGE) break
      }
      return found.slice(0, limit).map(each => view(each, MOST_LISTED_CHARACTERS))
    },
  )

  routes.get(
    paths.request,
    {
      config,
      schema: { summary: 'One request', params, response: { 200: schemas.accessRequest } },
    },
    async request => {
      const found = await visibleRequest(parts, request.caller!, request.params.id)
      return requestSight(parts, request.caller!).view(found)
    },
  )

  for (const [path, vote] of [
    [paths.approve, 'approve'],
    [paths.deny, 'deny'],
  ] as const) {
    routes.post(
      path,
      {
        config,
        schema: {
          summary:
            vote === 'approve'
              ? 'Approves a held statement or a right for a time'
              : 'Denies a held statement or a right for a time',
          params,
          body: schemas.vote.nullish(),
          response: { 200: schemas.accessRequest },
        },
      },
      async request => {
        const caller = request.caller!
        const { reason, maxRows, ...changed } = request.body ?? {}
        const terms = Object.keys(changed).length === 0 ? undefined : defined(changed)
        await visibleRequest(parts, caller, request.params.id)
        const after = await parts.gateway.vote(
          caller.principal,
          request.params.id,
          vote,
          {
            ...(reason === undefined ? {} : { reason }),
            ...(maxRows === undefined ? {} : { maxRows }),
            ...(terms === undefined ? {} : { terms }),
          },
          caller.origin,
        )
        return requestSight(parts, caller).view(after)
      },
    )
  }
}

function defined({ actions, seconds, uses }: z.infer<typeof schemas.vote>): Partial<TimeTerms> {
  return {
    ...(actions === undefined ? {} : { actions }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(uses === undefined ? {} : { uses }),
  }
}
