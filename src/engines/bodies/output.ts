// What goes on of a body. As long as nothing is changed it is the chunk itself; else one buffer for each chunk.
import { Buffer } from 'node:buffer'

export class Output {
  #bytes: Buffer | undefined
  #length = 0
  #view: Uint8Array | undefined

  /** `[from, to)` of `src` goes on as it is. `borrowed`: `src` is written over later. */
  pass(src: Uint8Array, from: number, to: number, borrowed = true): void {
    if (from >= to) return
    if (!borrowed && this.#length === 0 && this.#view === undefined) {
      this.#view = src.subarray(from, to)
      return
    }
    this.#settle()
    const bytes = this.room(to - from)
    bytes.set(from === 0 && to === src.length ? src : src.subarray(from, to), this.#length)
    this.#length += to - from
  }

  /** A buffer with room for so many bytes at `length`; tell what was written with `wrote`. */
  room(bytes: number): Buffer {
    this.#settle()
    const needed = this.#length + bytes
    if (this.#bytes === undefined) this.#bytes = Buffer.allocUnsafe(Math.max(needed, 512))
    else if (this.#bytes.length < needed) {
      const wider = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length))
      this.#bytes.copy(wider, 0, 0, this.#length)
      this.#bytes = wider
    }
    return this.#bytes
  }

  get length(): number {
    return this.#length
  }

  /** Something was written up to there. */
  wrote(to: number): void {
    this.#length = to
  }

  /** What may go on now; from here on a new one. */
  take(): Uint8Array[] {
    const view = this.#view
    this.#view = undefined
    if (view !== undefined) return [view]
    if (this.#length === 0 || this.#bytes === undefined) return []
    const taken = this.#bytes.subarray(0, this.#length)
    this.#bytes = undefined
    this.#length = 0
    return [taken]
  }

  /** A chunk that was to go on as it is must be copied after all. */
  #settle(): void {
    const view = this.#view
    if (view === undefined) return
    this.#view = undefined
    const bytes = this.room(view.length)
    bytes.set(view, this.#length)
    this.#length += view.length
  }
}
