// Brings the chunks of one leg to its reader: keeps an incomplete tail, and what comes while the reader
// may not go on. Knows where a frame says its length; not what a frame means.
import type { FrameLayout } from './frame-cutter.ts'

/** What reads frames. */
export interface FrameReader {
  /**
   * Takes what it can of `bytes[at, end)` and answers how far it came. It stops before a frame that is not
   * whole, and before or after one when it sets `blocked` on its feed.
   */
  read(bytes: Buffer, at: number, end: number): number
}

const NONE = Buffer.alloc(0)

export class Feed {
  readonly #reader: FrameReader
  readonly #layout: FrameLayout
  #tail: Buffer | undefined
  #tailLength = 0
  #backlog: Buffer[] = []
  #backlogBytes = 0
  /** While true nothing is read; what comes is kept. */
  blocked = false

  constructor(reader: FrameReader, layout: FrameLayout) {
    this.#reader = reader
    this.#layout = layout
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

  /** Gives back all that was not read, in its order: whoever comes next reads it. */
  detach(): Buffer {
    const tail = this.#tail?.subarray(0, this.#tailLength) ?? NONE
    const waiting = Buffer.concat([tail, ...this.#backlog])
    this.#tail = undefined
    this.#tailLength = 0
    this.#backlog = []
    this.#backlogBytes = 0
    return waiting
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
    const { headerBytes } = this.#layout
    if (this.#tail === undefined || this.#tailLength < headerBytes)
      return headerBytes - this.#tailLength
    return this.#layout.frameBytes(this.#tail, 0) - this.#tailLength
  }

  #readTail(): void {
    if (this.#tail === undefined || this.#tailLength < this.#layout.headerBytes) return
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
