// Ephemeral credentials: issued, listed, revoked. A secret is shown once and kept nowhere.
import { z } from 'zod'
import { paths, schemas } from '#contract'
import { principalEntry } from '#gateway'
import { AccessDenied, InvalidRequest, type Resource } from '#model'
import type { Routes } from './api.ts'
import type { ApiParts, Caller } from './parts.ts'
import { has, isOwn } from './rights.ts'

export const MOST_TTL_MS = 15 * 60_000

export function credentialRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const

  routes.post(
    paths.credentials,
    {
      config,
      schema: {
        summary: 'Issues an ephemeral credential for one resource',
        body: z.strictObject({
          resource: z.string(),
          /** Seconds; 900 at most. */
          ttl: z.number().int().min(10).max(900).optional(),
        }),
        response: { 201: schemas.issuedCredential },
      },
    },
    async (request, reply) => {
      const { principal } = request.caller!
      const resource = connectable(parts, request.caller!, request.body.resource)
      const ttlMs = request.body.ttl === undefined ? MOST_TTL_MS : request.body.ttl * 1000
      const issued = await parts.identity.issue(principal, resource.name, ttlMs)
      await parts.audit.durable(
        parts.audit.append({
          kind: 'credential.issued',
          principal: principalEntry(principal),
          target: { resource: resource.name },
          details: { credential: issued.id, expiresAt: issued.expiresAt },
        }),
      )
      return reply.code(201).send({
        id: issued.id,
        resource: resource.name,
        principal: principal.id,
        expiresAt: issued.expiresAt,
        secret: issued.secret.reveal(),
      })
    },
  )

  routes.get(
    paths.credentials,
    {
      config,
      schema: {
        summary: 'Credentials that are in force: your own, or all with console:read',
        querystring: z.strictObject({
          /** That one alone. */
          id: z.string().max(64).optional(),
        }),
        response: { 200: z.array(schemas.credential) },
      },
    },
    async request => {
      const all = has(parts, request.caller!, 'console:read')
      const held = await parts.identity.list(all ? undefined : request.caller!.principal.id)
      const { id: only } = request.query
      const visible = held.filter(
        each => (all || isOwn(request.caller!, each)) && (only === undefined || each.id === only),
      )
      return visible.map(({ id, resource, principal, expiresAt }) => ({
        id,
        resource,
        principal,
        expiresAt,
      }))
    },
  )

  routes.delete(
    paths.credential,
    {
      config,
      schema: {
        summary:
          'Revokes a credential and ends its sessions: your own, or any with console:operate',
        params: z.strictObject({ id: z.string() }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const held = await parts.identity.list()
      const credential = held.find(each => each.id === request.params.id)
      if (
        credential === undefined ||
        !(isOwn(request.caller!, credential) || has(parts, request.caller!, 'console:operate'))
      ) {
        throw new InvalidRequest('request_unknown', 'There is no such credential of yours.')
      }
      await parts.audit.durable(
        parts.audit.append({
          kind: 'credential.revoked',
          principal: principalEntry(request.caller!.principal),
          details: { credential: credential.id },
        }),
      )
      await parts.identity.revokeCredential(credential.id)
      return reply.code(204).send(null)
    },
  )
}

/** A resource that the caller may connect to. Throws AccessDenied, the same for one that there is not. */
export function connectable(parts: ApiParts, caller: Caller, name: string): Resource {
  const resource = parts.inventory.get(name)
  if (
    resource === undefined ||
    !parts.gateway.rights.mayConnect(caller.principal, resource, caller.origin)
  ) {
    throw new AccessDenied(
      'resource_unknown',
      'There is no such resource that you may connect to.',
      {
        hint: 'The names that you may use: sallyport resources.',
      },
    )
  }
  return resource
}
