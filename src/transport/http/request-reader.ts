// Bytes of a client's connection to heads and bodies (HTTP/1.x): where a message ends, and nothing of what it means.
import { ChunkedReader } from './chunked.ts'
import { Fields } from './fields.ts'
import type { HttpLimits } from './limits.ts'
import type { RequestHead } from './message.ts'
import { HttpRefusal } from './refusal.ts'
import { readRequestHead } from './request-head.ts'

export interface RequestSink {
  head(head: RequestHead): void
  data(chunk: Buffer): void
  end(trailers: Fields): void
}

const END = Buffer.from('\r\n\r\n', 'latin1')
/** Longer heads are not compared with those before. */
const MOST_COMPARED = 4_096
/** What a client asks in turns is mostly few things. */
const MOST_KEPT = 4
const CR = 0x0d
const LF = 0x0a

interface KeptHead {
  /** With the empty line that ends it. */
  readonly bytes: Buffer
  readonly head: RequestHead
}

/**
 * `read` stops behind each message, so that the connection says when the next may begin. The head of a message whose bytes
 * are those of one shortly before is the same object.
 */
export class RequestReader {
  readonly #limits: HttpLimits
  readonly #sink: RequestSink
  /** Of a head that is not whole yet. */
  #partial: Buffer | undefined
  readonly #kept: KeptHead[] = []
  #last: KeptHead | undefined
  #left = 0
  #chunked: ChunkedReader | undefined

  constructor(limits: HttpLimits, sink: RequestSink) {
    this.#limits = limits
    this.#sink = sink
  }

  /** True from the first byte of a head to its last. */
  get inHead(): boolean {
    return this.#partial !== undefined
  }

  get inBody(): boolean {
    return this.#left > 0 || this.#chunked !== undefined
  }

  /** Reads to the end of the message or of `bytes`, whichever is first; says how far it got. Throws HttpRefusal. */
  read(bytes: Buffer, at: number): number {
    while (at < bytes.length) {
      if (this.#chunked !== undefined) {
        at = this.#chunked.read(bytes, at)
        if (!this.#chunked.over) return at
        this.#chunked = undefined
        return at
      }
      if (this.#left > 0) {
        const end = Math.min(bytes.length, at + this.#left)
        this.#left -= end - at
        const over = this.#left === 0
        this.#sink.data(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end))
        if (over) this.#sink.end(Fields.none)
        return end
      }
      const again = this.#again(bytes, at)
      if (again !== undefined) {
        at += again.bytes.length
        if (this.#begin(again.head)) return at
        continue
      }
      const head = this.#head(bytes, at)
      if (head === undefined) return bytes.length
      at = head.end
      if (this.#begin(head.head)) return at
    }
    return at
  }

  /** True when the message is over with its head. */
  #begin(head: RequestHead): boolean {
    const { body } = head
    if (body.kind === 'stream')
      this.#chunked = new ChunkedReader(this.#limits, {
        data: chunk => this.#sink.data(chunk),
        end: trailers => this.#sink.end(trailers),
      })
    else if (body.kind === 'length') this.#left = body.length
    this.#sink.head(head)
    return body.kind === 'none' || (body.kind === 'length' && body.length === 0)
  }

  #head(bytes: Buffer, at: number): { head: RequestHead; end: number } | undefined {
    const before = this.#partial?.length ?? 0
    const whole =
      this.#partial === undefined ? bytes : Buffer.concat([this.#partial, bytes.subarray(at)])
    const start = this.#partial === undefined ? at : 0
    // RFC 9112 section 2.2: one empty line ahead of a request is forgiven.
    const first = whole[start] === CR && whole[start + 1] === LF ? start + 2 : start
    const found = whole.indexOf(END, Math.max(first, start + before - 3))
    if (found === -1) {
      this.#keep(
        start === 0 && whole !== bytes ? whole : Buffer.from(whole.subarray(start)),
        before,
      )
      return undefined
    }
    const end = found + END.length - start - before + at
    this.#partial = undefined
    return { head: this.#parse(whole.subarray(first, found + END.length)), end }
  }

  /** A head that came before, byte for byte. (Where it ends stands in it: there is one empty line, and it is its last.) */
  #again(bytes: Buffer, at: number): KeptHead | undefined {
    const last = this.#last
    if (last === undefined || this.#partial !== undefined) return undefined
    if (begins(bytes, at, last.bytes)) return last
    for (const kept of this.#kept) {
      if (kept === last || !begins(bytes, at, kept.bytes)) continue
      this.#last = kept
      return kept
    }
    return undefined
  }

  #keep(partial: Buffer, checked: number): void {
    if (partial.length > this.#limits.headBytes) throw new HttpRefusal('head_too_large')
    // A head of lines that end in LF alone never ends here: it is refused, not waited for.
    for (let at = partial.indexOf(LF, checked); at !== -1; at = partial.indexOf(LF, at + 1))
      if (partial[at - 1] !== CR) throw new HttpRefusal('line_ending')
    this.#partial = partial
  }

  #parse(bytes: Buffer): RequestHead {
    if (bytes.length > this.#limits.headBytes) throw new HttpRefusal('head_too_large')
    // One that came in pieces may be known as well.
    const known = this.#kept.find(kept => kept.bytes.equals(bytes))
    if (known !== undefined) return known.head
    const head = readRequestHead(
      bytes.toString('latin1', 0, bytes.length - END.length),
      this.#limits,
    )
    if (bytes.length > MOST_COMPARED) return head
    this.#last = { bytes: Buffer.from(bytes), head }
    if (this.#kept.length >= MOST_KEPT) this.#kept.shift()
    this.#kept.push(this.#last)
    return head
  }
}

function begins(bytes: Buffer, at: number, head: Buffer): boolean {
  const { length } = head
  return (
    bytes.length - at >= length &&
    bytes[at + length - 1] === LF &&
    bytes.compare(head, 0, length, at, at + length) === 0
  )
}
