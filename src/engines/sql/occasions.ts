// When a relation runs code that nobody names: its triggers, defaults, checks, row policies. As bits, since one thing may be
// several occasions, and a catalog keeps many.
import type { RawOperation } from './analysis.ts'

export const occasion = {
  read: 1,
  insert: 2,
  update: 4,
  delete: 8,
  truncate: 16,
  /** SELECT ... FOR UPDATE: policies for UPDATE count. */
  lock: 32,
  /** The planner computes what it takes for constant: whatever is done, or only explained. */
  plan: 64,
  /** A materialized view is made anew: what it is made of is read. */
  refresh: 128,
  /** Explained, be it a write: defaults that are taken for constant are computed. */
  explain: 256,
} as const

const { read, insert, update, delete: remove, truncate, lock, plan, refresh, explain } = occasion
const ANY = 511

const byVerb: Readonly<Record<string, number>> = {
  INSERT: insert,
  COPY: insert,
  'LOAD DATA LOCAL': insert,
  UPDATE: update,
  DELETE: remove,
  /** What it does to rows stands beside it. */
  MERGE: read | lock,
  TRUNCATE: truncate,
  'REFRESH MATERIALIZED VIEW': refresh,
}

/** What may happen to the relation of an operation. `shownOnly`: it is explained, not run. */
export function occasionsOf({ action, verb, flags }: RawOperation, shownOnly: boolean): number {
  if (shownOnly || flags.includes('explain')) return plan | explain
  if (verb === 'LOCK') return 0 // of a table: its rows are left alone
  if (action === 'read') return read | plan | (flags.includes('locking') ? lock : 0)
  if (action === 'write') return (byVerb[verb] ?? ANY) | plan
  return ANY
}
