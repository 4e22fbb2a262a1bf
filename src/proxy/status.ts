// The status that a client of any wire on HTTP gets for an error of ours.
import type { GatewayError, ReasonCode } from '#model'
import { HttpRefusal } from '#transport/http'

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

export function statusOf(error: GatewayError): number {
  return error instanceof HttpRefusal ? error.status : (STATUS[error.code] ?? 403)
}
