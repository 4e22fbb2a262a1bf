// The words of the product (docs/glossary.md), one file per word. Imports nothing outside this room.
export {
  type AccessRequest,
  type AccessRequestKind,
  type AccessRequestState,
  type ApprovalNeed,
  type ApprovalTerms,
  type ApprovalVote,
  askedFor,
  type Grant,
  grantIdOf,
  lengthOf,
  type ReviewRequest,
  type StatementDigest,
  type StatementRequest,
  type TimeRequest,
  type TimeTerms,
} from './access-request.ts'
export type { AuditEntry, AuditKind } from './audit-entry.ts'
export {
  type Checksum,
  checksums,
  type DataClass,
  type DetectorSettings,
  type Finding,
  type FixedMask,
  type GeneralizeMask,
  type KeepMask,
  type MaskMethod,
  maskMethods,
  type PluginMask,
  type PluginSettings,
} from './data-class.ts'
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
export {
  type ComparedValue,
  type Derivation,
  derivations,
  type Lineage,
  type OutputLineage,
  type Probe,
  type ProbeUse,
  probeUses,
  type Transfer,
} from './lineage.ts'
export { cannotListen } from './listening.ts'
export type {
  CredentialPlugin,
  Endpoint,
  LastingEntry,
  NativeTool,
  ToolFile,
} from './native-tool.ts'
export type { Preview, PreviewTable } from './preview.ts'
export type { Actor, CredentialKind, Principal, PrincipalKind } from './principal.ts'
export {
  type CredentialSettings,
  type MaskingSettings,
  type PredicateRule,
  predicateRules,
  type RecordingSettings,
  type ResolvedSecrets,
  type Resource,
} from './resource.ts'
export { Secret } from './secret.ts'
export type { CloseReason, Origin, SessionId, SessionSummary } from './session.ts'
export type { SessionMarks } from './session-marks.ts'
export {
  type Action,
  actions,
  type ColumnName,
  type FieldAsked,
  type Flag,
  flags,
  type Look,
  type NamedValues,
  type Operation,
  type Parameter,
  type Statement,
  type TargetObject,
  type TunnelEnd,
} from './statement.ts'
