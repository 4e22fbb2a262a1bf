// What protocols are written against. (What of it is for protocols, `#gateway` exports; `mintPermit` stays inside.)
export { endingError } from './endings.ts'
export type { AskedPerson, EphemeralLogin, Gateway, ScramVerifier } from './gateway.ts'
export type { KeyProofs } from './key-proofs.ts'
export {
  type HiddenValue,
  mintPermit,
  Permit,
  type PermitBasis,
  type ResultColumn,
  type StoredWatch,
} from './permit.ts'
export type { ListenerSettings, Protocol } from './protocol.ts'
export type {
  Departure,
  KeptText,
  OpeningSession,
  Outcome,
  OutputStream,
  RecordedAnswer,
  Session,
  TerminalSize,
  UpstreamAccess,
  Waiting,
} from './session.ts'
export { type StandingPermit, standOn } from './standing-permit.ts'
export { UnfinishedLine } from './unfinished-line.ts'
