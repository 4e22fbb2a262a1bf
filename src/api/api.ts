// The REST server: TLS, authentication, problem documents, and a route for each path of the contract.

import swagger from '@fastify/swagger'
import fastify, { type FastifyInstance } from 'fastify'
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { paths } from '#contract'
import { GatewayError, InvalidRequest, isGatewayError } from '#model'
import { auditRoutes } from './audit-routes.ts'
import { authenticate } from './authentication.ts'
import { credentialRoutes } from './credential-routes.ts'
import { grantRoutes } from './grant-routes.ts'
import type { ApiParts } from './parts.ts'
import { policyRoutes } from './policy-routes.ts'
import { problemOf } from './problem.ts'
import { requestRoutes } from './request-routes.ts'
import { resourceRoutes } from './resource-routes.ts'
import { sessionRoutes } from './session-routes.ts'
import { serveTunnels } from './tunnels.ts'

const MOST_BODY_BYTES = 2 * 1024 * 1024

export type Server = FastifyInstance & { withTypeProvider: never }
/** fastify with our schemas' types. */
export type Routes = ReturnType<typeof typed>

function typed(server: FastifyInstance) {
  return server.withTypeProvider<ZodTypeProvider>()
}

export interface Api {
  readonly port: number
  /** Takes a renewed certificate. */
  useCertificate(pem: { certificate: string; key: string }): void
  close(): Promise<void>
}

/** Starts the API. Throws when the address cannot be listened on. */
export async function startApi(
  parts: ApiParts,
  listener: { host: string; port: number },
  pem: { certificate: string; key: string },
): Promise<Api> {
  const server = fastify({
    https: {
      cert: pem.certificate,
      key: pem.key,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
    },
    bodyLimit: MOST_BODY_BYTES,
    requestTimeout: 30_000,
    connectionTimeout: 120_000,
    logger: false,
    trustProxy: false,
    forceCloseConnections: true,
  })
  server.setValidatorCompiler(validatorCompiler)
  server.setSerializerCompiler(serializerCompiler)
  server.addHook('onRoute', route => {
    if (route.config?.access === undefined && route.method !== 'HEAD') {
      throw new Error(`${route.method} ${route.url} does not say who may call it`)
    }
  })
  server.addHook('onRequest', async (request, reply) => {
    void reply.header('cache-control', 'no-store')
    void reply.header('x-content-type-options', 'nosniff')
    if (request.routeOptions.config.access === 'public') return
    request.caller = await authenticate(parts, request.raw)
  })
  server.setErrorHandler((error, _request, reply) => {
    const known = asGatewayError(error)
    if (!isGatewayError(known)) parts.log.error({ err: error }, 'api.failed')
    const problem = problemOf(known)
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
  })
  server.setNotFoundHandler({ preHandler: [] }, (request, reply) => {
    const problem = problemOf(
      new InvalidRequest(
        'request_unknown',
        `There is no ${request.method} ${request.url.slice(0, 200)}.`,
      ),
    )
    return reply.code(404).type('application/problem+json').send(JSON.stringify(problem))
  })
  await server.register(swagger, {
    openapi: {
      info: { title: 'Sallyport', version: '1', description: 'The control plane of the gateway.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  })
  server.after(() => {
    const routes = typed(server)
    for (const add of [
      resourceRoutes,
      credentialRoutes,
      requestRoutes,
      grantRoutes,
      sessionRoutes,
      policyRoutes,
      auditRoutes,
    ]) {
      add(routes, parts)
    }
    publicRoutes(server, parts)
  })
  serveTunnels(server.server, parts)
  await server.listen({ host: listener.host, port: listener.port })
  const address = server.server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : listener.port,
    useCertificate: renewed => {
      server.server.setSecureContext({ cert: renewed.certificate, key: renewed.key })
    },
    close: () => server.close(),
  }
}

function publicRoutes(server: FastifyInstance, parts: ApiParts): void {
  const config = { access: 'public' } as const
  server.get(paths.healthy, { config, schema: { hide: true } }, async () => ({ ok: true }))
  server.get(paths.ready, { config, schema: { hide: true } }, async (_request, reply) => {
    const ready = parts.ready()
    return reply.code(ready ? 200 : 503).send({ ready })
  })
  server.get(paths.openapi, { config, schema: { hide: true } }, async () => server.swagger())
}

/** fastify's own refusals (validation, size, media type) in our words; anything else is a bug. */
function asGatewayError(error: unknown): unknown {
  if (isGatewayError(error) || !(error instanceof Error)) return error
  const status = 'statusCode' in error ? Number(error.statusCode) : 500
  if (status === 413) return new GatewayError('message_too_large', 'The body is too large.')
  if (status >= 400 && status < 500)
    return new InvalidRequest('request_invalid', error.message.slice(0, 500))
  return error
}
