// Names and values in their compressed form: SPDY draft 3.1, section 2.6.10. One zlib stream for each direction of a
// connection, flushed to a whole byte behind each block. Knows the bounds; not what a header means.
import { Buffer } from 'node:buffer'
import { constants, inflateRawSync } from 'node:zlib'
import { ByteReader } from '#engines/wire'
import { ProtocolError } from '#model'
import { DICTIONARY, DICTIONARY_ID } from './dictionary.ts'

export type Headers = ReadonlyMap<string, string>

export const NO_HEADERS: Headers = new Map()

/** Of one block once it is inflated: the streams of Kubernetes need about a hundred bytes. */
const MOST_BYTES = 16 * 1024
const MOST_HEADERS = 64
/** RFC 1950 section 2.2: deflate with a window of 32 KiB, the only one there is. */
const ZLIB = 0x78
const PRESET = 0x20
const WINDOW = 32 * 1024
/** How a flush ends: a stored block without a byte in it. */
const FLUSHED = Buffer.from([0x00, 0x00, 0xff, 0xff])
const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
const VALUE = /^[\x20-\x7e]*$/

/** Reads the blocks of one direction, in their order. */
export class HeaderReader {
  /** What later blocks may point back into; undefined: the stream has not begun. */
  #window: Buffer | undefined

  /** Throws ProtocolError. After that no other block of the stream can be read. */
  read(block: Uint8Array): Headers {
    const start = this.#window === undefined ? this.#begin(block) : 0
    return namesAndValues(this.#inflate(block.subarray(start)))
  }

  /** The size of the stream's head. */
  #begin(block: Uint8Array): number {
    const reader = new ByteReader(block)
    const head = reader.uint16()
    if (head >> 8 !== ZLIB || head % 31 !== 0) throw broken('headers are not a zlib stream')
    const preset = (head & PRESET) !== 0
    if (preset && reader.uint32() !== DICTIONARY_ID)
      throw broken('headers are compressed by an unknown dictionary')
    this.#window = preset ? DICTIONARY : Buffer.alloc(0)
    return preset ? 6 : 2
  }

  /**
   * A block ends on a whole byte and starts a new piece of the stream, so that all that must be kept of the stream is its
   * window: each block is inflated by itself, at once, and nothing native lives as long as a connection.
   */
  #inflate(bytes: Uint8Array): Buffer {
    const window = this.#window!
    if (!FLUSHED.equals(bytes.subarray(-FLUSHED.length)))
      throw broken('headers do not end where their frame does')
    let out: Buffer
    try {
      out = inflateRawSync(bytes, {
        ...(window.length > 0 ? { dictionary: window } : {}),
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: MOST_BYTES,
      })
    } catch (cause) {
      throw new ProtocolError(
        'protocol_violation',
        'SPDY: headers cannot be inflated, or are too long',
        { cause },
      )
    }
    this.#window =
      out.length >= WINDOW
        ? out.subarray(-WINDOW)
        : Buffer.concat([window.subarray(Math.max(0, window.length + out.length - WINDOW)), out])
    return out
  }
}

function namesAndValues(bytes: Buffer): Headers {
  const reader = new ByteReader(bytes)
  const count = reader.uint32()
  if (count > MOST_HEADERS) throw broken('too many headers')
  const headers = new Map<string, string>()
  for (let i = 0; i < count; i += 1) {
    const name = text(reader)
    const value = text(reader)
    // A zero byte would stand between two values: which of them counts, readers see differently.
    if (!NAME.test(name) || !VALUE.test(value)) throw broken('a header is not a plain one')
    if (headers.has(name)) throw broken('a header comes twice')
    headers.set(name, value)
  }
  reader.expectEnd()
  return headers
}

function text(reader: ByteReader): string {
  return Buffer.from(reader.bytes(reader.uint32())).toString('latin1')
}

/**
 * Writes the blocks of one direction: stored, not compressed. A hundred bytes are not worth a compressor, and what is not
 * compressed tells nothing by its length.
 */
export class HeaderWriter {
  #begun = false

  /** Names in lower case; all of it within MOST_BYTES. */
  write(headers: Headers): Buffer {
    const plain = blockOf(headers)
    const parts: Buffer[] = []
    if (!this.#begun) {
      this.#begun = true
      const head = Buffer.from([ZLIB, 0xbb, 0, 0, 0, 0])
      head.writeUInt32BE(DICTIONARY_ID, 2)
      parts.push(head)
    }
    const stored = Buffer.alloc(5)
    stored.writeUInt16LE(plain.length, 1)
    stored.writeUInt16LE(plain.length ^ 0xffff, 3)
    // RFC 1951 section 3.2.4; the empty one makes readers hand over what came before.
    parts.push(stored, plain, Buffer.from([0x00]), FLUSHED)
    return Buffer.concat(parts)
  }
}

function blockOf(headers: Headers): Buffer {
  const parts = [number(headers.size)]
  for (const [name, value] of headers)
    for (const word of [name, value]) {
      const bytes = Buffer.from(word, 'latin1')
      parts.push(number(bytes.length), bytes)
    }
  const all = Buffer.concat(parts)
  if (all.length > MOST_BYTES) throw new RangeError('headers too long to be sent')
  return all
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function broken(message: string): ProtocolError {
  return new ProtocolError('protocol_violation', `SPDY: ${message}`)
}
