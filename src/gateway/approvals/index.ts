// A person in the loop of one statement: asked, waited for, voting.
export { Approvals, type HoldTimes } from './approvals.ts'
export { digestOf } from './digest.ts'
export { Previews } from './previews.ts'
export { superseded } from './refusals.ts'
export { type Said, Voting } from './voting.ts'
