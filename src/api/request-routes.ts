import { z } from 'zod'
import { paths, schemas } from '#contract'
import { type AccessRequest, InvalidRequest } from '#model'
import type { Routes } from './api.ts'
import type { ApiParts, Caller } from './parts.ts'
import { has } from './rights.ts'
import { requestView } from './views.ts'

export function requestRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const
  const params = z.strictObject({ id: z.string() })

  /** One's own, what one may decide, and all with console:read. */
  const visible = (caller: Caller, request: AccessRequest): boolean =>
    request.principal === caller.principal.id ||
    parts.gateway.mayVote(caller.principal, request, caller.origin) ||
    has(parts, caller, 'console:read')
  const view = (caller: Caller, request: AccessRequest) =>
    requestView(
      request,
      request.state === 'pending' &&
        parts.gateway.mayVote(caller.principal, request, caller.origin),
    )

  routes.get(
    paths.requests,
    {
      config,
      schema: {
        summary: 'Held statements, newest first: your own, and those you may decide',
        querystring: z.strictObject({
          state: schemas.accessRequest.shape.state.optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
        }),
        response: { 200: z.array(schemas.accessRequest) },
      },
    },
    async request => {
      const { state, limit } = request.query
      const found = await parts.requests.list({
        ...(state === undefined ? {} : { states: [state] }),
        limit,
      })
      return found
        .filter(each => visible(request.caller!, each))
        .map(each => view(request.caller!, each))
    },
  )

  routes.get(
    paths.request,
    {
      config,
      schema: { summary: 'One request', params, response: { 200: schemas.accessRequest } },
    },
    async request => {
      const found = await parts.requests.get(request.params.id)
      if (!visible(request.caller!, found)) throw unknown(request.params.id)
      return view(request.caller!, found)
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
          summary: vote === 'approve' ? 'Approves a held statement' : 'Denies a held statement',
          params,
          body: schemas.vote.nullish(),
          response: { 200: schemas.accessRequest },
        },
      },
      async request => {
        const caller = request.caller!
        const { reason, maxRows } = request.body ?? {}
        const before = await parts.requests.get(request.params.id)
        if (!visible(caller, before)) throw unknown(request.params.id)
        const after = await parts.gateway.vote(
          caller.principal,
          request.params.id,
          vote,
          {
            ...(reason === undefined ? {} : { reason }),
            ...(maxRows === undefined ? {} : { maxRows }),
          },
          caller.origin,
        )
        return view(caller, after)
      },
    )
  }
}

function unknown(id: string): InvalidRequest {
  return new InvalidRequest(
    'request_unknown',
    `There is no request ${id.slice(0, 40)} that you may see.`,
  )
}
