export { hex } from './bytes.ts'
export { partsOf } from './note.ts'
export type { PathStep } from './shape.ts'
export { edgesOf, type LogBytes, subtreesOf, TILE_WIDTH } from './tiles.ts'
export {
  type Outcome,
  type ProvenEntry,
  type Seen,
  type Step,
  type StepName,
  verifyEntry,
  verifyEveryEntry,
  verifyHead,
} from './verify.ts'
