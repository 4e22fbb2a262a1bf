// The operator's own detectors and maskers, each module in a thread of its own. Asked synchronously, because the row
// loop is; whatever does not answer in time, or fails, has its value redacted whole, and its thread is replaced.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import {
  answerInHand,
  type BytePair,
  type Detector,
  type Mask,
  type OwnMasker,
  type Search,
} from '#engines/masking'
import { ConfigurationError, type PluginSettings } from '#model'
import type { Log } from '#telemetry'
import { Channel, createShared, DETECT, MASK, MOST_BYTES } from './channel.ts'
import type { Offer } from './thread.ts'

const START_MS = 10_000
/** A thread that keeps failing is not started more often. */
const RESTART_MS = 1_000
/** Longer than the value by so much at most: see thread.ts. */
const LONGER = 48
/** Failures are counted; the log says them once in this time. */
const QUIET_MS = 10_000

export interface Plugins {
  readonly detectors: readonly Detector[]
  readonly maskers: ReadonlyMap<string, OwnMasker>
  close(): void
}

export interface PluginEvents {
  readonly log: Pick<Log, 'warn'>
  readonly now: () => number
  /** One value was redacted because a plugin did not say. */
  failed(plugin: string, why: 'late' | 'failed' | 'restarting' | 'budget' | 'large'): void
}

/** Loads the modules. Throws ConfigurationError with the first one's reason; the others are closed then. */
export async function openPlugins(
  settings: readonly PluginSettings[],
  events: PluginEvents,
): Promise<Plugins> {
  const opened: Host[] = []
  try {
    for (const each of settings) opened.push(await Host.start(each, events))
    const maskers = new Map<string, OwnMasker>()
    for (const host of opened) {
      for (const [name, masker] of host.maskers()) {
        if (maskers.has(name)) throw refused(host.settings, `another plugin has a masker "${name}"`)
        maskers.set(name, masker)
      }
    }
    return {
      detectors: opened.flatMap(host => host.detectors()),
      maskers,
      close: () => {
        for (const host of opened) host.close()
      },
    }
  } catch (error) {
    for (const host of opened) host.close()
    throw error
  }
}

function refused({ file }: PluginSettings, why: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError('configuration_invalid', `The plugin ${file} is refused: ${why}.`, {
    cause,
  })
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const [why = ''] = cause.message.split('\n')
  // Of a file that cannot be read as TypeScript the place stands above the stack.
  const line = /^\S+:(\d+)$/.exec(cause.stack?.split('\n')[0] ?? '')?.[1]
  return line === undefined ? why : `${why} (line ${line})`
}

/** One module and its thread. */
class Host {
  readonly settings: PluginSettings
  readonly #events: PluginEvents
  readonly #name: string
  #offer: Offer = { detectors: [], maskers: [] }
  #channel!: Channel
  #worker!: Worker
  #replaced: Worker | undefined
  #startedAt = 0
  /** The thread has the module, and it is the one that was loaded first. */
  #ready = false
  #closed = false
  #saidAt = Number.NEGATIVE_INFINITY

  private constructor(settings: PluginSettings, events: PluginEvents) {
    this.settings = settings
    this.#events = events
    this.#name = settings.file.split(/[/\\]/).at(-1) ?? settings.file
  }

  static async start(settings: PluginSettings, events: PluginEvents): Promise<Host> {
    const host = new Host(settings, events)
    const worker = host.#launch()
    try {
      const [offer] = await once(worker, 'message', { signal: AbortSignal.timeout(START_MS) })
      host.#offer = offer as Offer
      host.#ready = true
      return host
    } catch (cause) {
      host.close()
      // The reason is the module's own: a syntax error, an example, an export that is missing.
      const late = cause instanceof Error && cause.name === 'AbortError'
      const why = late ? 'it did not load in time' : reasonOf(cause)
      throw refused(settings, why, cause)
    }
  }

  #launch(): Worker {
    const { file, sha256, memoryMiB } = this.settings
    const shared = createShared()
    this.#channel = new Channel(shared)
    this.#startedAt = this.#events.now()
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: { file, shared, version: sha256 },
      // Nothing of the gateway's environment or arguments; what it prints goes nowhere: it could be values.
      env: {},
      argv: [],
      execArgv: [],
      stdin: false,
      stdout: true,
      stderr: true,
      resourceLimits: {
        maxOldGenerationSizeMb: memoryMiB,
        maxYoungGenerationSizeMb: 16,
        stackSizeMb: 4,
      },
    })
    worker.stdout.resume()
    worker.stderr.resume()
    worker.unref()
    worker.on('error', () => this.#replace(worker))
    worker.on('exit', () => this.#replace(worker))
    this.#worker = worker
    return worker
  }

  /** Ends a thread that is of no use any more, and starts another. */
  #replace(worker: Worker): void {
    if (
      this.#closed ||
      worker !== this.#worker ||
      worker === this.#replaced ||
      this.#offer.detectors.length + this.#offer.maskers.length === 0
    )
      return
    // A thread that ends says so twice, and once more when it is ended.
    this.#replaced = worker
    this.#ready = false
    void worker.terminate()
    const wait = Math.max(0, this.#startedAt + RESTART_MS - this.#events.now())
    // Until then nothing is ready, and every value is redacted.
    setTimeout(() => {
      if (!this.#closed) this.#again()
    }, wait).unref()
  }

  /** Another thread for the module; of no use when the module has changed, since it is asked by number. */
  #again(): void {
    const worker = this.#launch()
    worker.once('message', offer => {
      if (JSON.stringify(offer) === JSON.stringify(this.#offer)) this.#ready = true
      else this.#events.log.warn({ plugin: this.#name, why: 'changed' }, 'plugin.failed')
    })
  }

  close(): void {
    this.#closed = true
    void this.#worker?.terminate()
  }

  /** Asks about `[start, end)`; the length of the answer, which is in the channel, or -1. */
  #ask(kind: number, which: number, src: Uint8Array, start: number, end: number): number {
    const { callMs, answerMs } = this.settings
    const answer = answerInHand()
    if (this.#closed || !this.#ready) return this.#failed('restarting')
    if (end - start > MOST_BYTES) return this.#failed('large')
    if (answer.spentMs + callMs > answerMs) return this.#failed('budget')
    this.#channel.question.set(src.subarray(start, end))
    const began = performance.now()
    const length = this.#channel.ask(kind, which, end - start, callMs)
    answer.spentMs += performance.now() - began
    if (length >= 0) return length
    if (length === -1) return this.#failed('failed')
    this.#replace(this.#worker)
    return this.#failed('late')
  }

  #failed(why: Parameters<PluginEvents['failed']>[1]): -1 {
    this.#events.failed(this.#name, why)
    const now = this.#events.now()
    if (now - this.#saidAt >= QUIET_MS) {
      this.#saidAt = now
      this.#events.log.warn({ plugin: this.#name, why }, 'plugin.failed')
    }
    return -1
  }

  detectors(): Detector[] {
    return this.#offer.detectors.map(({ name, hints }, which) => {
      const search: Search = (src, start, end, at, from, found) => {
        if (hints.length > 0 && !hints.some(hint => endsAt(src, start, at, hint))) return from
        const length = this.#ask(DETECT, which, src, start, end)
        if (length < 0) {
          found(start, end, true)
          return end
        }
        const { answer } = this.#channel
        const view = new DataView(answer.buffer, answer.byteOffset, length)
        for (let i = 0; i < length; i += 8) {
          const [first, behind] = [view.getUint32(i), view.getUint32(i + 4)]
          // The thread says so; what it says is held to the cell all the same.
          if (first >= behind || behind > end - start) {
            found(start, end, true)
            return end
          }
          found(start + first, start + behind)
        }
        return end
      }
      return {
        name,
        description: `A detector of ${this.#name}`,
        rank: 10,
        wake:
          hints.length === 0
            ? { on: 'cell', search }
            : { on: 'stretch', pairs: hints.map(pairOf), search },
        visible: 'tail',
        normal: 'exact',
      }
    })
  }

  maskers(): [string, OwnMasker][] {
    return this.#offer.maskers.map((name, which) => [
      name,
      (otherwise): Mask => ({
        write: (src, start, end, out, at) => {
          const length = this.#ask(MASK, which, src, start, end)
          if (length < 0 || length > end - start + LONGER)
            return otherwise.write(src, start, end, out, at)
          out.set(this.#channel.answer.subarray(0, length), at)
          return length
        },
        fixed: Math.max(otherwise.fixed, LONGER),
        copies: true,
      }),
    ])
  }
}

/** True when the hint's last character is at `at`. */
function endsAt(src: Uint8Array, start: number, at: number, hint: string): boolean {
  const from = at - hint.length + 1
  if (from < start) return false
  for (let i = 0; i < hint.length; i++) if (src[from + i] !== hint.charCodeAt(i)) return false
  return true
}

/** The last two characters of a hint wake. */
function pairOf(hint: string): BytePair {
  const set = (code: number) => {
    const flags = new Uint8Array(256)
    flags[code] = 1
    return flags
  }
  return {
    before: set(hint.charCodeAt(hint.length - 2)),
    at: set(hint.charCodeAt(hint.length - 1)),
  }
}
