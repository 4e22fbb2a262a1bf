// Who the caller is, and what there is to connect to.
import { z } from 'zod'
import { paths, schemas } from '#contract'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { consoleRights, has, need } from './rights.ts'
import { principalView, resourceView } from './views.ts'

export function resourceRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const

  routes.get(
    paths.whoami,
    {
      config,
      schema: { summary: 'Who the gateway says you are', response: { 200: schemas.principal } },
    },
    async request => ({
      ...principalView(request.caller!.principal),
      rights: consoleRights.filter(right => has(parts, request.caller!, right)),
    }),
  )

  routes.get(
    paths.resources,
    {
      config,
      schema: {
        summary:
          'The resources that you may connect to (all of them with console:read, unless `mine`)',
        querystring: z.object({ mine: z.stringbool().default(false) }),
        response: { 200: z.array(schemas.resource) },
      },
    },
    async request => {
      const { principal, origin } = request.caller!
      const all = !request.query.mine && has(parts, request.caller!, 'console:read')
      return parts.inventory
        .list()
        .filter(resource => all || parts.gateway.rights.mayConnect(principal, resource, origin))
        .map(resource => resourceView(parts, resource))
    },
  )

  routes.get(paths.metrics, { config, schema: { hide: true } }, async (request, reply) => {
    need(parts, request.caller!, 'console:read')
    return reply.type('text/plain; version=0.0.4').send(await parts.metrics())
  })
}
