// The demo's door: what the command line starts, and what tests and benchmarks share with it.
export { shopOwner, shopSql } from './customers.ts'
export { type Demo, startDemo } from './demo.ts'
export {
  type ForgeOptions,
  type Issuer,
  type Persona,
  startIssuer,
  type TokenOptions,
} from './issuer.ts'
export { runDemo } from './run.ts'
