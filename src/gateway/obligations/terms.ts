// What the discharge of an obligation may use, and what it leaves behind.
import type { Decision, JsonObject, Obligation, Statement } from '#model'
import type { Waiting } from '../session.ts'

/** What discharging adds to the permit. */
export interface Discharged {
  readonly maxRows?: number
  readonly limit?: { readonly rows?: number; readonly bytes?: number }
  /** The approval that was used, for the audit entry. */
  readonly approval?: JsonObject
}

/** The asking that the obligation belongs to. */
export interface Asking {
  readonly statement: Statement
  readonly decision: Decision
  readonly waiting: Waiting
  /** Waits for a person. Throws AccessDenied with what to do. */
  hold(obligation: Extract<Obligation, { kind: 'approve' }>): Promise<Discharged>
}

/** Meets one kind of duty, or throws AccessDenied. */
export type Discharge<Kind extends Obligation['kind']> = (
  obligation: Extract<Obligation, { kind: Kind }>,
  asking: Asking,
) => Discharged | Promise<Discharged>
