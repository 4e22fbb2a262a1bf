// What an output shows of hidden columns (standards 5.2.1 and 5.2.2).
import type { DataClass, OutputLineage } from '#model'
import { type Hides, hiddenAmong } from './hidden.ts'

/**
 * `own`: the value is one of its class, unchanged, so the method of the class fits it; otherwise it was made of such
 * values, or may be of several classes, and only a mark for the whole is safe.
 */
export type OutputExposure =
  | { readonly kind: 'none' }
  | { readonly kind: 'hidden'; readonly classes: readonly DataClass[]; readonly own: boolean }
  | { readonly kind: 'untold' }

export const NONE: OutputExposure = { kind: 'none' }
export const UNTOLD: OutputExposure = { kind: 'untold' }

export function outputExposure({ sources, how }: OutputLineage, hides: Hides): OutputExposure {
  if (how === 'unknown') return UNTOLD
  const hidden = hiddenAmong(sources, hides)
  if (hidden === undefined) return NONE
  const { classes } = hidden
  return { kind: 'hidden', classes, own: how === 'identity' && classes.length === 1 }
}
