// The classes of data as far as their names go: for threads and commands that mask nothing.
import { createMasking, detectors, type Masking } from '#engines/masking'
import type { DataClass } from '#model'

export function namesIn(classes: readonly DataClass[]): Pick<Masking, 'classOf'> {
  // Nothing is masked, so no key matters: only names are looked up.
  return createMasking({ classes: classes.map(named), tokenKey: new Uint8Array(32) })
}

/** Detectors and maskers of the operator's own are not here. */
function named({ detect, mask, ...rest }: DataClass): DataClass {
  const own = typeof mask === 'object' && 'plugin' in mask
  return {
    ...rest,
    ...(detect !== undefined && detectors.has(detect) ? { detect } : {}),
    // Shows as much of a value as a module of one's own may: of several classes, the same one is chosen.
    mask: own ? { keep: { first: 8, last: 8 }, with: '*' } : mask,
  }
}
