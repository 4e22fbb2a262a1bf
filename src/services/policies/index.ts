// The policy sets in force and where they come from (PAP).
export { loadFolder } from './load.ts'
export { openPolicies, type Policies, type PoliciesOptions } from './policies.ts'
