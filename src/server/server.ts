// What every step of a start stands on, and the little of it that changes while the gateway runs.
import { CONSOLE, type Config, loadConfig, problemLine } from '#config'
import type { Protocol } from '#gateway'
import { ConfigurationError } from '#model'
import { createLog, createMetrics, type Metrics, type RootLog } from '#telemetry'
import { maskingRules } from './masking.ts'
import type { Undo } from './take-down.ts'

export interface Server {
  /** What is in force now. A step that takes a part of it goes on with that of the start. */
  config: Config
  /** Every door is open, and no stop has begun. */
  ready: boolean
  readonly file: string
  readonly protocols: readonly Protocol[]
  readonly listeners: Map<string, { host: string; port: number }>
  readonly log: RootLog
  readonly metrics: Metrics
  readonly now: () => number
  /** What closes each thing that was opened, in the order of opening. */
  readonly undo: Undo
}

/** Throws ConfigurationError with every problem of the file. */
export function createServer(file: string, protocols: readonly Protocol[]): Server {
  return {
    config: load(file, protocols),
    ready: false,
    file,
    protocols,
    listeners: new Map(),
    log: createLog(),
    metrics: createMetrics(),
    now: Date.now,
    undo: [],
  }
}

export function consoleUrl({ config, listeners }: Server): string {
  return config.url ?? `https://127.0.0.1:${listeners.get(CONSOLE)?.port}`
}

function load(file: string, protocols: readonly Protocol[]): Config {
  const { config, problems } = loadConfig(file, protocols, maskingRules)
  if (config === undefined) {
    throw new ConfigurationError('configuration_invalid', problems.map(problemLine).join('\n'))
  }
  return config
}
