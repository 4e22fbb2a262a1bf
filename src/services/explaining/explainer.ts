// What a command would run, told to whoever decides on it. Asked one after the other, with a deadline: an explanation that
// does not come is none, and nothing rests on it.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Explanation } from '#engines/shell'

const MOST_MS = 1_500
const START_MS = 10_000
const MOST_KEPT = 256
const MOST_WAITING = 32

export class Explainer {
  #worker: Promise<Worker> | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0
  /** By text, the newest last: the same request is looked at again and again. */
  readonly #kept = new Map<string, Explanation>()
  readonly #mostMs: number

  constructor({ mostMs = MOST_MS } = {}) {
    this.#mostMs = mostMs
  }

  /** Undefined when it takes too long, or too many ask. */
  async explain(text: string): Promise<Explanation | undefined> {
    const known = this.#kept.get(text)
    if (known !== undefined) return known
    if (this.#waiting >= MOST_WAITING) return undefined
    this.#waiting += 1
    const turn = this.#turn.then(() => this.#ask(text))
    this.#turn = turn
    const found = await turn
    this.#waiting -= 1
    if (found === undefined) return undefined
    this.#kept.set(text, found)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEPT) break
      this.#kept.delete(oldest)
    }
    return found
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    // It may never have started: then there is nothing to end.
    await worker?.then(each => each.terminate()).catch(() => {})
  }

  async #ask(text: string): Promise<Explanation | undefined> {
    try {
      this.#worker ??= start()
      const worker = await this.#worker
      const answered = once(worker, 'message', { signal: AbortSignal.timeout(this.#mostMs) })
      worker.postMessage(text)
      const [found] = await answered
      return found
    } catch {
      // Safe: nothing is decided by it. The thread may be busy for long, or broken: the next one asks another.
      await this.close()
      return undefined
    }
  }
}

async function start(): Promise<Worker> {
  const worker = new Worker(new URL('./thread.ts', import.meta.url), {
    env: {},
    argv: [],
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 },
  })
  // Nothing waits for it when the gateway ends. What goes wrong while nobody asks is told to the next who asks.
  worker.unref()
  worker.on('error', () => {})
  await once(worker, 'message', { signal: AbortSignal.timeout(START_MS) })
  return worker
}
