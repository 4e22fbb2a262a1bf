// Events as lines of NDJSON, put into bytes a few at a time: thousands of small objects that wait for their block would
// be copied by the garbage collector again and again, and each call into the encoder costs as much as a line. What
// JSON.parse reads back is the event. Output is the exception: its bytes follow a line that says how many they are, as
// they came, since a text of them would cost more than all else that is done to them.
import { FROM_LINE, OUTPUT_LINE } from './event-pieces.ts'
import type { RecordedEvent } from './events.ts'

const FIRST_BYTES = 1024
/** Whoever filled so much is busy: its next block begins as large as this one ended, and a little more. */
const BUSY_BYTES = 64 * 1024
const MORE_BYTES = 8 * 1024
const MOST_KEPT = 2 * 1024
/** So much text waits for the encoder. */
const TOGETHER = 4 * 1024
/** From here on a text is measured before it is encoded. */
const MEASURED = 8 * 1024
/** Buffers of blocks that are written, for the next ones: fresh memory is dear to touch for the first time. */
const spare: Buffer[] = []
/** A block, and what may come above it. */
const SPARE_BYTES = 528 * 1024
const MOST_SPARE = 8

export class EventLines {
  #bytes: Buffer | undefined
  #length = 0
  /** What is not in bytes yet. */
  #text = ''
  #first = FIRST_BYTES
  readonly #texts = new Kept()
  readonly #policies = new Kept()
  readonly #columns = new Kept()
  readonly #objects = new Kept()
  readonly #verbs = new Kept()

  /** Bytes, or nearly: of what waits for the encoder it is the characters. */
  get length(): number {
    return this.#length + this.#text.length
  }

  /** The number of the event that comes first. */
  begin(number: number): void {
    this.#text += `${FROM_LINE}${number}}\n`
  }

  add(event: RecordedEvent): void {
    this.#text += this.#line(event)
    if (this.#text.length >= TOGETHER) this.#encode()
  }

  /** Copied: whoever brings them may use them again. */
  addOutput(at: number, entry: number, stream: 'output' | 'error', bytes: Uint8Array): void {
    const { length } = bytes
    this.#text += `${OUTPUT_LINE}"at":${at},"entry":${entry},"stream":"${stream}","length":${length}}\n`
    this.#encode()
    const into = this.#room(length + 1)
    into.set(bytes, this.#length)
    this.#length += length
    into[this.#length++] = 0x0a
  }

  /** The lines so far; what comes after them begins anew. Whoever is done with them may `giveBack` them. */
  take(): Buffer {
    if (this.#bytes === undefined) {
      const text = this.#text
      this.#text = ''
      return Buffer.from(text, 'utf8')
    }
    this.#encode()
    const bytes = this.#bytes.subarray(0, this.#length)
    this.#first = this.#length < BUSY_BYTES ? FIRST_BYTES : this.#length + MORE_BYTES
    this.#bytes = undefined
    this.#length = 0
    return bytes
  }

  /** Nobody may look at these lines any more. */
  static giveBack(lines: Buffer): void {
    const { buffer } = lines
    if (buffer.byteLength === SPARE_BYTES && spare.length < MOST_SPARE)
      spare.push(Buffer.from(buffer))
  }

  #encode(): void {
    const text = this.#text
    if (text === '') return
    this.#text = ''
    // UTF-8 takes at most three bytes for each UTF-16 unit. A long text is measured: room for thrice of it would not be
    // had from the spare buffers, and is dear to touch.
    const bytes = this.#room(text.length < MEASURED ? text.length * 3 : Buffer.byteLength(text))
    this.#length += bytes.write(text, this.#length, 'utf8')
  }

  #room(wanted: number): Buffer {
    const kept = this.#bytes
    if (kept !== undefined && kept.length - this.#length >= wanted) return kept
    const needed = this.#length + wanted
    const size = kept === undefined ? Math.max(this.#first, needed) : 2 * needed
    const larger = blank(size)
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
          line += `,"objects":${this.#objects.json(event.objects)},"verbs":${this.#verbs.json(event.verbs)}`
        return `${line}}\n`
      }
      case 'outcome': {
        const { at, entry, status, rows, bytes, sent, errorCode, masked } = event
        let line = `{"kind":"outcome","at":${at},"entry":${entry},"status":"${status}","rows":${rows},"bytes":${bytes}`
        if (sent !== undefined) line += `,"sent":${sent}`
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

function blank(size: number): Buffer {
  if (size < BUSY_BYTES || size > SPARE_BYTES) return Buffer.allocUnsafeSlow(size)
  return spare.pop() ?? Buffer.allocUnsafeSlow(SPARE_BYTES)
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
