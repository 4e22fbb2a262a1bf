// Kinds of sensitive values, and what is done to them.

/** What replaces a value by a method that has nothing to set. */
export const maskMethods = ['redact', 'partial', 'null', 'hash-token'] as const

/**
 * What replaces a value. `redact`: a fixed mark; `partial`: keeps what tells values apart for a person
 * (last four digits, the e-mail's domain); `null`: NULL; `hash-token`: a keyed, joinable token.
 */
export type MaskMethod =
  | (typeof maskMethods)[number]
  | KeepMask
  | GeneralizeMask
  | FixedMask
  | PluginMask

/** Leaves characters at the beginning and the end; what is between is always eight of `with`. */
export interface KeepMask {
  readonly keep: { readonly first: number; readonly last: number }
  readonly with: string
}

/** The first day of a date's year or month; of a number, where its bucket of that width begins. */
export interface GeneralizeMask {
  readonly generalize: 'year' | 'month' | number
}

/** One text for every value. */
export interface FixedMask {
  readonly fixed: string
}

/** A masker of the operator's own module, by name. */
export interface PluginMask {
  readonly plugin: string
}

/** A kind of sensitive value, as configuration names it. */
export interface DataClass {
  readonly name: string
  /** Patterns of `schema.table.column`, `*` within a part; fewer parts match from the right. */
  readonly columns: readonly string[]
  /** Names of fields in bodies (JSON, CSV, forms); letter case and separators do not matter, `*` is any text. */
  readonly keys?: readonly string[]
  /** Ways to fields in JSON bodies: JSON Pointers, `*` for any one name or place. */
  readonly pointers?: readonly string[]
  /** The detector that recognises it in other text, by name. */
  readonly detect?: string
  readonly mask: MaskMethod
}

/** Rules by which the characters of a number check each other. */
export const checksums = ['luhn', 'mod97', 'mod11-2', 'mod11-10', 'verhoeff', 'damm'] as const
export type Checksum = (typeof checksums)[number]

/** A detector of one's own, as configuration describes it. */
export interface DetectorSettings {
  readonly name: string
  /** RE2 syntax. When it has a group, the value is what the group holds. */
  readonly pattern: string
  readonly ignoreCase: boolean
  /** Letters and digits may not touch a match. */
  readonly boundary: boolean
  /** Words of which one must stand near; none: the pattern is enough. */
  readonly context: readonly string[]
  /** How many bytes before and behind the value count as near. */
  readonly within: number
  readonly checksum?: Checksum
  /** Texts in which it must find something, and in which nothing. */
  readonly match: readonly string[]
  readonly mustNotMatch: readonly string[]
}

/** A module of the operator's own, and its limits. */
export interface PluginSettings {
  /** Absolute. */
  readonly file: string
  /** Of the file, when the configuration was read. */
  readonly sha256: string
  /** For one value. */
  readonly callMs: number
  /** For all values of one answer. */
  readonly answerMs: number
  readonly memoryMiB: number
}

/** What a detector saw: a span of bytes. Never the value. */
export interface Finding {
  readonly dataClass: string
  readonly start: number
  readonly end: number
}
