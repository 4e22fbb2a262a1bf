// Answers of a cluster: the values of Secrets and ConfigMaps, wherever and however they stand in them.
export { readableRanges } from './accept.ts'
export { namesThingsOnly } from './failures.ts'
export { createObjectMasker } from './object-masker.ts'
export { patchUses } from './patch-uses.ts'
export {
  type AskedObjects,
  type ObjectRules,
  objectName,
  secretClass,
} from './rules.ts'
export { storedValues } from './stored-values.ts'
export { tableRule } from './table-columns.ts'
