// Brings the chunks of one leg to its reader: keeps an incomplete tail, and what comes while the reader
// may not go on. Knows that a frame is a type byte and an int32 length; not what a frame means.

/** What reads frames. */
export interface FrameReader {
  /**
   * Takes what it can of `bytes[at, end)` and answers how far it came. It stops before a frame that is not
   * whole, and before or after one when it sets `blocked` on its feed.
   */
  read(bytes: Buffer, at: number, end: number): number
}

/** The header: a type byte, and a length that counts itself but not the type. */
export const HEADER = 5

/** The length word of the frame at `at`, unsigned: a hostile sign bit is a huge number, never a negative one. */
export function lengthAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at + 1] as number) * 0x1000000 +
    (((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 8) |
      (bytes[at + 4] as number))
  )
}

export class Feed {
  readonly #reader: FrameReader
  #tail: Buffer | undefined
  #tailLength = 0
  #backlog: Buffer[] = []
  #backlogBytes = 0
  /** While true nothing is read; what comes is kept. */
  blocked = false

  constructor(reader: FrameReader) {
    this.#reader = reader
  }

  /** Bytes that wait behind a block: the owner stops reading its socket when they are many. */
  get waiting(): number {
    return this.#backlogBytes
  }

  /** True when nothing waits: neither a part of a frame nor a chunk. */
  get empty(): boolean {
    return this.#tailLength === 0 && this.#backlogBytes === 0
  }

  /** The chunk is ours from here on: parts of it may be kept or forwarded by reference. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    if (this.blocked || this.#backlog.length > 0) this.#keep(chunk)
    else this.#take(chunk)
  }

  /** Goes on after a block. */
  resume(): void {
    this.blocked = false
    if (this.#tailLength > 0) this.#readTail()
    while (!this.blocked) {
      const next = this.#backlog.shift()
      if (next === undefined) return
      this.#backlogBytes -= next.length
      this.#take(next)
    }
  }

  #keep(chunk: Buffer, first = false): void {
    if (chunk.length === 0) return
    if (first) this.#backlog.unshift(chunk)
    else this.#backlog.push(chunk)
    this.#backlogBytes += chunk.length
  }

  #take(chunk: Buffer): void {
    let at = 0
    // Only the frame that is cut by a chunk's border is copied; the rest of the chunk is read in place.
    while (this.#tailLength > 0) {
      const more = Math.min(this.#missing(), chunk.length - at)
      this.#append(chunk, at, at + more)
      at += more
      this.#readTail()
      if (this.blocked) {
        this.#keep(chunk.subarray(at), true)
        return
      }
      if (at === chunk.length) return
    }
    at = this.#reader.read(chunk, at, chunk.length)
    if (at === chunk.length) return
    if (this.blocked) this.#keep(chunk.subarray(at), true)
    else this.#append(chunk, at, chunk.length)
  }

  #missing(): number {
    if (this.#tail === undefined || this.#tailLength < HEADER) return HEADER - this.#tailLength
    return 1 + lengthAt(this.#tail, 0) - this.#tailLength
  }

  #readTail(): void {
    if (this.#tail === undefined || this.#tailLength < HEADER) return
    const used = this.#reader.read(this.#tail, 0, this.#tailLength)
    if (used === 0) return
    // The tail never holds more than one frame, and a reader that streams takes all that is there.
    this.#tail = undefined
    this.#tailLength = 0
  }

  #append(chunk: Buffer, from: number, to: number): void {
    const wanted = this.#tailLength + to - from
    if (this.#tail === undefined || wanted > this.#tail.length) {
      // By what has come, never by what a length claims; doubling keeps a slow sender linear.
      const larger = Buffer.allocUnsafe(Math.max(wanted, this.#tailLength * 2))
      this.#tail?.copy(larger, 0, 0, this.#tailLength)
      this.#tail = larger
    }
    chunk.copy(this.#tail, this.#tailLength, from, to)
    this.#tailLength = wanted
  }
}
