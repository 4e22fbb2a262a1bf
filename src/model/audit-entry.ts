// One line of evidence. Small and fixed: who, what, decision, why; no values, no statement texts.
import type { JsonObject } from './json.ts'

export type AuditKind =
  | 'log.start'
  | 'log.heartbeat'
  | 'log.read'
  | 'key.rotate'
  | 'login.succeeded'
  | 'login.failed'
  | 'login.ended'
  | 'session.opened'
  | 'session.refused'
  | 'session.closed'
  | 'statement.prepared'
  | 'statement.permitted'
  | 'statement.denied'
  | 'statement.held'
  | 'statement.completed'
  | 'request.created'
  | 'request.refused'
  | 'request.previewed'
  | 'request.told'
  | 'request.voted'
  | 'request.decided'
  | 'request.consumed'
  | 'request.ended'
  | 'grant.created'
  | 'grant.ended'
  | 'glass.broken'
  | 'glass.reviewed'
  | 'credential.issued'
  | 'credential.revoked'
  | 'policies.changed'
  | 'resources.changed'
  | 'recording.chunk'
  | 'recording.read'
  | 'operator.acted'

/**
 * What a caller hands to the log. The log adds `seq` and `ts`. Numbers are integers up to 2^53-1;
 * times are Unix ms; there are no floats, no undefined, no bytes (hex instead).
 */
export interface AuditEntry {
  readonly kind: AuditKind
  readonly session?: string
  readonly principal?: JsonObject
  readonly source?: JsonObject
  readonly target?: JsonObject
  readonly action?: JsonObject
  readonly decision?: JsonObject
  readonly masking?: JsonObject
  readonly result?: JsonObject
  readonly details?: JsonObject
}
