// Files and folders that a client has open: under handles of ours, each with the permit that opened it and an account
// of what went through it.
import { createHash, type Hash } from 'node:crypto'
import type { Permit } from '#gateway'

/** On one channel, as many as OpenSSH's own server has by default and more. */
export const MOST_HANDLES = 256

/** The content of one direction. */
export class Transfer {
  bytes = 0
  #next = 0
  #hash: Hash | undefined = createHash('sha256')

  take(offset: number, data: Uint8Array): void {
    this.bytes += data.length
    // Out of order there is no content to speak of, only pieces.
    if (offset !== this.#next) this.#hash = undefined
    this.#next += data.length
    this.#hash?.update(data)
  }

  /** Part of it did not get there. */
  broken(): void {
    this.#hash = undefined
  }

  /** Of what went through in order from the start; null: not in order, or nothing. Once. */
  sum(): string | null {
    const sum = this.bytes === 0 ? undefined : this.#hash?.digest('hex')
    this.#hash = undefined
    return sum ?? null
  }
}

export interface OpenFile {
  /** The host's own handle. */
  readonly host: Buffer
  readonly path: string
  readonly folder: boolean
  readonly reads: boolean
  readonly writes: boolean
  readonly read: Transfer
  readonly written: Transfer
  permit: Permit
  /** Bytes and rows of answer under the permit. */
  bytes: number
  rows: number
  /** Its CLOSE is on the way to the host. */
  closing: boolean
  /** That its answers are at their limit is on record. */
  limited: boolean
}

export class Handles {
  readonly #open = new Map<number, OpenFile>()
  #next = 0

  get size(): number {
    return this.#open.size
  }

  /** Its handle: four bytes, as OpenSSH's are. */
  add(file: OpenFile): Buffer {
    this.#next = (this.#next + 1) >>> 0
    this.#open.set(this.#next, file)
    const handle = Buffer.allocUnsafe(4)
    handle.writeUInt32BE(this.#next)
    return handle
  }

  get(handle: Buffer): OpenFile | undefined {
    return handle.length === 4 ? this.#open.get(handle.readUInt32BE()) : undefined
  }

  /** False: it was not there any more. */
  remove(handle: Buffer): boolean {
    return this.#open.delete(handle.readUInt32BE())
  }

  /** All that are still open; none is, after. */
  takeAll(): OpenFile[] {
    const files = [...this.#open.values()]
    this.#open.clear()
    return files
  }
}
