// Kinds of sensitive values, and what is done to them.

/**
 * What replaces a value. `redact`: a fixed mark; `partial`: keeps what tells values apart for a person
 * (last four digits, the e-mail's domain); `null`: NULL; `hash-token`: a keyed, joinable token.
 */
export type MaskMethod = 'redact' | 'partial' | 'null' | 'hash-token'

/** A kind of sensitive value, as configuration names it. */
export interface DataClass {
  readonly name: string
  /** Patterns of `schema.table.column`, `*` within a part; fewer parts match from the right. */
  readonly columns: readonly string[]
  /** The detector that recognises it in other text, by name. */
  readonly detect?: string
  readonly mask: MaskMethod
}

/** What a detector saw: a span of bytes. Never the value. */
export interface Finding {
  readonly dataClass: string
  readonly start: number
  readonly end: number
}
