// Commands as a terminal's screen tells of them: an aid, read anew whenever somebody asks, within bounds of time and length.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type PromptPiece, type Shown, StreamTexts, type TypedCommand } from '#engines/terminal'
import { isGatewayError, Unavailable } from '#model'
import type { Answered, Asked } from './prompt-thread.ts'

export interface TypedCommands {
  readonly commands: readonly TypedCommand[]
  /** There is more than was read. */
  readonly cut: boolean
}

const MOST_CHARACTERS = 64 * 1024 * 1024
const MOST_MS = 20_000
const TOGETHER = 256 * 1024
/** Readings one after the other; more are refused. */
const MOST_WAITING = 8

export class TypedCommandReader {
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0
  readonly #mostCharacters: number

  constructor({ mostCharacters = MOST_CHARACTERS } = {}) {
    this.#mostCharacters = mostCharacters
  }

  /** Throws what `shown` throws, and Unavailable when too many ask or the reading fails. */
  async read(shown: () => AsyncIterable<Shown>): Promise<TypedCommands> {
    if (this.#waiting >= MOST_WAITING)
      throw new Unavailable('unavailable', 'Too many recordings are being read: try again.')
    this.#waiting += 1
    const turn = this.#turn.then(() => this.#read(shown()))
    // Whoever comes next waits for its end, however it ends.
    this.#turn = turn.catch(() => {})
    return turn.finally(() => {
      this.#waiting -= 1
    })
  }

  async #read(shown: AsyncIterable<Shown>): Promise<TypedCommands> {
    const worker = new Worker(new URL('./prompt-thread.ts', import.meta.url), {
      env: {},
      argv: [],
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 },
    })
    const late = AbortSignal.timeout(MOST_MS)
    const ask = async (asked: Asked): Promise<Answered> => {
      // From its failure, or from no answer, comes one error; its last answer has a little longer.
      const signal = asked === undefined ? AbortSignal.timeout(MOST_MS / 4) : late
      const answered = once(worker, 'message', { signal })
      worker.postMessage(asked)
      const [answer] = await answered
      return answer
    }
    const texts = new StreamTexts()
    let batch: PromptPiece[] = []
    let length = 0
    let all = 0
    let cut = false
    try {
      for await (const each of shown) {
        if (each.kind === 'size') batch.push(each)
        if (each.kind !== 'output') continue
        const text = texts.read(each)
        batch.push({ kind: 'text', at: each.at, text })
        length += text.length
        all += text.length
        cut = all > this.#mostCharacters || late.aborted
        if (cut) break
        if (length < TOGETHER) continue
        await ask(batch)
        batch = []
        length = 0
      }
      await ask(batch)
      const { commands, full } = (await ask(undefined)) ?? { commands: [], full: true }
      return { commands, cut: cut || full }
    } catch (cause) {
      if (isGatewayError(cause)) throw cause
      // No answer in time, or the thread has failed at what a host sent.
      throw new Unavailable('unavailable', 'The screen could not be read.', { cause })
    } finally {
      await worker.terminate()
    }
  }
}
