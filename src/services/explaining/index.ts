// Commands explained to people, in a thread of its own.
export { Explainer } from './explainer.ts'
