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
/** Longer heads are not compared with the one before. */
const MOST_COMPARED = 4_096
const CR = 0x0d
const LF = 0x0a

/**
 * `read` stops behind each message, so that the connection says when the next may begin. The head of a message whose bytes
 * are those of the one before is the same object.
 */
export class RequestReader {
  readonly #limits: HttpLimits
  readonly #sink: RequestSink
  /** Of a head that is not whole yet. */
  #partial: Buffer | undefined
  #lastBytes: Buffer | undefined
  #lastHead: RequestHead | undefined
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
    return { head: this.#parse(whole.subarray(first, found)), end }
  }

  #keep(partial: Buffer, checked: number): void {
    if (partial.length > this.#limits.headBytes) throw new HttpRefusal('head_too_large')
    // A head of lines that end in LF alone never ends here: it is refused, not waited for.
    for (let at = partial.indexOf(LF, checked); at !== -1; at = partial.indexOf(LF, at + 1))
      if (partial[at - 1] !== CR) throw new HttpRefusal('line_ending')
    this.#partial = partial
  }

  #parse(bytes: Buffer): RequestHead {
    if (bytes.length + END.length > this.#limits.headBytes) throw new HttpRefusal('head_too_large')
    const last = this.#lastHead
    if (last !== undefined && this.#lastBytes!.equals(bytes)) return last
    const head = readRequestHead(bytes.toString('latin1'), this.#limits)
    if (bytes.length <= MOST_COMPARED) {
      this.#lastBytes = Buffer.from(bytes)
      this.#lastHead = head
    }
    return head
  }
}
