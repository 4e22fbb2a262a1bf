// The demo's door: what the command line starts, and what tests and benchmarks share with it.
export {
  type ForgeOptions,
  type Issuer,
  type Persona,
  startIssuer,
  type TokenOptions,
} from './issuer.ts'
