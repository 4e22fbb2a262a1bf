// Bytes of a body that are not judged yet, in one buffer that grows: what comes byte by byte costs linear time.
import { Buffer } from 'node:buffer'

export class Backlog {
  bytes: Buffer = Buffer.alloc(0)
  /** What is held is `[from, to)`. */
  from = 0
  to = 0

  add(chunk: Uint8Array): void {
    const held = this.to - this.from
    const needed = held + chunk.length
    if (this.to + chunk.length > this.bytes.length) {
      if (needed <= this.bytes.length && this.from >= held)
        this.bytes.copy(this.bytes, 0, this.from, this.to)
      else {
        const wider = Buffer.allocUnsafeSlow(Math.max(needed, 2 * held, 4 * 1024))
        this.bytes.copy(wider, 0, this.from, this.to)
        this.bytes = wider
      }
      this.from = 0
      this.to = held
    }
    this.bytes.set(chunk, this.to)
    this.to += chunk.length
  }
}
