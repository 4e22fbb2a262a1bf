// The masking of one configuration, made once when it is read.
import { createMarks, createMasking, type Detector, type OwnMasker } from '#engines/masking'
import type { DataClass } from '#model'
import type { Masks } from './sight.ts'

/** Throws ConfigurationError for what `createMasking` refuses. */
export function createMasks(settings: {
  classes: readonly DataClass[]
  tokenKey: Uint8Array
  detectors: readonly Detector[]
  maskers: ReadonlyMap<string, OwnMasker>
}): Masks {
  const { classes, tokenKey, detectors } = settings
  return {
    classes,
    masking: createMasking(settings),
    marks: createMarks(classes),
    redaction: createMasking({
      classes: classes.map(each => ({ ...each, mask: 'redact' as const })),
      tokenKey,
      detectors,
    }),
  }
}
