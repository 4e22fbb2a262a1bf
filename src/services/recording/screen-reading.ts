// Gives what a terminal showed to a thread that reads it with an emulator: seconds of work, away from everybody's
// statements, within bounds of time and length, one reading at a time.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type PromptPiece, type Shown, StreamTexts, wholeCharacters } from '#engines/terminal'
import { isGatewayError, Unavailable } from '#model'

const MOST_CHARACTERS = 64 * 1024 * 1024
const MOST_MS = 20_000
const TOGETHER = 256 * 1024
/** Readings one after the other; more are refused. */
const MOST_WAITING = 8

/** `Answer`: what the thread says to each batch of pieces, and at the end to none. */
export class ScreenReading<Answer> {
  readonly #thread: URL
  readonly #mostCharacters: number
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(thread: URL, { mostCharacters = MOST_CHARACTERS } = {}) {
    this.#thread = thread
    this.#mostCharacters = mostCharacters
  }

  /**
   * Gives all answers, and whether there is more than was read. Throws what `shown` throws, and Unavailable when too many ask or
   * the reading fails.
   */
  async read(
    shown: () => AsyncIterable<Shown>,
  ): Promise<{ readonly answers: readonly Answer[]; readonly cut: boolean }> {
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

  async #read(shown: AsyncIterable<Shown>) {
    const worker = new Worker(this.#thread, {
      env: {},
      argv: [],
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 },
    })
    const late = AbortSignal.timeout(MOST_MS)
    const answers: Answer[] = []
    const ask = async (asked: readonly PromptPiece[] | undefined): Promise<void> => {
      // From its failure, or from no answer, comes one error; its last answer has a little longer.
      const signal = asked === undefined ? AbortSignal.timeout(MOST_MS / 4) : late
      const answered = once(worker, 'message', { signal })
      worker.postMessage(asked)
      const [answer] = await answered
      if (answer !== undefined) answers.push(answer)
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
        const { at, bytes, number } = each
        const whole = number !== undefined && wholeCharacters(bytes) === bytes.length
        batch.push({ kind: 'text', at, text, ...(whole ? { number } : {}) })
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
      await ask(undefined)
      return { answers, cut }
    } catch (cause) {
      if (isGatewayError(cause)) throw cause
      // No answer in time, or the thread has failed at what a host sent.
      throw new Unavailable('unavailable', 'The screen could not be read.', { cause })
    } finally {
      await worker.terminate()
    }
  }
}
