// What the discharge of an obligation may use, and what it leaves behind.
import type { Decision, JsonObject, Obligation, Statement } from '#model'
import type { Waiting } from '../protocol/index.ts'

/** What discharging adds to the permit. */
export interface Discharged {
  readonly maxRows?: number
  readonly limit?: { readonly rows?: number; readonly bytes?: number }
  /** The approval that was used, for the audit entry. */
  readonly approval?: JsonObject
  /** What was decided with it: newer than what asked for it. */
  readonly decision?: Decision
}

export type Approve = Extract<Obligation, { kind: 'approve' }>

/** The asking that the obligation belongs to. */
export interface Asking {
  readonly statement: Statement
  readonly decision: Decision
  readonly waiting: Waiting
  /** Waits until each of them is met by a person. Throws AccessDenied with what to do. */
  hold(obligations: readonly Approve[]): Promise<Discharged>
}

/** Meets all duties of one kind, or throws AccessDenied. */
export type Discharge<Kind extends Obligation['kind']> = (
  obligations: readonly Extract<Obligation, { kind: Kind }>[],
  asking: Asking,
) => Discharged | Promise<Discharged>
