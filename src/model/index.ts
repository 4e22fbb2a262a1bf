// The words of the product (docs/glossary.md), one file per word. Imports nothing outside this room.
export type {
  AccessRequest,
  AccessRequestState,
  ApprovalVote,
  Grant,
  StatementDigest,
} from './access-request.ts'
export type { AuditEntry, AuditKind } from './audit-entry.ts'
export type { DataClass, Finding, MaskMethod } from './data-class.ts'
export type { Decision, Effect, Obligation, OperationDecision, PolicyId } from './decision.ts'
export {
  AccessDenied,
  AuthenticationFailed,
  ConfigurationError,
  GatewayError,
  InvalidRequest,
  isGatewayError,
  ProtocolError,
  type ReasonCode,
  reasonCodes,
  Unavailable,
  UpstreamError,
} from './errors.ts'
export type { Json, JsonObject } from './json.ts'
export type { Actor, CredentialKind, Principal, PrincipalKind } from './principal.ts'
export type {
  CredentialSettings,
  RecordingSettings,
  ResolvedSecrets,
  Resource,
} from './resource.ts'
export { Secret } from './secret.ts'
export type { CloseReason, Origin, SessionId, SessionSummary } from './session.ts'
export {
  type Action,
  actions,
  type ColumnName,
  type Flag,
  flags,
  type Operation,
  type Parameter,
  type Statement,
  type TargetObject,
} from './statement.ts'
