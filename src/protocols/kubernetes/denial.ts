// An error of ours as clients of a cluster see it: a Status object, whose message kubectl prints.
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
import { GatewayError, isGatewayError } from '#model'
import { type Denial, statusOf } from '#proxy'
import { Fields, type RequestHead } from '#transport/http'
import { NAMING } from './cluster-path.ts'

const REASONS: { readonly [status: number]: string } = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  429: 'TooManyRequests',
  500: 'InternalError',
  502: 'InternalError',
  503: 'ServiceUnavailable',
}

/** A path of an object, behind the resource; all others are of documents: what APIs there are, and how objects look. */
const OF_OBJECTS = /^\/[^/]+\/(?:api\/[^/]+|apis\/[^/]+\/[^/]+)\/[^/]/
/** What stands there instead of a resource when a client took our address for the cluster's own. */
const OF_CLUSTERS = /^\/(?:api|apis|openapi|version|healthz|livez|readyz|metrics|logs)(?:\/|$)/

export function denial(error: unknown, request?: Pick<RequestHead, 'target'>): Denial {
  const path = request?.target.path ?? ''
  const unnamed = isUnknown(error) && OF_CLUSTERS.test(path)
  const status = statusObject(error, unnamed ? [NAMING] : [])
  const code = isUnknown(error) && isOfDocuments(request, path) ? 403 : status.code
  // Of documents clients show the words of two kinds of answers, where they are plain text: of a 403, and of what a server fails at.
  const asText = isOfDocuments(request, path) && (code === 403 || code >= 500)
  const body = `${asText ? status.message : JSON.stringify(status)}\n`
  const fields: [string, string][] = [
    ['content-type', asText ? 'text/plain; charset=utf-8' : 'application/json'],
    ['cache-control', 'no-store'],
  ]
  if (code === 401) fields.push(['www-authenticate', 'Bearer realm="sallyport"'])
  return {
    head: {
      status: code,
      fields: Fields.of(...fields),
      body: { kind: 'length', length: Buffer.byteLength(body) },
    },
    body,
  }
}

function isOfDocuments(request: object | undefined, path: string): boolean {
  return request !== undefined && !OF_OBJECTS.test(path)
}

function isUnknown(error: unknown): boolean {
  return isGatewayError(error) && error.code === 'resource_unknown'
}

export interface StatusObject {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: object
  readonly status: 'Failure'
  readonly message: string
  readonly reason: string
  readonly details: { readonly causes: readonly { reason: string; message: string }[] }
  readonly code: number
}

/** `more`: sentences behind its own. */
export function statusObject(error: unknown, more: readonly string[] = []): StatusObject {
  const known = isGatewayError(error)
    ? error
    : new GatewayError('internal', 'the gateway failed on this; nothing was passed on')
  const { code, message, detail, hint, requestId, retryBefore } = known
  const status = statusOf(known)
  // Clients show the message and little else.
  const words = [...new Set([message, detail, hint, ...more])].filter(each => each !== undefined)
  // What they say already is not said again.
  const said = words.join(' ')
  if (requestId !== undefined && !said.includes(requestId)) words.push(`request ${requestId}`)
  if (retryBefore !== undefined && !/\bbefore \d/.test(said))
    words.push(`repeat the identical request before ${new Date(retryBefore).toISOString()}`)
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: words.map(sentence).join(' '),
    reason: REASONS[status] ?? 'Unknown',
    details: { causes: [{ reason: code, message }] },
    code: status,
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
