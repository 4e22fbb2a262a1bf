// Where the values of an answer come from, and what else a statement makes of values that it does not show.
// Protocols find it out; the gateway holds it against what a principal may see. Names are those of objects'
// own columns and, once expanded, of all that these come from.
import type { ColumnName } from './statement.ts'

/**
 * How a value was made of its sources. `identity`: it is one of them, unchanged; `transformed`: an expression over
 * them; `aggregate`: made of many rows; `unknown`: it cannot be told, so nothing may be concluded from `sources`.
 */
export const derivations = ['identity', 'transformed', 'aggregate', 'unknown'] as const
export type Derivation = (typeof derivations)[number]

/** One column of an answer. */
export interface OutputLineage {
  /** Empty when no value of any object flows into it (a constant, a count). */
  readonly sources: readonly ColumnName[]
  readonly how: Derivation
}

/**
 * What columns are used for besides being shown. Of these `equality` (with a constant or a bound value) alone
 * tells its sender no more than it already says; all others let values be found by asking often enough.
 * `conflict`: a row is left out, replaced or changed where its value is there already. `test`: a change is made only
 * where the value is the one that it names.
 */
export const probeUses = [
  'equality',
  'condition',
  'join',
  'order',
  'group',
  'window',
  'argument',
  'conflict',
  'test',
] as const
export type ProbeUse = (typeof probeUses)[number]

/** A use of columns on which the answer depends. */
export interface Probe {
  readonly columns: readonly ColumnName[]
  readonly use: ProbeUse
}

/** A value that a statement says itself, where it is compared for equality with columns. */
export interface ComparedValue {
  readonly columns: readonly ColumnName[]
  /** As the text writes it (a string without its quotes), or which bound value, counted from 0. */
  readonly value: { readonly text: string } | { readonly parameter: number }
}

/** Values that go elsewhere than into the answer: stored, sent, or handed to what has side effects. */
export interface Transfer {
  readonly sources: readonly ColumnName[]
  readonly how: Derivation
  /** What carries them: `INSERT`, `UPDATE`, `MERGE`, `CREATE TABLE AS`, `COPY`, `pg_notify`, ... */
  readonly by: string
  /** The column that takes them, when it is one that a policy can speak of. */
  readonly to?: ColumnName
}

/** Of one statement of a text. A part that could not be told is `unknown`: the caller must assume the worst. */
export interface Lineage {
  /** One for each column of the answer, in order. */
  readonly outputs: readonly OutputLineage[] | 'unknown'
  readonly probes: readonly Probe[] | 'unknown'
  /** How it asks, where no more is known of its probes than that. */
  readonly asking?: ProbeUse
  readonly transfers: readonly Transfer[] | 'unknown'
}
