// multipart/form-data and multipart/mixed (RFC 7578, RFC 2046 section 5.1): each part by what it says that it is. What two readers could cut
// differently is refused. Held between chunks: a part's head, a form's field, or what may be the beginning of a boundary.
import { Buffer } from 'node:buffer'
import { BodyProblem, type BodyReader } from './body.ts'
import { type PartHead, readPartHead } from './part-head.ts'
import type { Values } from './values.ts'

/** RFC 2046 section 5.1.1, without the blank that may stand within. */
const BOUNDARY = /^[A-Za-z0-9'()+_,\-./:=?]{1,70}$/
const MOST_HEAD = 4 * 1024
const CR = 0x0d
const LF = 0x0a
const HEAD_END = Buffer.from('\r\n\r\n')
const NOTHING = Buffer.alloc(0)

/** What reads a part. Throws BodyProblem when nothing does. */
export type PartReader = (head: PartHead) => BodyReader

/** Undefined: it cannot be a boundary. */
export function boundaryOf(parameters: ReadonlyMap<string, string>): string | undefined {
  const boundary = parameters.get('boundary') ?? ''
  return BOUNDARY.test(boundary) ? boundary : undefined
}

export class MultipartBody implements BodyReader {
  readonly #values: Values
  readonly #readerOf: PartReader
  /** What stands between parts, and the same without its line end. */
  readonly #delimiter: Buffer
  readonly #dashes: Buffer
  #state: 'start' | 'edge' | 'head' | 'part' | 'over' = 'start'
  #held: Buffer = NOTHING
  #reader: BodyReader | undefined
  /** Nothing of the part was read yet. */
  #first = true
  #behind = 0

  constructor(values: Values, boundary: string, readerOf: PartReader) {
    this.#values = values
    this.#readerOf = readerOf
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
    this.#dashes = this.#delimiter.subarray(2)
  }

  write(chunk: Uint8Array): Uint8Array[] {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const bytes = this.#held.length === 0 ? view : Buffer.concat([this.#held, view])
    const out: Uint8Array[] = []
    let at = 0
    for (;;) {
      const next = this.#step(bytes, at, out)
      if (next === undefined) break
      at = next
    }
    this.#held = Buffer.from(bytes.subarray(bytes.length - this.#waits))
    return out
  }

  end(): Uint8Array[] {
    if (this.#state === 'start' && this.#held.length === 0) return []
    if (this.#state !== 'over') throw malformed('its last boundary is not there')
    return []
  }

  /** How many of the last bytes are not read yet. */
  #waits = 0

  /** Reads on from `at`; where to go on, or undefined: more must come. */
  #step(bytes: Buffer, at: number, out: Uint8Array[]): number | undefined {
    this.#waits = bytes.length - at
    switch (this.#state) {
      case 'start': {
        // Some begin with the line end that belongs to the boundary.
        for (const begin of [this.#dashes, this.#delimiter])
          if (startsWith(bytes, at, begin)) return this.#edge(bytes, at, begin.length, out)
        if (this.#waits < this.#delimiter.length && this.#mayBegin(bytes, at)) return undefined
        throw malformed('it does not begin with its boundary')
      }
      case 'edge': {
        if (this.#waits < 2) return undefined
        const two = bytes.toString('latin1', at, at + 2)
        if (two === '\r\n') {
          this.#state = 'head'
          return at
        }
        if (two !== '--') throw malformed('a boundary does not end its line')
        out.push(bytes.subarray(at, at + 2))
        this.#state = 'over'
        return at + 2
      }
      case 'head': {
        const end = bytes.indexOf(HEAD_END, at)
        if ((end < 0 ? bytes.length : end) - at > MOST_HEAD) throw malformed('a head is too long')
        if (end < 0) return undefined
        const head = readPartHead(bytes.subarray(at + 2, Math.max(end, at + 2)), this.#values)
        out.push(Buffer.from(`\r\n${head.text}\r\n`))
        this.#reader = this.#readerOf(head)
        this.#first = true
        this.#state = 'part'
        return end + HEAD_END.length
      }
      case 'part':
        return this.#part(bytes, at, out)
      default: {
        if (at < bytes.length) out.push(bytes.subarray(at))
        for (const byte of bytes.subarray(at)) {
          const expected = this.#behind++ === 0 ? CR : LF
          if (this.#behind > 2 || byte !== expected) throw malformed('something is behind its end')
        }
        this.#waits = 0
        return undefined
      }
    }
  }

  #edge(bytes: Buffer, at: number, length: number, out: Uint8Array[]): number {
    out.push(bytes.subarray(at, at + length))
    this.#state = 'edge'
    return at + length
  }

  #part(bytes: Buffer, at: number, out: Uint8Array[]): number | undefined {
    const reader = this.#reader!
    for (let from = at; ; ) {
      const dashes = bytes.indexOf(this.#dashes, from)
      if (dashes < 0) break
      const before = dashes > at ? bytes[dashes - 1]! : this.#first ? LF : 0
      if (dashes - 2 >= at && before === LF && bytes[dashes - 2] === CR) {
        if (dashes - 2 > at) out.push(...reader.write(bytes.subarray(at, dashes - 2)))
        out.push(...reader.end())
        return this.#edge(bytes, dashes - 2, this.#delimiter.length, out)
      }
      // Some readers take one line end for another.
      if (before === LF || before === CR) throw malformed('a boundary has another line end')
      from = dashes + 1
    }
    const to = this.#mayEnd(bytes, at)
    if (to > at) {
      out.push(...reader.write(bytes.subarray(at, to)))
      this.#first = false
    }
    this.#waits = bytes.length - to
    return undefined
  }

  /** Where the last bytes begin that may be a boundary's beginning. */
  #mayEnd(bytes: Buffer, at: number): number {
    const from = Math.max(at, bytes.length - this.#delimiter.length + 1)
    for (let i = from; i < bytes.length; i++) {
      const byte = bytes[i]!
      const line = byte === CR || byte === LF || (this.#first && i === at)
      if (line && this.#mayBegin(bytes, i)) return i
    }
    return bytes.length
  }

  /** Whether all from here on is the beginning of a boundary, whatever its line end. */
  #mayBegin(bytes: Buffer, at: number): boolean {
    let i = at
    if (bytes[i] === CR) i++
    if (bytes[i] === LF) i++
    return startsWith(this.#dashes, 0, bytes.subarray(i))
  }
}

function startsWith(bytes: Buffer, at: number, begin: Uint8Array): boolean {
  return (
    bytes.length - at >= begin.length &&
    bytes.compare(begin, 0, begin.length, at, at + begin.length) === 0
  )
}

function malformed(why: string): BodyProblem {
  return new BodyProblem('malformed', `It is not multipart as everybody reads it: ${why}.`)
}
