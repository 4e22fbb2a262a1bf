// What one principal may see of an answer, and what may be asked over what is hidden from it.
export { AskedValues } from './asked-values.ts'
export { entireMasker } from './body-masks.ts'
export { classExample, detectorOrigin } from './class-examples.ts'
export { createMasks } from './create-masks.ts'
export { refuseUse } from './masked-uses.ts'
export { permitBasis } from './permit-basis.ts'
export { type Masks, masksOn, type SessionView, Sight } from './sight.ts'
