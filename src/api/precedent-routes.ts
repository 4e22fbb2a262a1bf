// How requests like one were decided before: for whoever decides on it, as far as they may see those others.
import { z } from 'zod'
import { paths, precedentSchemas } from '#contract'
import { InvalidRequest } from '#model'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { requestSight, visibleRequest } from './request-sight.ts'

const MOST = 5
const MOST_CHARACTERS = 400

export function precedentRoutes(routes: Routes, parts: ApiParts): void {
  routes.get(
    paths.precedents,
    {
      config: { access: 'principal' },
      schema: {
        summary: 'How requests like this one were decided before, for those who may decide on it',
        params: z.strictObject({ id: z.string() }),
        response: { 200: z.array(precedentSchemas.precedent) },
      },
    },
    async request => {
      const asked = await visibleRequest(parts, request.caller!, request.params.id)
      const sight = requestSight(parts, request.caller!)
      if (!sight.decides(asked))
        throw new InvalidRequest(
          'not_allowed',
          'Only who may decide on it sees what was decided before.',
        )
      if (asked.kind !== 'statement') return []
      const found = await parts.requests.precedents(asked)
      return found
        .filter(({ request }) => sight.visible(request))
        .slice(0, MOST)
        .map(({ request, likeness }) => {
          const { id, state, principal, statement, votes, createdAt } = sight.view(
            request,
            MOST_CHARACTERS,
          )
          return { id, state, principal, statement, votes, createdAt, likeness }
        })
    },
  )
}
