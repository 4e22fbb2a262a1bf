// Cuts a stream of bytes into frames, whatever the chunks are. Knows where a frame says its length, not
// what it means. Holds an incomplete tail only, and never more than the largest frame allowed.
import { ProtocolError } from '#model'
import { int32At } from './byte-reader.ts'

/** How frames of a wire say their length. */
export interface FrameLayout {
  /** Bytes that must be there before the length can be read. */
  readonly headerBytes: number
  /** The whole frame's length with its header, from the header at `at`; less than `headerBytes`: malformed. */
  frameBytes(bytes: Uint8Array, at: number): number
}

/** A type byte, then an int32 length that counts itself (PostgreSQL after startup). */
export const typedFrames: FrameLayout = {
  headerBytes: 5,
  // An int32 near 2^31 plus one stays exact in a double: no wrap-around.
  frameBytes: (bytes, at) => 1 + int32At(bytes, at + 1),
}

/** An int32 length that counts itself (PostgreSQL's startup packets). */
export const lengthFrames: FrameLayout = {
  headerBytes: 4,
  frameBytes: (bytes, at) => int32At(bytes, at),
}

const none = new Uint8Array(0)

/** The next frame's extent, or how many bytes are missing at least. Throws on a malformed or oversized length. */
export function measureFrame(
  layout: FrameLayout,
  bytes: Uint8Array,
  start: number,
  end: number,
  maxBytes: number,
): { readonly end: number } | { readonly missing: number } {
  if (end - start < layout.headerBytes) return { missing: layout.headerBytes - (end - start) }
  const length = layout.frameBytes(bytes, start)
  if (length < layout.headerBytes) {
    throw new ProtocolError('protocol_violation', 'a message has an impossible length')
  }
  if (length > maxBytes) {
    throw new ProtocolError('message_too_large', `a message is larger than ${maxBytes} bytes`)
  }
  return length <= end - start ? { end: start + length } : { missing: length - (end - start) }
}

/** Keeps the tail of one stream between chunks. */
export class FrameCutter {
  readonly #layout: FrameLayout
  readonly #maxBytes: number
  #held: Uint8Array = none
  #heldLength = 0

  constructor(layout: FrameLayout, maxBytes: number) {
    this.#layout = layout
    this.#maxBytes = maxBytes
  }

  /** Bytes of an incomplete frame. */
  get pending(): number {
    return this.#heldLength
  }

  /**
   * Calls `onFrame` for each frame that is whole, in order; the bytes are a view, valid during the call.
   * When `onFrame` answers false, cutting stops after that frame: `rest` then has all that follows.
   */
  push(
    chunk: Uint8Array,
    onFrame: (bytes: Uint8Array, start: number, end: number) => boolean,
  ): void {
    let bytes = chunk
    let end = chunk.length
    if (this.#heldLength > 0) {
      this.#hold(chunk, 0)
      bytes = this.#held
      end = this.#heldLength
    }
    let at = 0
    while (at < end) {
      const next = measureFrame(this.#layout, bytes, at, end, this.#maxBytes)
      if ('missing' in next) break
      const go = onFrame(bytes, at, next.end)
      at = next.end
      if (!go) break
    }
    if (bytes === chunk) {
      if (at < end) this.#hold(chunk, at)
    } else {
      this.#held.copyWithin(0, at, end)
      this.#heldLength = end - at
      if (this.#heldLength === 0) this.#held = none // an idle stream holds no buffer
    }
  }

  /** What was not cut, and forgets it: for handing the stream on. */
  rest(): Uint8Array {
    const rest = this.#held.slice(0, this.#heldLength)
    this.#held = none
    this.#heldLength = 0
    return rest
  }

  #hold(chunk: Uint8Array, from: number): void {
    const wanted = this.#heldLength + chunk.length - from
    if (wanted > this.#held.length) {
      // Doubling keeps a frame that comes byte by byte linear.
      const larger = new Uint8Array(
        Math.max(wanted, Math.min(this.#held.length * 2, this.#maxBytes)),
      )
      larger.set(this.#held.subarray(0, this.#heldLength))
      this.#held = larger
    }
    this.#held.set(from === 0 ? chunk : chunk.subarray(from), this.#heldLength)
    this.#heldLength = wanted
  }
}
