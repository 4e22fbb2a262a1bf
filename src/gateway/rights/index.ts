// What a principal may do at this moment. Records nothing.
export { type Approver, answers, countsFor, hasStake, whyNotApprover } from './approvers.ts'
export { factsOf } from './facts.ts'
export { asked, CONNECT, holds, Rights } from './rights.ts'
export type { Rules } from './rules.ts'
