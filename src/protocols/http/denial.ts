// An error of ours as a client of this wire sees it: a status and a problem document (RFC 9457), with what can be done.
import { GatewayError, isGatewayError, type ReasonCode } from '#model'
import { Fields, HttpRefusal, type ResponseHead } from '#transport/http'

const STATUS: { readonly [code in ReasonCode]?: number } = {
  token_invalid: 401,
  token_expired: 401,
  token_required: 401,
  credential_invalid: 401,
  identity_ended: 401,
  plaintext_refused: 400,
  request_invalid: 400,
  statement_unreadable: 400,
  protocol_violation: 400,
  resource_unknown: 404,
  message_too_large: 413,
  statement_too_large: 413,
  message_unsupported: 415,
  too_many_sessions: 429,
  too_many_requests: 429,
  internal: 500,
  upstream_unreachable: 502,
  upstream_refused: 502,
  upstream_lost: 502,
  audit_unavailable: 503,
  recording_unavailable: 503,
  configuration_invalid: 503,
  unavailable: 503,
}

export interface Denial {
  readonly head: ResponseHead
  readonly body: string
}

/** Seconds between two tries at what a person is asked about. */
const RETRY_AFTER_S = 5

export function denial(error: unknown): Denial {
  const known = isGatewayError(error)
    ? error
    : new GatewayError('internal', 'the gateway failed on this; nothing was passed on')
  const { code, message, detail, hint, requestId, retryBefore } = known
  const status = known instanceof HttpRefusal ? known.status : (STATUS[code] ?? 403)
  const body = `${JSON.stringify({
    type: `urn:sallyport:error:${code}`,
    title: code.replaceAll('_', ' '),
    status,
    detail: message,
    code,
    ...(detail === undefined ? {} : { about: detail }),
    ...(hint === undefined ? {} : { hint }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(retryBefore === undefined ? {} : { retryBefore: new Date(retryBefore).toISOString() }),
  })}\n`
  const fields: [string, string][] = [
    ['content-type', 'application/problem+json'],
    ['cache-control', 'no-store'],
  ]
  if (status === 401) {
    fields.push(['www-authenticate', 'Bearer realm="sallyport"'])
    fields.push(['www-authenticate', 'Basic realm="sallyport", charset="UTF-8"'])
  }
  if (retryBefore !== undefined) fields.push(['retry-after', String(RETRY_AFTER_S)])
  const length = Buffer.byteLength(body)
  return { head: { status, fields: Fields.of(...fields), body: { kind: 'length', length } }, body }
}
