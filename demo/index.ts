// The demo's door: what the command line starts, and what tests and benchmarks share with it.
export { shopOwner, shopSql } from './customers.ts'
export {
  type ForgeOptions,
  type Issuer,
  LOGIN_CLIENT,
  type Persona,
  startIssuer,
} from './issuer.ts'
export { runDemo } from './run.ts'
