// The REST server: TLS, authentication, problem documents, and a route for each path of the contract.
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import swagger from '@fastify/swagger'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { paths } from '#contract'
import {
  AuthenticationFailed,
  cannotListen,
  GatewayError,
  InvalidRequest,
  isGatewayError,
} from '#model'
import { auditRoutes } from './audit-routes.ts'
import { authenticate } from './authentication.ts'
import { certificateRoutes } from './certificate-routes.ts'
import { channelHooks, channelRoutes } from './channel-routes.ts'
import { credentialRoutes } from './credential-routes.ts'
import { dataClassRoutes } from './data-class-routes.ts'
import { deviceRoutes } from './device-routes.ts'
import { evidenceRoutes } from './evidence-routes.ts'
import { explanationRoutes } from './explanation-routes.ts'
import { grantRoutes } from './grant-routes.ts'
import { liveRoutes } from './live-routes.ts'
import { nowRoutes } from './now-routes.ts'
import { completeDocument, type OpenApi } from './openapi.ts'
import type { ApiParts } from './parts.ts'
import { peopleRoutes } from './people-routes.ts'
import { policyFileRoutes } from './policy-file-routes.ts'
import { policyReplayRoutes } from './policy-replay-routes.ts'
import { policyRoutes } from './policy-routes.ts'
import { precedentRoutes } from './precedent-routes.ts'
import { problemOf } from './problem.ts'
import { requestRoutes } from './request-routes.ts'
import { resourceRoutes } from './resource-routes.ts'
import { runRoutes } from './run-routes.ts'
import { sessionRoutes } from './session-routes.ts'
import { signInRoutes } from './sign-in-routes.ts'
import { terminalRoutes } from './terminal-routes.ts'
import { timeRoutes } from './time-routes.ts'
import { serveTunnels } from './tunnels.ts'
import { validationWords } from './validation-words.ts'
import { withdrawalRoutes } from './withdrawal-routes.ts'

const MOST_BODY_BYTES = 2 * 1024 * 1024
const MOST_FORM_BYTES = 8 * 1024
const MOST_CONNECTIONS = 4_096
/** From the first byte to a whole request, body included. */
const REQUEST_MS = 30_000
const HEADERS_MS = 10_000
const HANDSHAKE_MS = 10_000
const IDLE_MS = 120_000
const PROBLEM_TYPE = 'application/problem+json'

/** What is no page may load nothing and be shown in nothing. */
const NO_CONTENT = "default-src 'none'; frame-ancestors 'none'"

const CONTRACT: ReadonlySet<string> = new Set(Object.values(paths))

/** fastify with our schemas' types. */
export type Routes = ReturnType<typeof typed>

function typed(server: FastifyInstance) {
  return server.withTypeProvider<ZodTypeProvider>()
}

export interface Api {
  readonly port: number
  /** All that is served, as `GET /path`: what the table of rights is held against. */
  readonly routes: readonly string[]
  /** Takes a renewed certificate. */
  useCertificate(pem: { certificate: string; key: string }): void
  /** Ends what is open, tunnels included. */
  close(): Promise<void>
}

export interface ApiLimits {
  /** From the first byte to a whole request, in ms. */
  readonly requestMs?: number
}

/** Starts the API. Throws ConfigurationError when the address cannot be listened on. */
export async function startApi(
  parts: ApiParts,
  listener: { host: string; port: number },
  pem: { certificate: string; key: string },
  { requestMs = REQUEST_MS }: ApiLimits = {},
): Promise<Api> {
  const server: FastifyInstance = fastify({
    https: {
      cert: pem.certificate,
      key: pem.key,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: HANDSHAKE_MS,
      connectionsCheckingInterval: Math.min(5_000, requestMs),
    },
    bodyLimit: MOST_BODY_BYTES,
    requestTimeout: requestMs,
    connectionTimeout: IDLE_MS,
    logger: false,
    trustProxy: false,
    forceCloseConnections: true,
    // A HEAD of a stream would never end, and nobody needs the others.
    exposeHeadRoutes: false,
    frameworkErrors: (_error, _request, reply) => {
      void send(reply, new InvalidRequest('request_invalid', 'The address is not well-formed.'))
    },
    clientErrorHandler: (error, socket) => refuseBytes(error, socket),
  })
  server.setValidatorCompiler(validatorCompiler)
  server.setSerializerCompiler(serializerCompiler)
  // Of our own pages' forms; what a route takes is checked by its schema all the same.
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: MOST_FORM_BYTES },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  const routes: string[] = []
  server.addHook('onRoute', route => {
    const names = [route.method].flat().map(method => `${method} ${route.url}`)
    if (route.config?.access === undefined)
      throw new Error(`${names.join()} does not say who may call it`)
    if (!CONTRACT.has(route.url)) throw new Error(`${names.join()} is not in the contract`)
    routes.push(...names)
  })
  server.addHook('onRequest', async (request, reply) => {
    void reply.header('cache-control', 'no-store')
    void reply.header('x-content-type-options', 'nosniff')
    void reply.header('referrer-policy', 'no-referrer')
    void reply.header('content-security-policy', NO_CONTENT)
    const { access } = request.routeOptions.config
    if (access === 'public' || access === 'signed') return
    // The console's own files tell nothing: whoever has them signs in next.
    if (request.is404 && parts.web?.has(request) === true) return
    request.caller = await authenticate(parts, request.raw)
  })
  server.addHook('preHandler', async request => {
    // A body can be slow: what was true when it began may not be any more.
    if (request.caller !== undefined && !parts.gateway.stillHolds(request.caller.principal))
      throw new AuthenticationFailed('identity_ended', 'The identity has ended.')
  })
  server.setErrorHandler((error, request, reply) => {
    const known = asGatewayError(error)
    if (!isGatewayError(known))
      parts.log.error({ err: error, route: request.routeOptions.url }, 'api.failed')
    return send(reply, known)
  })
  server.setNotFoundHandler((request, reply) => {
    const page = parts.web?.answer(request, reply)
    if (page !== undefined) return page
    const url = request.url.split('?')[0]?.slice(0, 200) ?? ''
    return send(
      reply,
      new InvalidRequest('request_unknown', `There is no ${request.method} ${url}.`),
    )
  })
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Sallyport', version: '1', description: 'The control plane of the gateway.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  })
  server.after(() => {
    const typedRoutes = typed(server)
    for (const add of [
      resourceRoutes,
      credentialRoutes,
      certificateRoutes,
      requestRoutes,
      precedentRoutes,
      grantRoutes,
      timeRoutes,
      sessionRoutes,
      terminalRoutes,
      explanationRoutes,
      nowRoutes,
      peopleRoutes,
      runRoutes,
      withdrawalRoutes,
      policyRoutes,
      policyFileRoutes,
      policyReplayRoutes,
      dataClassRoutes,
      auditRoutes,
      channelRoutes,
      evidenceRoutes,
      liveRoutes,
      signInRoutes,
      deviceRoutes,
    ]) {
      add(typedRoutes, parts)
    }
    publicRoutes(server, parts)
    channelHooks(server, parts)
  })
  const https = server.server as unknown as HttpsServer
  https.maxConnections = MOST_CONNECTIONS
  // Node swaps the two when the headers may take longer than the whole request.
  https.headersTimeout = Math.min(HEADERS_MS, requestMs)
  // A peer may reset while TLS is set up; the failed handshake is its own matter.
  https.on('tlsClientError', (_error, socket) => socket.destroy())
  const tunnels = serveTunnels(https, parts)
  await bind(server, listener)
  https.on('error', error => parts.log.error({ err: error }, 'api.accept_failed'))
  const address = https.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : listener.port,
    // The tunnel is no route of the HTTP server: it upgrades the connection.
    routes: [...routes, `GET ${paths.tunnel}`],
    useCertificate: renewed => {
      https.setSecureContext({ cert: renewed.certificate, key: renewed.key })
    },
    close: async () => {
      tunnels.close()
      await server.close()
    },
  }
}

async function bind(
  server: FastifyInstance,
  { host, port }: { host: string; port: number },
): Promise<void> {
  try {
    await server.listen({ host, port })
  } catch (cause) {
    // Not passed over: nothing is served, and the operator reads which address it is.
    throw cannotListen(host, port, cause)
  }
}

function publicRoutes(server: FastifyInstance, parts: ApiParts): void {
  const config = { access: 'public' } as const
  let document: OpenApi | undefined
  server.get(paths.healthy, { config, schema: { hide: true } }, async () => ({ ok: true }))
  server.get(paths.ready, { config, schema: { hide: true } }, async (_request, reply) => {
    const ready = parts.ready()
    return reply.code(ready ? 200 : 503).send({ ready })
  })
  server.get(paths.openapi, { config, schema: { hide: true } }, async () => {
    document ??= completeDocument(JSON.parse(JSON.stringify(server.swagger())))
    return document
  })
}

function send(reply: FastifyReply, error: unknown): FastifyReply {
  const problem = problemOf(error)
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer')
  return reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem))
}

/** Bytes that are no HTTP, or that came too slowly: there is no request to answer through. */
function refuseBytes(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const large = error.code === 'HPE_HEADER_OVERFLOW'
  const [status, reason] = late
    ? [408, 'Request Timeout']
    : large
      ? [431, 'Request Header Fields Too Large']
      : [400, 'Bad Request']
  const problem = problemOf(
    new InvalidRequest(
      'request_invalid',
      late ? 'The request came too slowly.' : 'This is not a request that can be read.',
    ),
  )
  const body = JSON.stringify({ ...problem, status })
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: ${PROBLEM_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

/** fastify's own refusals (validation, size, media type) in our words; anything else is a bug. */
function asGatewayError(error: unknown): unknown {
  if (isGatewayError(error) || !(error instanceof Error)) return error
  const status = 'statusCode' in error ? Number(error.statusCode) : 500
  if (status === 413) return new GatewayError('message_too_large', 'The body is too large.')
  if (status >= 400 && status < 500)
    return new InvalidRequest(
      'request_invalid',
      (validationWords(error) ?? error.message).slice(0, 500),
    )
  return error
}
