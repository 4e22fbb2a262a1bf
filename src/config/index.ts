// One schema, one loader; the only reader of the environment.

export { differentSettings, needRestart } from './changes.ts'
export type { ChannelSettings, ChannelType, SettingsOf } from './channels.ts'
export type { ClientCertificateSettings } from './client-certificates.ts'
export { CONSOLE, type Config, type ListenerConfig } from './config.ts'
export {
  childEnvironment,
  commandEnvironment,
  environment,
  type LogLevel,
  telemetrySettings,
} from './environment.ts'
export { type IssuerSettings, issuersConflict, type LoginSettings } from './issuers.ts'
export { type LoadedConfig, loadConfig, parseConfig, problemAt, problemLine } from './load.ts'
export { patternEngine } from './pattern-engine.ts'
export type { ConfigProblem } from './problems.ts'
export type { ResourceConfig } from './resources.ts'
export {
  type HoldSettings,
  type MaskingRules,
  type ProtocolSettings,
  resourceName,
} from './schema.ts'
export { isLoopback } from './values.ts'
export { type ConfigWatch, watchConfig } from './watch.ts'
