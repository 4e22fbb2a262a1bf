// Log and metrics.
export {
  createLog,
  describeError,
  type Log,
  type LogFields,
  type LogOptions,
  type RootLog,
  silentLog,
} from './log.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export { Repeats } from './repeats.ts'
