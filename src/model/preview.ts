// What a held statement would do, as far as the protected system can tell without running it: for the eyes of
// whoever approves it. Estimates, never promises.

export interface PreviewTable {
  /** As in `TargetObject.name`. */
  readonly name: string
  /** `table`, `view`, ...: the protocol's own word. */
  readonly kind: string
  /** Absent: not known. */
  readonly rows?: number
  /** `rows` were counted; otherwise they are what the system's statistics say. */
  readonly exact: boolean
  /** What rests on it (views, references from other tables), where the statement defines or empties it. */
  readonly dependents?: number
}

export interface Preview {
  readonly tables: readonly PreviewTable[]
  /** How many rows the statement would change, or return where it changes none. Absent: not known. */
  readonly estimate?: {
    readonly rows: number
    readonly effect: 'changes' | 'returns'
    /** The changed rows are counted as it runs, so that a bound on them holds. */
    readonly guarded: boolean
  }
  /** How the system would run it, in its own words: untrusted text of several lines. */
  readonly plan?: string
  /** What would be other than it is, where that was tried: a line each, which begins with `+`, `-` or `~`. Untrusted text. */
  readonly changes?: string
  /** Why there is no plan and no change to be seen, in words. */
  readonly unavailable?: string
  /** What else whoever reads this should know: what could not be seen from outside the session, say. */
  readonly notes: readonly string[]
}
