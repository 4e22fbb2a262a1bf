// An error of ours as clients of a cluster see it: a Status object, whose message kubectl prints.
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
import { GatewayError, isGatewayError } from '#model'
import { type Denial, statusOf } from '#proxy'
import { Fields } from '#transport/http'

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
  503: 'ServiceUnavailable',
}

export function denial(error: unknown): Denial {
  const status = statusObject(error)
  const body = `${JSON.stringify(status)}\n`
  const fields: [string, string][] = [
    ['content-type', 'application/json'],
    ['cache-control', 'no-store'],
  ]
  if (status.code === 401) fields.push(['www-authenticate', 'Bearer realm="sallyport"'])
  return {
    head: {
      status: status.code,
      fields: Fields.of(...fields),
      body: { kind: 'length', length: Buffer.byteLength(body) },
    },
    body,
  }
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

export function statusObject(error: unknown): StatusObject {
  const known = isGatewayError(error)
    ? error
    : new GatewayError('internal', 'the gateway failed on this; nothing was passed on')
  const { code, message, detail, hint, requestId, retryBefore } = known
  const status = statusOf(known)
  // Clients show the message and little else.
  const words = [message, detail, hint].filter(each => each !== undefined)
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
