// Texts in other character sets: detectors read UTF-8, so that is what goes on, and the head must say so.
import { Buffer } from 'node:buffer'
import { BodyProblem, type BodyReader } from './body.ts'

const UTF8 = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii', 'unicode-1-1-utf-8'])

/** True when bytes of this set are read as they are. */
export function isUtf8(charset: string | undefined): boolean {
  return charset === undefined || UTF8.has(charset)
}

/** The name of a set that can be decoded; undefined: nobody knows it. */
export function knownCharset(charset: string): string | undefined {
  try {
    return new TextDecoder(charset).encoding
  } catch {
    // A RangeError: there is no such set, and the body is refused.
    return undefined
  }
}

/** Hands on as UTF-8 what comes in another set. */
export class DecodedBody implements BodyReader {
  readonly #charset: string
  readonly #reader: BodyReader
  #decoder: TextDecoder | undefined
  #head: Uint8Array = new Uint8Array(0)

  constructor(charset: string, reader: BodyReader) {
    this.#charset = charset
    this.#reader = reader
  }

  write(chunk: Uint8Array): Uint8Array[] {
    let bytes = chunk
    if (this.#decoder === undefined) {
      bytes = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
      this.#head = bytes
      if (bytes.length < 2) return []
      this.#decoder = this.#decoderOf(bytes)
    }
    return this.#reader.write(this.#decode(bytes, true))
  }

  end(): Uint8Array[] {
    const rest = this.#decoder === undefined ? this.#head : new Uint8Array(0)
    this.#decoder ??= this.#decoderOf(rest)
    const last = this.#decode(rest, false)
    return [...(last.length === 0 ? [] : this.#reader.write(last)), ...this.#reader.end()]
  }

  #decode(bytes: Uint8Array, stream: boolean): Uint8Array {
    try {
      return Buffer.from(this.#decoder?.decode(bytes, { stream }) ?? '')
    } catch (error) {
      // A TypeError: the bytes are not of the set that they are said to be of.
      throw new BodyProblem('encoding', 'It is not in the character set that it names.', error)
    }
  }

  /** A mark at the beginning says more than the name of a set (RFC 2781, WHATWG Encoding 6). */
  #decoderOf(bytes: Uint8Array): TextDecoder {
    const mark = (bytes[0]! << 8) | bytes[1]!
    const charset = mark === 0xfeff ? 'utf-16be' : mark === 0xfffe ? 'utf-16le' : this.#charset
    return new TextDecoder(charset, { fatal: true })
  }
}
