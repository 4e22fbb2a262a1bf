// Turns an error of ours into the wire's own ERR. Knows the servers' codes and states; decides nothing. What is no
// GatewayError is a bug of ours: the client learns `internal` and no more.
import { GatewayError, isGatewayError, type ReasonCode } from '#model'
import { writeError } from './messages.ts'

const DENIED = [1142, '42000'] as const
const LOGIN = [1045, '28000'] as const

/** The server's code and SQLSTATE by reason code. Never 2000 to 2999: those are clients' own, and libmariadb calls a packet that brings one malformed. */
export const nativeCodes: Readonly<Record<ReasonCode, readonly [number, string]>> = {
  permitted: [0, '00000'],
  token_invalid: LOGIN,
  token_expired: LOGIN,
  token_required: LOGIN,
  credential_invalid: LOGIN,
  plaintext_refused: [3159, 'HY000'],
  identity_ended: [3169, 'HY000'],
  no_permit: DENIED,
  forbidden: DENIED,
  approval_required: DENIED,
  approval_pending: DENIED,
  approval_denied: DENIED,
  approval_superseded: DENIED,
  reason_required: DENIED,
  step_up_required: DENIED,
  limit_exceeded: DENIED,
  rows_exceeded: DENIED,
  policy_error: DENIED,
  masked_predicate: DENIED,
  masked_values_exceeded: DENIED,
  masked_copy: DENIED,
  mask_written_back: DENIED,
  answer_unreadable: DENIED,
  statement_unreadable: [1064, '42000'],
  statement_too_large: [1153, '08S01'],
  statement_unsupported: [1235, '42000'],
  setting_refused: [1231, '42000'],
  protocol_violation: [1043, '08S01'],
  message_unsupported: [1047, '08S01'],
  message_too_large: [1153, '08S01'],
  resource_unknown: [1049, '42000'],
  upstream_unreachable: [1429, 'HY000'],
  upstream_refused: [1130, 'HY000'],
  upstream_lost: [1159, '08S01'],
  audit_unavailable: [1290, 'HY000'],
  recording_unavailable: [1290, 'HY000'],
  catalog_unavailable: [1290, 'HY000'],
  unavailable: [1053, '08S01'],
  session_ended: [3169, 'HY000'],
  too_many_sessions: [1040, '08004'],
  too_many_requests: [1226, '42000'],
  request_invalid: [1231, '42000'],
  request_unknown: [1231, '42000'],
  request_conflict: [1205, 'HY000'],
  not_allowed: DENIED,
  configuration_invalid: [1105, 'HY000'],
  internal: [1105, 'HY000'],
}

/** A text has 512 bytes on this wire, and many clients' buffers no more. */
const MOST_TEXT = 511

/**
 * The payload of the ERR for `error`. There is one text: the policy's words, then what a program looks for, the last
 * of it `reason: CODE`.
 */
export function denial(error: unknown): Uint8Array {
  const known = isGatewayError(error)
    ? error
    : new GatewayError('internal', 'the gateway failed on this; the statement was not run')
  const [code, state] = nativeCodes[known.code]
  return writeError({ code, state, message: textOf(known) })
}

function textOf(error: GatewayError): string {
  const { message, detail, hint, requestId, retryBefore, code } = error
  const must = [
    requestId === undefined ? undefined : `request: ${requestId}`,
    retryBefore === undefined ? undefined : `retry before: ${new Date(retryBefore).toISOString()}`,
    `reason: ${code}`,
  ].filter(line => line !== undefined)
  // One line: a sentence's full stop gives way to what joins it to the next.
  const may = [message, detail, hint]
    .flatMap(line => line?.replace(/(?<!\.)\.$/, '') || [])
    .join('; ')
  const end = `; ${must.join('; ')}`
  return shortened(may, MOST_TEXT - Buffer.byteLength(end)) + end
}

/** As many whole characters as fit. */
function shortened(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text
  let kept = ''
  let left = bytes - 3
  for (const character of text) {
    left -= Buffer.byteLength(character)
    if (left < 0) break
    kept += character
  }
  return `${kept}...`
}
