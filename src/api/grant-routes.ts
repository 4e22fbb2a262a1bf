// Rights for a time: given by whoever may approve, to somebody else; revoked by an operator.
import { z } from 'zod'
import { grantable, paths, schemas, timeSchemas } from '#contract'
import { principalEntry } from '#gateway'
import { AccessDenied } from '#model'
import { newGrantId } from '#services/access'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { has, isOwn, need } from './rights.ts'
import { grantView } from './views.ts'

export function grantRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const

  routes.get(
    paths.grants,
    {
      config,
      schema: {
        summary: 'Time-bound rights: your own, or all with console:read',
        querystring: z.strictObject({
          ended: z.stringbool().default(false),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
        }),
        response: { 200: z.array(schemas.grant) },
      },
    },
    async request => {
      const caller = request.caller!
      const all = has(parts, caller, 'console:read')
      // What was given to a person is not for whoever acts for them to look through.
      if (!all && !isOwn(caller, { principal: caller.principal.id })) return []
      const found = await parts.grants.list({
        ...(all ? {} : { principal: caller.principal.id }),
        ended: request.query.ended,
        limit: request.query.limit,
      })
      return found.filter(each => all || isOwn(caller, each)).map(grantView)
    },
  )

  routes.post(
    paths.grants,
    {
      config,
      schema: {
        summary: 'Gives somebody else a right for a time: needs approve on the resource',
        body: z.strictObject({
          principal: z.string().min(1).max(256),
          resource: z.string(),
          actions: z.array(z.enum(grantable)).min(1),
          seconds: z.number().int().min(10).max(timeSchemas.MOST_TIME_SECONDS),
          reason: z.string().min(1).max(2000),
        }),
        response: { 201: schemas.grant },
      },
    },
    async (request, reply) => {
      const { principal, origin } = request.caller!
      const { body } = request
      const resource = parts.inventory.get(body.resource)
      const policies = resource && parts.gateway.rights.policiesFor(principal, resource)
      if (
        policies === undefined ||
        !policies.mayApprove(parts.gateway.rights.factsFor(principal, origin))
      ) {
        throw new AccessDenied('not_allowed', 'No policy lets you approve on this resource.')
      }
      if (
        principal.kind !== 'user' ||
        principal.actors.length > 0 ||
        body.principal === principal.id ||
        parts.gateway.isOwn(principal.id, body.principal)
      ) {
        throw new AccessDenied(
          'not_allowed',
          'A right is given by a person, and to somebody else: not to oneself, nor to an agent of one’s own.',
        )
      }
      const id = newGrantId()
      const expiresAt = parts.now() + body.seconds * 1000
      await parts.audit.durable(
        parts.audit.append({
          kind: 'grant.created',
          principal: principalEntry(principal),
          target: { resource: body.resource },
          details: { grant: id, to: body.principal, actions: body.actions, expiresAt },
        }),
      )
      const grant = await parts.grants.create(
        {
          principal: body.principal,
          resource: body.resource,
          actions: body.actions,
          expiresAt,
          approvedBy: [principal.id],
          reason: body.reason,
        },
        id,
      )
      return reply.code(201).send(grantView(grant))
    },
  )

  routes.delete(
    paths.grant,
    {
      config,
      schema: {
        summary: 'Revokes a grant; sessions that rest on it end within 2 s. Needs console:operate',
        params: z.strictObject({ id: z.string() }),
        response: { 200: schemas.grant },
      },
    },
    async request => {
      need(parts, request.caller!, 'console:operate')
      return grantView(await parts.gateway.revoke(request.caller!.principal, request.params.id))
    },
  )
}
