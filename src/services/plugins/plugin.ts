// What a module of the operator's own exports, as `plugin`. Types only: `import type { Plugin } from 'sallyport/plugin'`.

/** A module under `plugins:` exports a value of this type with the name `plugin`. */
export interface Plugin {
  /** By the names that `detect:` of a data class uses. */
  readonly detectors?: Readonly<Record<string, PluginDetector>>
  /** By the names that `mask: { plugin: NAME }` of a data class uses. */
  readonly maskers?: Readonly<Record<string, PluginMasker>>
}

/** Finds values in a text. */
export interface PluginDetector {
  /**
   * ASCII texts of two characters or more, one of which stands in every value. The detector is asked only about
   * cells that hold one; without hints, about every cell, which is slow.
   */
  readonly hints?: readonly string[]
  /**
   * The values in `text` (one cell, one message), as offsets like those of `slice`. Must be pure: it may be asked
   * again, in another thread, and after a restart.
   */
  detect(text: string): readonly { readonly start: number; readonly end: number }[]
  /** Texts in which it must find something, and in which nothing; tried when the module is loaded. */
  readonly match?: readonly string[]
  readonly mustNotMatch?: readonly string[]
}

/** Writes what takes a value's place. */
export interface PluginMasker {
  /** At most 48 bytes longer than the value; anything else, and any exception, redacts it. */
  mask(value: string): string
}
