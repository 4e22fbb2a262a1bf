// Tells when the file changed. A bad edit is reported, and the configuration that ran goes on.
import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { Config } from './config.ts'
import { loadConfig } from './load.ts'
import type { ConfigProblem } from './problems.ts'
import type { MaskingRules, ProtocolSettings } from './schema.ts'

/** Editors write in several steps; only what comes to rest is read. */
const SETTLE_MS = 150

export interface ConfigWatch {
  /** Reads the file now (SIGHUP). True when it holds; the handlers have been called by then. */
  reload(): boolean
  close(): void
}

/**
 * Watches the folder, not the file: editors and mounted volumes replace it by renaming. `onChange` is not
 * called for an edit that changes nothing. Settings that only a restart can change are the caller's matter.
 */
export function watchConfig(
  path: string,
  protocols: readonly ProtocolSettings[],
  handlers: {
    readonly current: Config
    readonly masking?: MaskingRules
    /** False: it was refused after all, and is offered again when the file is read again. */
    onChange(config: Config, problems: readonly ConfigProblem[]): boolean
    onProblems(problems: readonly ConfigProblem[]): void
  },
): ConfigWatch {
  const file = resolve(path)
  let known = JSON.stringify(handlers.current)
  let timer: NodeJS.Timeout | undefined

  function reload(): boolean {
    clearTimeout(timer)
    const { config, problems } = loadConfig(file, protocols, handlers.masking)
    if (config === undefined) {
      handlers.onProblems(problems)
      return false
    }
    const text = JSON.stringify(config)
    if (text === known) return true
    if (!handlers.onChange(config, problems)) return false
    known = text
    return true
  }

  let watcher: FSWatcher | undefined
  try {
    watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
      // Mounted configuration (Kubernetes) swaps the link `..data`, not the file.
      if (name !== null && name !== basename(file) && !name.startsWith('..')) return
      clearTimeout(timer)
      timer = setTimeout(reload, SETTLE_MS)
      timer.unref()
    })
    // A folder that goes away ends the watch, not the process; SIGHUP still reloads.
    watcher.on('error', () => watcher?.close())
  } catch {
    // No watches left on this machine (ENOSPC): SIGHUP still reloads.
  }
  return {
    reload,
    close() {
      clearTimeout(timer)
      watcher?.close()
    },
  }
}
