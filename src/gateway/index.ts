// The enforcement point (PEP): authenticate, open, authorize, complete.
export type { UsesWhy } from '#engines/exposure'
export type { KeyAuthorities } from '#transport'
export type { HoldTimes } from './approvals.ts'
export type { Presence } from './attendance.ts'
export { classExample, detectorOrigin } from './class-examples.ts'
export { createMasks } from './create-masks.ts'
export { digestOf } from './digest.ts'
export { endingError } from './endings.ts'
export { principalEntry, sourceEntry } from './evidence.ts'
export type { EphemeralLogin, Gateway, ScramVerifier } from './gateway.ts'
export type { GatewayParts, GatewaySettings } from './gateway-parts.ts'
export type { KeyProofs } from './key-proofs.ts'
export type { Permit, ResultColumn, StoredWatch } from './permit.ts'
export type { ListenerSettings, Protocol } from './protocol.ts'
export { type ReplayAsker, replayAsker } from './replay-inputs.ts'
export { SallyportGateway } from './sallyport-gateway.ts'
export type {
  Departure,
  OpeningSession,
  Outcome,
  OutputStream,
  RecordedAnswer,
  Session,
  TerminalSize,
  UpstreamAccess,
  Waiting,
} from './session.ts'
export type { Masks } from './sight.ts'
export { type StandingPermit, standOn } from './standing-permit.ts'
export { UnfinishedLine } from './unfinished-line.ts'
