// The enforcement point (PEP): authenticate, open, authorize, complete.
export type { Permit, ResultColumn } from './permit.ts'
export type {
  Endpoint,
  EphemeralLogin,
  Gateway,
  ListenerSettings,
  Protocol,
  ScramVerifier,
} from './protocol.ts'
export type { Outcome, RecordedAnswer, Session, Waiting } from './session.ts'
