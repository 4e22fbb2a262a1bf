// The chunked transfer coding (RFC 9112 section 7.1), both ways. The reader takes what the grammar says and nothing that some
// servers forgive: no blanks about the size, no bare LF, no size beyond what a number holds.

import { mayTrail, readFieldLines } from './field-lines.ts'
import { Fields } from './fields.ts'
import type { HttpLimits } from './limits.ts'
import { HttpRefusal } from './refusal.ts'

export interface ChunkedSink {
  data(chunk: Buffer): void
  end(trailers: Fields): void
}

const CR = 0x0d
const LF = 0x0a
const SEMICOLON = 0x3b
const MOST_DIGITS = 12

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'over'

export class ChunkedReader {
  readonly #limits: HttpLimits
  readonly #sink: ChunkedSink
  #state: State = 'size'
  #size = 0
  #digits = 0
  #extension = 0
  #left = 0
  #trailer = ''

  constructor(limits: HttpLimits, sink: ChunkedSink) {
    this.#limits = limits
    this.#sink = sink
  }

  /** Where the message ended in `bytes`; their length while it has not. Throws HttpRefusal. */
  read(bytes: Buffer, at: number): number {
    while (at < bytes.length && this.#state !== 'over') {
      if (this.#state === 'data') at = this.#data(bytes, at)
      else if (this.#state === 'trailer') at = this.#trailers(bytes, at)
      else {
        this.#step(bytes[at]!)
        at += 1
      }
    }
    return at
  }

  get over(): boolean {
    return this.#state === 'over'
  }

  #step(byte: number): void {
    switch (this.#state) {
      case 'size': {
        const digit = hexDigit(byte)
        if (digit !== -1 && this.#digits < MOST_DIGITS) {
          this.#size = this.#size * 16 + digit
          this.#digits += 1
        } else if (this.#digits > 0 && byte === SEMICOLON) this.#state = 'extension'
        else if (this.#digits > 0 && byte === CR) this.#state = 'size-lf'
        else throw new HttpRefusal('chunk')
        return
      }
      case 'extension':
        this.#extension += 1
        if (byte === CR) this.#state = 'size-lf'
        else if (byte < 0x20 || byte === 0x7f || this.#extension > this.#limits.chunkExtensionBytes)
          throw new HttpRefusal('chunk')
        return
      case 'size-lf':
        if (byte !== LF) throw new HttpRefusal('chunk')
        this.#left = this.#size
        this.#state = this.#size === 0 ? 'trailer' : 'data'
        return
      case 'data-cr':
        if (byte !== CR) throw new HttpRefusal('chunk')
        this.#state = 'data-lf'
        return
      default:
        if (byte !== LF) throw new HttpRefusal('chunk')
        this.#state = 'size'
        this.#size = 0
        this.#digits = 0
        this.#extension = 0
    }
  }

  #data(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left)
    this.#left -= end - at
    if (this.#left === 0) this.#state = 'data-cr'
    this.#sink.data(bytes.subarray(at, end))
    return end
  }

  #trailers(bytes: Buffer, at: number): number {
    // One byte at a time: what stands behind the empty line is the next message.
    while (at < bytes.length) {
      this.#trailer += String.fromCharCode(bytes[at]!)
      at += 1
      if (this.#trailer === '\r\n' || this.#trailer.endsWith('\r\n\r\n')) {
        this.#state = 'over'
        this.#sink.end(trailerFields(this.#trailer, this.#limits))
        return at
      }
      if (this.#trailer.length > this.#limits.trailerBytes) throw new HttpRefusal('head_too_large')
    }
    return at
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

function trailerFields(text: string, limits: HttpLimits): Fields {
  if (text === '\r\n') return Fields.none
  const flat: string[] = []
  readFieldLines(text.slice(0, -4), 0, limits.fields, (name, value) => {
    if (!mayTrail(name)) throw new HttpRefusal('trailer')
    flat.push(name, value)
  })
  return new Fields(flat)
}

const END = Buffer.from('0\r\n\r\n', 'latin1')

/** A whole chunk: one write, one copy. */
export function encodeChunk(bytes: Uint8Array): Uint8Array {
  const size = bytes.length.toString(16)
  const out = Buffer.allocUnsafe(size.length + bytes.length + 4)
  out.write(size, 0, 'latin1')
  out[size.length] = CR
  out[size.length + 1] = LF
  out.set(bytes, size.length + 2)
  out[out.length - 2] = CR
  out[out.length - 1] = LF
  return out
}

export function encodeEnd(trailers: Fields): Uint8Array {
  if (trailers.size === 0) return END
  let text = '0\r\n'
  for (const [name, value] of trailers)
    if (mayTrail(name) && isSendable(value)) text += `${name}: ${value}\r\n`
  return Buffer.from(`${text}\r\n`, 'latin1')
}

/** Of our own making or anybody's: no line begins in the middle of a value. */
export function isSendable(value: string): boolean {
  return !/[^\t\x20-\x7e\x80-\xff]/.test(value)
}

/** Two pieces that go out as one. */
export function joined(first: Uint8Array, second: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(first.length + second.length)
  bytes.set(first)
  bytes.set(second, first.length)
  return bytes
}
