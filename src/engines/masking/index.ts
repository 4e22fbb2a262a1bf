// Masking: what recognises sensitive values and what takes their place, on bytes in place.
import type { Masker, Scanner } from './masker.ts'

export { type Answer, answerInHand } from './answer.ts'
export type { BytePair, Detector, Found, Search } from './detector.ts'
export { detectors } from './detectors.ts'
export { createMarks, type Marks, type MarkWatch } from './marks.ts'
export { type Mask, type Masker, maskedBytes, maskSentinel, type Scanner } from './masker.ts'
export { createMasking, findIn, type Masking, type OwnMasker } from './masking.ts'
export {
  createPatternDetector,
  type Pattern,
  type PatternEngine,
} from './patterns/pattern-detector.ts'
export { type DetectorProblem, type DetectorRules, detectorRules } from './patterns/rules.ts'
export { MASK, MASK_NULLS, NULL, PASS, RowPlan, SCAN, SCAN_NULL } from './row-plan.ts'
export { plainSample, samples } from './samples.ts'
export type { CountingScanner } from './scanner.ts'
export { clearStream, createTextStream, type TextStream } from './text-stream.ts'

/** What to do with one column's cells. */
export type CellPlan =
  | { readonly kind: 'pass' }
  | { readonly kind: 'null'; readonly dataClass: string }
  | {
      readonly kind: 'mask'
      readonly dataClass: string
      readonly write: Masker
      /** NULL is masked as well. */
      readonly nulls?: boolean
    }
  | { readonly kind: 'scan'; readonly scan: Scanner }
