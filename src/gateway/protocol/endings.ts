// Why a session ended, as its client is told: each wire renders it in its own form.
import { type CloseReason, GatewayError, type ReasonCode } from '#model'

const endings: Readonly<Record<CloseReason, readonly [ReasonCode, string]>> = {
  client_left: ['session_ended', 'the client left'],
  user_changed: ['session_ended', 'the session ended: the client logged in anew'],
  upstream_left: ['upstream_lost', 'the upstream closed the connection'],
  identity_ended: [
    'identity_ended',
    'the session ended: the identity behind it has expired or was withdrawn',
  ],
  grant_ended: ['session_ended', 'the session ended: the grant that it rests on is over'],
  policy_changed: ['session_ended', 'the session ended: the policies no longer permit it'],
  resource_changed: ['session_ended', 'the session ended: the resource was changed or removed'],
  ended_by_operator: ['session_ended', 'the session was ended by an operator'],
  protocol_violation: ['protocol_violation', 'the session ended: a message broke the protocol'],
  audit_unavailable: ['audit_unavailable', 'the session ended: the audit log cannot be written'],
  recording_unavailable: [
    'recording_unavailable',
    'the session ended: the recording cannot be written',
  ],
  shutdown: ['session_ended', 'the gateway is shutting down'],
  failed: ['internal', 'the session ended: the gateway failed'],
}

/** What a client is told when its session ends for `reason`. */
export function endingError(reason: CloseReason): GatewayError {
  const [code, text] = endings[reason]
  return new GatewayError(code, text)
}
