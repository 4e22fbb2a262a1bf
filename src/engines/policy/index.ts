// The policy engine (PDP): Cedar policies checked, compiled, narrowed to a session, and asked.

export { type Budget, budgetsOf } from './budgets.ts'
export {
  type CaseOperation,
  type CaseResult,
  type PolicyCase,
  runPolicyCases,
} from './cases.ts'
export { PARSER_FAILED } from './cedar.ts'
export { checkPolicies, type PolicyFile, type Problem } from './check.ts'
export type { Judged } from './context.ts'
export type { PolicyResource } from './entities.ts'
export type { Facts } from './facts.ts'
export type { Vocabulary } from './lint.ts'
export { mayOperate, type PolicySet, type PolicySummary } from './policy-set.ts'
export { revealPolicies } from './reveal-policies.ts'
export { type ConsoleAction, consoleActions, schemaText } from './schema.ts'
export type { SessionPolicies } from './session-policies.ts'
export { type Considered, type OperationWhy, type Why, type WhyRequest, why } from './why.ts'
export { type RevealWhy, whyReveal } from './why-reveal.ts'
