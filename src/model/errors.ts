// Every error that crosses a room's door. Each border (wire, REST, CLI) renders these in its own form.
// docs/errors.md has a line for each code; test/architecture.test.ts holds the two together.

/** Stable reason codes. Scripts and agents act on them: never renamed, never reused. */
export const reasonCodes = [
  'permitted',
  // authentication
  'token_invalid',
  'token_expired',
  'token_required',
  'credential_invalid',
  'plaintext_refused',
  'identity_ended',
  // decision
  'no_permit',
  'forbidden',
  'approval_required',
  'approval_pending',
  'approval_denied',
  'approval_superseded',
  'reason_required',
  'step_up_required',
  'limit_exceeded',
  'rows_exceeded',
  'policy_error',
  'masked_predicate',
  'masked_values_exceeded',
  'masked_copy',
  'mask_written_back',
  'answer_unreadable',
  // statements
  'statement_unreadable',
  'statement_too_large',
  'statement_unsupported',
  'setting_refused',
  // protocol
  'protocol_violation',
  'message_unsupported',
  'message_too_large',
  // things around us
  'resource_unknown',
  'upstream_unreachable',
  'upstream_refused',
  'upstream_lost',
  'audit_unavailable',
  'recording_unavailable',
  'catalog_unavailable',
  'unavailable',
  'session_ended',
  'too_many_sessions',
  'too_many_requests',
  // control plane
  'request_invalid',
  'request_unknown',
  'request_conflict',
  'not_allowed',
  'configuration_invalid',
  'internal',
] as const
export type ReasonCode = (typeof reasonCodes)[number]

interface Details {
  /** What the client may be told besides the message: policy ids and the like. */
  readonly detail?: string
  /** What the client can do about it. */
  readonly hint?: string
  /** For the operator's log; never shown to a client. */
  readonly cause?: unknown
  /** The access request that goes with the refusal. */
  readonly requestId?: string
  /** Unix ms until when a retry can succeed. */
  readonly retryBefore?: number
}

/** What every error of ours is. `message` is fit for the client: no values, no secrets, no paths. */
export class GatewayError extends Error {
  readonly code: ReasonCode
  readonly detail: string | undefined
  readonly hint: string | undefined
  readonly requestId: string | undefined
  readonly retryBefore: number | undefined

  constructor(code: ReasonCode, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.detail = details.detail
    this.hint = details.hint
    this.requestId = details.requestId
    this.retryBefore = details.retryBefore
  }
}

/** Who asks could not be established. */
export class AuthenticationFailed extends GatewayError {}
/** Decided, and the answer is no. */
export class AccessDenied extends GatewayError {}
/** The peer broke the rules of its wire; the connection ends. */
export class ProtocolError extends GatewayError {}
/** The protected system cannot be reached, refused us, or went away. */
export class UpstreamError extends GatewayError {}
/** We cannot do it now: log not writable, shutting down, too much load. */
export class Unavailable extends GatewayError {}
/** Configuration or policy that does not hold. */
export class ConfigurationError extends GatewayError {}
/** A call of the control plane that does not make sense. */
export class InvalidRequest extends GatewayError {}

/** True for errors that carry a message for the client; anything else is a bug and says `internal`. */
export function isGatewayError(error: unknown): error is GatewayError {
  return error instanceof GatewayError
}
