// Values that nobody may see, and the eye that finds them again: as text, as bytes, turned around, cut to six
// characters, in hex, in base64, hashed. Every byte that a client gets is looked at.
import { createHash } from 'node:crypto'

const LETTERS = 'bcdfghjkmnpqrstvwxzBCDFGHJKLMNPQRSTVWXZ'
const EPOCH_2000_MS = 946_684_800_000

/** The n-th canary of a column: twelve consonants that no other text holds six of in a row. */
export function canary(column: string, row: number): string {
  const bytes = createHash('sha256').update(`${column}#${row}`).digest()
  return Array.from(bytes.subarray(0, 12), byte => LETTERS[byte % LETTERS.length]).join('')
}

/** Sixteen digits that look like a number nobody would guess. */
export function canaryNumber(column: string, row: number): bigint {
  const bytes = createHash('sha256').update(`${column}#${row}`).digest()
  return 4_000_000_000_000_000n + (bytes.readBigUInt64BE(0) % 5_000_000_000_000_000n)
}

export interface Sighting {
  readonly what: string
  readonly at: number
}

/** Looks for forms of the values it was told of. */
export class Watch {
  // By length, so that one pass over the bytes for each length finds all of them.
  readonly #needles = new Map<number, Map<string, string>>()

  /** A text, and what expressions make of one. */
  text(value: string, name: string): this {
    const forms = [value, [...value].reverse().join('')]
    for (const form of forms) this.#windows(Buffer.from(form), 6, name)
    for (const form of [value, value.toLowerCase(), value.toUpperCase()]) {
      const bytes = Buffer.from(form)
      this.#windows(Buffer.from(bytes.toString('hex')), 10, `${name} in hex`)
      for (let skip = 0; skip < 3; skip++) {
        this.#windows(Buffer.from(bytes.subarray(skip).toString('base64')), 8, `${name} in base64`)
      }
      for (const algorithm of ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512']) {
        const digest = createHash(algorithm).update(bytes).digest()
        this.#needle(Buffer.from(digest.toString('hex').slice(0, 12)), `${algorithm} of ${name}`)
        this.#needle(digest.subarray(0, 6), `${algorithm} of ${name}, raw`)
      }
    }
    return this
  }

  /** A whole number: as digits, as int8 and as the digits of numeric. */
  number(value: bigint, name: string): this {
    this.#windows(Buffer.from(String(value)), 7, name)
    this.#needle(Buffer.from(value.toString(16)), `${name} in hex`)
    const int8 = Buffer.alloc(8)
    int8.writeBigInt64BE(value)
    this.#needle(int8.subarray(2), `${name} as int8`)
    const words = String(value).match(/(\d{1,4})(?=(\d{4})*$)/g) ?? []
    const numeric = Buffer.alloc(words.length * 2)
    for (const [index, word] of words.entries()) numeric.writeInt16BE(Number(word), index * 2)
    this.#needle(numeric.subarray(0, 8), `${name} as numeric`)
    return this
  }

  /** A day, as text and as the days since 2000 behind the length of such a cell. */
  day(iso: string, name: string): this {
    this.#needle(Buffer.from(iso), name)
    this.#needle(Buffer.from(iso.replaceAll('-', '')), name)
    const cell = Buffer.alloc(8)
    cell.writeInt32BE(4)
    cell.writeInt32BE((Date.parse(iso) - EPOCH_2000_MS) / 86_400_000, 4)
    this.#needle(cell, `${name} in binary`)
    return this
  }

  /** Bytes as they lie in a cell. */
  bytes(value: Uint8Array, name: string): this {
    this.#windows(Buffer.from(value), 6, name)
    this.#windows(Buffer.from(Buffer.from(value).toString('hex')), 10, `${name} in hex`)
    return this
  }

  /** The first that is seen; undefined: none. */
  sees(bytes: Buffer): Sighting | undefined {
    const text = bytes.toString('latin1').toLowerCase()
    for (const [length, needles] of this.#needles) {
      for (let at = 0; at + length <= text.length; at++) {
        const what = needles.get(text.slice(at, at + length))
        if (what !== undefined) return { what, at }
      }
    }
    return undefined
  }

  #windows(bytes: Buffer, length: number, name: string): void {
    for (let at = 0; at + length <= bytes.length; at++) {
      this.#needle(bytes.subarray(at, at + length), name)
    }
  }

  #needle(bytes: Buffer, name: string): void {
    const needle = bytes.toString('latin1').toLowerCase()
    const needles = this.#needles.get(needle.length) ?? new Map<string, string>()
    needles.set(needle, name)
    this.#needles.set(needle.length, needles)
  }
}
