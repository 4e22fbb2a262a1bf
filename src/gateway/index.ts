// The enforcement point (PEP): authenticate, open, authorize, complete.
export type { UsesWhy } from '#engines/exposure'
export type { KeyAuthorities } from '#transport'
export { digestOf, type HoldTimes } from './approvals/index.ts'
export type { GatewayParts, GatewaySettings } from './gateway-parts.ts'
export type { Presence } from './logins/index.ts'
export {
  type Departure,
  type EphemeralLogin,
  endingError,
  type Gateway,
  type KeyProofs,
  type ListenerSettings,
  type OpeningSession,
  type Outcome,
  type OutputStream,
  type Permit,
  type Protocol,
  type RecordedAnswer,
  type ResultColumn,
  type ScramVerifier,
  type Session,
  type StandingPermit,
  type StoredWatch,
  standOn,
  type TerminalSize,
  UnfinishedLine,
  type UpstreamAccess,
  type Waiting,
} from './protocol/index.ts'
export { principalEntry, type ReplayAsker, replayAsker, sourceEntry } from './record/index.ts'
export { SallyportGateway } from './sallyport-gateway.ts'
export { classExample, createMasks, detectorOrigin, type Masks } from './sight/index.ts'
