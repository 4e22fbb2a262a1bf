// Events as lines of NDJSON, put into bytes as they come: thousands of small objects that wait for their block would
// be copied by the garbage collector again and again. What JSON.parse reads back is the event.
import type { RecordedEvent } from './events.ts'

const FIRST_BYTES = 1024
/** Whoever filled so much is busy: its next block begins as large as this one ended, and a little more. */
const BUSY_BYTES = 64 * 1024
const MORE_BYTES = 8 * 1024
const MOST_KEPT = 2 * 1024

export class EventLines {
  #bytes: Buffer | undefined
  #length = 0
  #first = FIRST_BYTES
  readonly #texts = new Kept()
  readonly #policies = new Kept()
  readonly #columns = new Kept()

  get length(): number {
    return this.#length
  }

  add(event: RecordedEvent): void {
    const line = this.#line(event)
    // UTF-8 takes at most three bytes for each UTF-16 unit.
    const bytes = this.#room(line.length * 3)
    this.#length += bytes.write(line, this.#length, 'utf8')
  }

  /** The lines so far; what comes after them begins anew. */
  take(): Buffer {
    const bytes = this.#bytes?.subarray(0, this.#length) ?? Buffer.alloc(0)
    this.#first = this.#length < BUSY_BYTES ? FIRST_BYTES : this.#length + MORE_BYTES
    this.#bytes = undefined
    this.#length = 0
    return bytes
  }

  #room(wanted: number): Buffer {
    const kept = this.#bytes
    if (kept !== undefined && kept.length - this.#length >= wanted) return kept
    const needed = this.#length + wanted
    const size = kept === undefined ? Math.max(this.#first, needed) : 2 * needed
    const larger = Buffer.allocUnsafeSlow(size)
    kept?.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
    return larger
  }

  /** The three kinds that each statement has are put together here: parts that recur are written out once. */
  #line(event: RecordedEvent): string {
    switch (event.kind) {
      case 'statement': {
        const { at, entry, text, parameters, effect, code, policies, message } = event
        let line = `{"kind":"statement","at":${at},"entry":${entry},"text":${this.#texts.json(text)}`
        if (parameters !== undefined) line += `,"parameters":${JSON.stringify(parameters)}`
        line += `,"effect":"${effect}","code":"${code}","policies":${this.#policies.json(policies)}`
        if (message !== undefined) line += `,"message":${JSON.stringify(message)}`
        if (event.objects !== undefined)
          line += `,"objects":${JSON.stringify(event.objects)},"verbs":${JSON.stringify(event.verbs)}`
        return `${line}}\n`
      }
      case 'outcome': {
        const { at, entry, status, rows, bytes, errorCode, masked } = event
        let line = `{"kind":"outcome","at":${at},"entry":${entry},"status":"${status}","rows":${rows},"bytes":${bytes}`
        if (errorCode !== undefined) line += `,"errorCode":${JSON.stringify(errorCode)}`
        if (masked !== undefined) line += `,"masked":${JSON.stringify(masked)}`
        return `${line}}\n`
      }
      case 'answer': {
        const { at, entry, columns, rows, truncated } = event
        return `{"kind":"answer","at":${at},"entry":${entry},"columns":${this.#columns.json(columns)},"rows":${JSON.stringify(rows)},"truncated":${truncated}}\n`
      }
      default:
        return `${JSON.stringify(event)}\n`
    }
  }
}

/** The JSON of a value that is mostly the same one as before. It must not be changed. */
class Kept {
  #value: unknown
  #text = ''

  json(value: unknown): string {
    if (value === this.#value) return this.#text
    const text = JSON.stringify(value)
    // A long one in each of a thousand idle sessions would be too much to keep.
    if (text.length <= MOST_KEPT) {
      this.#value = value
      this.#text = text
    }
    return text
  }
}
