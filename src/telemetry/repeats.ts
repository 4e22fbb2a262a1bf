// What fails for everybody who comes fails again and again, and anybody may come: such a line is written whole once, then
// counted for a minute, and told as one line with the number.
import type { Log, LogFields } from './log.ts'

const WINDOW_MS = 60_000
/** Lines that are told apart within a minute; those beyond share one place for each event. */
const MOST_KEPT = 256
/** Of an error's words, what tells it from others. */
const MOST_WORDS = 12
const LONGEST = 300

interface Kept {
  more: number
  readonly tell: () => void
  readonly timer: NodeJS.Timeout
}

export class Repeats {
  readonly #log: Pick<Log, 'warn' | 'error'>
  readonly #kept = new Map<string, Kept>()

  constructor(log: Pick<Log, 'warn' | 'error'>) {
    this.#log = log
  }

  /** `about` stands in both lines, and tells one trouble from another, as the error does; `whole` in the first alone. */
  tell(level: 'warn' | 'error', event: string, about: LogFields, whole: LogFields = {}): void {
    let key = JSON.stringify([event, about, reasonOf(whole.err)])
    let told = about
    if (!this.#kept.has(key) && this.#kept.size >= MOST_KEPT) {
      key = event
      told = {}
    }
    const kept = this.#kept.get(key)
    if (kept !== undefined) {
      kept.more += 1
      return
    }
    this.#log[level]({ ...about, ...whole }, event)
    const tell = () => {
      this.#kept.delete(key)
      if (begun.more > 0) this.#log[level]({ ...told, more: begun.more }, event)
    }
    const begun: Kept = { more: 0, tell, timer: setTimeout(tell, WINDOW_MS).unref() }
    this.#kept.set(key, begun)
  }

  /** Tells what was counted. */
  end(): void {
    for (const { timer, tell } of [...this.#kept.values()]) {
      clearTimeout(timer)
      tell()
    }
  }
}

/** What tells an error from another: not the place that it was thrown at, nor who met it. */
function reasonOf(error: unknown): string {
  const words: string[] = []
  for (let each = error; each instanceof Error && words.length < MOST_WORDS; each = each.cause)
    words.push(each.name, 'code' in each ? String(each.code) : '', each.message.slice(0, LONGEST))
  return words.join(' ')
}
