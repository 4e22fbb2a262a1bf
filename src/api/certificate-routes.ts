// Certificates for keys of clients: behind each stands an ephemeral credential whose secret nobody ever sees, so it
// is bounded, listed, revoked and put on record as the others are.
import { certificateSchemas, paths } from '#contract'
import { principalEntry } from '#gateway'
import { InvalidRequest } from '#model'
import type { Routes } from './api.ts'
import { connectable, MOST_TTL_MS } from './credential-routes.ts'
import type { ApiParts } from './parts.ts'

export function certificateRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const
  const { gateway } = parts

  routes.post(
    paths.certificates,
    {
      config,
      schema: {
        summary: 'Certifies a public key of yours for one resource',
        body: certificateSchemas.askedCertificate,
        response: { 201: certificateSchemas.issuedCertificate },
      },
    },
    async (request, reply) => {
      const { body } = request
      const { principal } = request.caller!
      const resource = connectable(parts, request.caller!, body.resource)
      const proofs = parts.protocols.find(({ name }) => name === resource.protocol)?.keyProofs
      if (proofs === undefined) {
        throw new InvalidRequest(
          'request_invalid',
          `Clients of ${resource.name} do not prove themselves by certificates.`,
          { hint: `sallyport credential ${resource.name} gives a password.` },
        )
      }
      // Before anything is issued: what cannot be certified costs nothing.
      const certifier = proofs.certifier({ ...body, resource: resource.name })
      const ttlMs = body.ttl === undefined ? MOST_TTL_MS : body.ttl * 1000
      const { id, secret, expiresAt } = await parts.identity.issue(principal, resource.name, ttlMs)
      secret.wipe()
      const { fingerprint } = certifier
      await parts.audit.durable(
        parts.audit.append({
          kind: 'credential.issued',
          principal: principalEntry(principal),
          target: { resource: resource.name },
          details: { credential: id, expiresAt, key: fingerprint },
        }),
      )
      const certificate = certifier.certify(
        { id, now: parts.now(), expiresAt },
        gateway.authorities(),
      )
      const endpoint = parts.endpoint(resource.protocol)
      return reply.code(201).send({
        id,
        resource: resource.name,
        principal: principal.id,
        expiresAt,
        certificate,
        fingerprint,
        ...(endpoint === undefined ? {} : { endpoint }),
      })
    },
  )

  routes.get(
    paths.knownHosts,
    {
      config,
      schema: {
        summary: 'Lines by which clients know this gateway where they know hosts by keys',
        response: { 200: certificateSchemas.knownHosts },
      },
    },
    async () =>
      parts.protocols.flatMap(({ name, keyProofs }) => {
        const port = parts.endpoint(name)?.port
        if (keyProofs === undefined || port === undefined) return []
        const at = { names: gateway.names(), port }
        const lines = keyProofs.knownHosts(at, gateway.hostKey(), gateway.authorities())
        const trust = keyProofs.trust(gateway.authorities())
        return [{ protocol: name, lines: [...lines], trust }]
      }),
  )
}
