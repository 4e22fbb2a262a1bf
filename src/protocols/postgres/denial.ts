// Turns an error of ours into PostgreSQL's own ErrorResponse. Knows SQLSTATE and the fields that drivers
// show; decides nothing. What is no GatewayError is a bug of ours: the client learns `internal` and no more.
import { GatewayError, isGatewayError, type ReasonCode } from '#model'
import { errorResponse, type MessageFields } from './messages.ts'

export type Severity = 'ERROR' | 'FATAL'

/** SQLSTATE by reason code (PostgreSQL documentation, appendix A). */
export const sqlStates: Readonly<Record<ReasonCode, string>> = {
  permitted: '00000',
  token_invalid: '28P01',
  token_expired: '28P01',
  token_required: '28P01',
  credential_invalid: '28P01',
  plaintext_refused: '28000',
  identity_ended: '57P01',
  no_permit: '42501',
  forbidden: '42501',
  approval_required: '42501',
  approval_pending: '42501',
  approval_denied: '42501',
  approval_superseded: '42501',
  reason_required: '42501',
  step_up_required: '42501',
  limit_exceeded: '42501',
  rows_exceeded: '42501',
  policy_error: '42501',
  masked_predicate: '42501',
  masked_values_exceeded: '42501',
  masked_copy: '42501',
  mask_written_back: '42501',
  answer_unreadable: '42501',
  statement_unreadable: '42601',
  statement_too_large: '54000',
  statement_unsupported: '0A000',
  setting_refused: '42501',
  protocol_violation: '08P01',
  message_unsupported: '0A000',
  message_too_large: '54000',
  resource_unknown: '3D000',
  upstream_unreachable: '08001',
  upstream_refused: '08004',
  upstream_lost: '08006',
  audit_unavailable: '58000',
  recording_unavailable: '58000',
  catalog_unavailable: '58000',
  unavailable: '57P03',
  session_ended: '57P01',
  too_many_sessions: '53300',
  too_many_requests: '53400',
  request_invalid: '22023',
  request_unknown: '22023',
  request_conflict: '55000',
  not_allowed: '42501',
  configuration_invalid: 'F0000',
  internal: 'XX000',
}

/**
 * The fields of the refusal. The reason code stands twice, because drivers differ in what they show:
 * in DETAIL's last line as `reason: CODE` (all drivers), and alone in the routine field `R` (JDBC,
 * node-postgres `error.routine`, psycopg `diag.source_function`), which a program need not parse.
 */
export function denialFields(error: unknown, severity: Severity): MessageFields {
  const known = isGatewayError(error)
    ? error
    : new GatewayError('internal', 'the gateway failed on this; the statement was not run')
  const detail = [
    known.detail,
    known.requestId === undefined ? undefined : `request: ${known.requestId}`,
    known.retryBefore === undefined
      ? undefined
      : `retry before: ${new Date(known.retryBefore).toISOString()}`,
    `reason: ${known.code}`,
  ].filter(line => line !== undefined && line !== '')
  const fields: (readonly [string, string])[] = [
    ['S', severity],
    ['V', severity],
    ['C', sqlStates[known.code]],
    ['M', known.message],
    ['D', detail.join('\n')],
  ]
  if (known.hint !== undefined && known.hint !== '') fields.push(['H', known.hint])
  fields.push(['R', known.code])
  return fields
}

/** The ErrorResponse for `error`: ERROR when the session goes on, FATAL when it ends with this message. */
export function denial(error: unknown, severity: Severity = 'ERROR'): Uint8Array {
  return errorResponse(denialFields(error, severity))
}
