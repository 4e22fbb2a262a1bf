// Plugins that are replaced while sessions go on: new ones are loaded beside those in force, which stay until the new
// ones hold, and a little longer for the answers that are under way.
import type { PluginSettings } from '#model'
import { openPlugins, type PluginEvents, type Plugins } from './plugins.ts'

/** Answers that were planned with the old ones have so long; after that their values are redacted whole. */
const LINGER_MS = 30_000

export class HotPlugins {
  readonly #events: PluginEvents
  #current: Plugins
  #key: string
  #loading: string | undefined
  #loaded: { readonly key: string; readonly plugins: Plugins } | undefined

  private constructor(key: string, plugins: Plugins, events: PluginEvents) {
    this.#key = key
    this.#current = plugins
    this.#events = events
  }

  /** Throws ConfigurationError when a module does not hold. */
  static async open(
    settings: readonly PluginSettings[],
    events: PluginEvents,
  ): Promise<HotPlugins> {
    return new HotPlugins(JSON.stringify(settings), await openPlugins(settings, events), events)
  }

  get current(): Plugins {
    return this.#current
  }

  /**
   * Those of these settings when they are there. Otherwise undefined: they are being loaded, and `done` is called
   * when they are there, or with the reason why they never will be.
   */
  ready(
    settings: readonly PluginSettings[],
    done: (refused?: unknown) => void,
  ): Plugins | undefined {
    const key = JSON.stringify(settings)
    if (key === this.#key) {
      // The edit was taken back: what was loading for it is of no use.
      this.#loading = undefined
      this.#loaded?.plugins.close()
      this.#loaded = undefined
      return this.#current
    }
    if (this.#loaded?.key === key) return this.#loaded.plugins
    if (this.#loading === key) return undefined
    this.#loading = key
    openPlugins(settings, this.#events).then(
      plugins => {
        // Another edit came meanwhile: these are of no use.
        if (this.#loading !== key) return plugins.close()
        this.#loading = undefined
        this.#loaded?.plugins.close()
        this.#loaded = { key, plugins }
        done()
      },
      error => {
        if (this.#loading !== key) return
        this.#loading = undefined
        done(error)
      },
    )
    return undefined
  }

  /** Puts what `ready` gave in force. */
  take(plugins: Plugins): void {
    if (plugins === this.#current || this.#loaded?.plugins !== plugins) return
    const old = this.#current
    this.#current = plugins
    this.#key = this.#loaded.key
    this.#loaded = undefined
    setTimeout(() => old.close(), LINGER_MS).unref()
  }

  close(): void {
    this.#loading = undefined
    this.#loaded?.plugins.close()
    this.#current.close()
  }
}
