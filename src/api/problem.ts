// Errors as RFC 9457 problem documents. A bug says `internal` and nothing more.

import type { ProblemView } from '#contract'
import { GatewayError, isGatewayError, type ReasonCode } from '#model'

const STATUS: { readonly [code in ReasonCode]?: number } = {
  token_invalid: 401,
  token_expired: 401,
  token_required: 401,
  credential_invalid: 401,
  identity_ended: 401,
  request_invalid: 400,
  statement_unreadable: 400,
  request_unknown: 404,
  resource_unknown: 404,
  request_conflict: 409,
  message_too_large: 413,
  statement_too_large: 413,
  too_many_sessions: 429,
  internal: 500,
  upstream_unreachable: 502,
  upstream_refused: 502,
  upstream_lost: 502,
  audit_unavailable: 503,
  recording_unavailable: 503,
  unavailable: 503,
}

export function problemOf(error: unknown): ProblemView {
  const known = isGatewayError(error)
    ? error
    : new GatewayError('internal', 'Something is broken here; it is in the log of the gateway.')
  const status = STATUS[known.code] ?? 403
  return {
    type: `urn:sallyport:error:${known.code}`,
    title: known.code.replaceAll('_', ' '),
    status,
    detail: known.message,
    code: known.code,
    ...(known.hint === undefined ? {} : { hint: known.hint }),
    ...(known.requestId === undefined ? {} : { requestId: known.requestId }),
    ...(known.retryBefore === undefined ? {} : { retryBefore: known.retryBefore }),
  }
}
