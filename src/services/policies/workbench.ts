// Tries policies that are not in force: checks them, runs cases, asks why. In a thread of its own, with a deadline and a
// bounded heap, because the texts are of this moment and the library that parses them is slow, and traps on what it
// cannot bear: no statement waits for a person who types.
import { Worker } from 'node:worker_threads'
import { PARSER_FAILED } from '#engines/policy'
import { Unavailable } from '#model'
import type { BenchAnswer, BenchQuestion } from './bench.ts'

const ANSWER_MS = 15_000
const IDLE_MS = 120_000
/** Questions that wait. A person asks one at a time. */
const MOST_WAITING = 16
const HEAP_MIB = 256

interface Waiting {
  readonly question: BenchQuestion
  resolve(answer: BenchAnswer): void
  reject(error: unknown): void
}

export interface WorkbenchLimits {
  readonly answerMs?: number
  readonly idleMs?: number
}

export class Workbench {
  readonly #limits: Required<WorkbenchLimits>
  readonly #waiting: Waiting[] = []
  #worker: Worker | undefined
  #busy: Waiting | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor({ answerMs = ANSWER_MS, idleMs = IDLE_MS }: WorkbenchLimits = {}) {
    this.#limits = { answerMs, idleMs }
  }

  /** Throws Unavailable when it is too much at once, or takes too long. */
  ask(question: BenchQuestion): Promise<BenchAnswer> {
    if (this.#closed)
      return Promise.reject(new Unavailable('unavailable', 'The gateway is stopping.'))
    if (this.#waiting.length >= MOST_WAITING)
      return Promise.reject(
        new Unavailable('too_many_requests', 'Too many policies are being tried at this moment.'),
      )
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject })
      this.#next()
    })
  }

  close(): void {
    this.#closed = true
    this.#end('The gateway is stopping.')
    for (const { reject } of this.#waiting.splice(0))
      reject(new Unavailable('unavailable', 'The gateway is stopping.'))
  }

  #next(): void {
    if (this.#busy !== undefined) return
    clearTimeout(this.#timer)
    const next = this.#waiting.shift()
    if (next === undefined) {
      this.#after(this.#limits.idleMs, () => this.#end(''))
      return
    }
    this.#busy = next
    this.#after(this.#limits.answerMs, () =>
      this.#end('Trying these policies took too long: fewer, or simpler ones.'),
    )
    this.#worker ??= this.#start()
    try {
      this.#worker.postMessage(next.question)
    } catch (error) {
      // A defect of ours: a value that cannot cross. Whoever asked hears of it, and the others go on.
      clearTimeout(this.#timer)
      this.#busy = undefined
      next.reject(error)
      this.#next()
    }
  }

  #after(ms: number, then: () => void): void {
    this.#timer = setTimeout(then, ms)
    this.#timer.unref()
  }

  #start(): Worker {
    const worker = new Worker(new URL('./bench-thread.ts', import.meta.url), {
      // Nothing of the gateway's environment; what it prints goes nowhere.
      env: {},
      argv: [],
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    })
    worker.unref()
    worker.on('message', (said: { answer?: BenchAnswer; failed?: string }) => {
      if (worker !== this.#worker) return
      const asked = this.#busy
      this.#busy = undefined
      clearTimeout(this.#timer)
      // What trapped the parser has broken it: the next question is another thread's.
      if (said.answer?.problems.some(({ message }) => message.startsWith(PARSER_FAILED)) === true) {
        this.#worker = undefined
        void worker.terminate()
      }
      if (said.answer !== undefined) asked?.resolve(said.answer)
      else asked?.reject(new Error(`trying policies failed: ${said.failed}`))
      this.#next()
    })
    const gone = (): void => {
      if (worker === this.#worker) this.#end('These policies are more than can be tried.')
    }
    // Both are told to whoever waits: an error ends the thread, and the next question begins another.
    worker.on('error', gone)
    worker.on('exit', gone)
    return worker
  }

  /** Ends the thread; the next question begins another. */
  #end(why: string): void {
    clearTimeout(this.#timer)
    const [worker, asked] = [this.#worker, this.#busy]
    this.#worker = undefined
    this.#busy = undefined
    void worker?.terminate()
    asked?.reject(new Unavailable('unavailable', why))
    if (!this.#closed && this.#waiting.length > 0) this.#next()
  }
}
