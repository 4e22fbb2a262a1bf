// Bodies of answers, as streams: what is hidden in them is masked, the rest keeps its bytes.
export { type BodyFault, BodyProblem, type BodyReader } from './body.ts'
export { type BodyMasker, type BodySettings, createBodyMasker } from './body-masker.ts'
export { maskedHead, unmaskableRequest } from './head.ts'
export { createMessageMasker, type MessageMasker } from './messages.ts'
export {
  type BodyRules,
  createBodyRules,
  type HiddenFields,
  hidingNames,
  type Redaction,
} from './rules.ts'
