// What of one configuration is not as it was in another.
import type { Config } from './config.ts'

/** Top-level settings of the file that only a new process takes up. */
const NEED_RESTART: readonly string[] = ['data', 'store', 'listen', 'tls', 'names', 'policies']

/** Top-level settings that differ. */
export function differentSettings(before: Config, after: Config): string[] {
  return Object.entries(after)
    .filter(([name, value]) => {
      const known: unknown = Object.entries(before).find(([each]) => each === name)?.[1]
      return JSON.stringify(known) !== JSON.stringify(value)
    })
    .map(([name]) => name)
}

/** Those that count at the next start only. */
export function needRestart(settings: readonly string[]): readonly string[] {
  return settings.filter(name => NEED_RESTART.includes(name))
}
