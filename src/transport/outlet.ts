// Writes one leg: spans of foreign chunks by reference, our own bytes, and rows that are rewritten into an
// arena that all sessions share. Knows sockets and buffers, no messages.
import type { Leg } from './leg.ts'

/** A leg that holds more than this unsent makes the other leg wait. */
const HIGH = 1 << 20
const SLAB = 256 << 10
/** Spans up to this are copied beside rewritten rows, so that a chunk leaves in one write. */
const SMALL = 8 << 10

// Shared by all sessions of the process: a region is used within one synchronous turn, and given back
// when the socket has sent it within the turn too. Otherwise the write keeps it and the arena moves on.
// One arena for each direction, because a turn may write to both legs.
interface Arena {
  slab: Buffer
  free: number
}
const arenas: Readonly<Record<'client' | 'upstream', Arena>> = {
  client: { slab: Buffer.allocUnsafeSlow(SLAB), free: 0 },
  upstream: { slab: Buffer.allocUnsafeSlow(SLAB), free: 0 },
}

const NONE: Buffer = Buffer.alloc(0)

export class Outlet {
  readonly #socket: Pick<Leg, 'unsent' | 'destroyed' | 'write' | 'end'>
  readonly #arena: Arena
  /** Called before anything is sent; what it throws, nothing is. */
  readonly #ready: (() => void) | undefined
  #chunk: Buffer | undefined
  #from = 0
  #to = 0
  /** The arena's buffer and the next byte to write, while rows are rewritten (see `room`). */
  slab: Buffer = NONE
  position = -1
  #start = 0
  #closed = false

  constructor(
    socket: Pick<Leg, 'unsent' | 'destroyed' | 'write' | 'end'>,
    leg: 'client' | 'upstream',
    ready?: () => void,
  ) {
    this.#socket = socket
    this.#ready = ready
    this.#arena = arenas[leg]
  }

  /** True when more than the bound waits unsent: the one who feeds this leg must pause. */
  get full(): boolean {
    return this.#socket.unsent > HIGH && !this.#socket.destroyed
  }

  /** Forwards bytes of a chunk that will not change any more. */
  pass(bytes: Buffer, from: number, to: number): void {
    if (this.#chunk === bytes && this.#to === from) {
      this.#to = to
      return
    }
    this.#settle(false)
    this.#chunk = bytes
    this.#from = from
    this.#to = to
  }

  /** Our own bytes, in order with the rest. */
  own(bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.pass(buffer, 0, buffer.length)
  }

  /** Makes sure that `wanted` bytes fit behind `position` in `slab`; both may change. */
  room(wanted: number): void {
    this.#settle(false)
    if (this.position < 0) this.#open(wanted)
    if (this.slab.length - this.position >= wanted) return
    const kept = this.position - this.#start
    const larger = Buffer.allocUnsafeSlow(Math.max(SLAB, (kept + wanted) * 2))
    this.slab.copy(larger, 0, this.#start, this.position)
    this.#arena.slab = this.slab = larger
    this.#arena.free = this.#start = 0
    this.position = kept
  }

  #open(wanted: number): void {
    const arena = this.#arena
    if (arena.slab.length - arena.free < wanted) {
      arena.slab = Buffer.allocUnsafeSlow(Math.max(SLAB, wanted))
      arena.free = 0
    }
    this.slab = arena.slab
    this.position = this.#start = arena.free
  }

  /** Sends all that was given. Call this or `hold` at the end of each turn: the arena is everybody's. */
  flush(): void {
    this.#settle(true)
    if (this.position >= 0) this.#sendRegion()
  }

  /** Keeps what was given for a later `flush`. */
  hold(): void {
    if (this.position >= 0) this.#settle(false)
    if (this.position < 0) return
    const { slab, position } = this
    this.position = -1
    this.slab = NONE
    this.own(Buffer.from(slab.subarray(this.#start, position)))
  }

  /** Drops what was given and not sent, and what comes. */
  discard(): void {
    this.#closed = true
    this.#chunk = undefined
    this.position = -1
    this.slab = NONE
  }

  /** Sends what is there and the end; later bytes are dropped. */
  end(): void {
    this.flush()
    this.#closed = true
    this.#socket.end()
  }

  /** Small spans are gathered in the arena unless nothing else is to be sent with them. */
  #settle(last: boolean): void {
    const chunk = this.#chunk
    if (chunk === undefined) return
    this.#chunk = undefined
    const bytes = this.#to - this.#from
    if (bytes <= SMALL && (this.position >= 0 || !last)) {
      this.room(bytes)
      chunk.copy(this.slab, this.position, this.#from, this.#to)
      this.position += bytes
      return
    }
    if (this.position >= 0) this.#sendRegion()
    this.#write(bytes === chunk.length ? chunk : (chunk.subarray(this.#from, this.#to) as Buffer))
  }

  #sendRegion(): void {
    const { slab, position } = this
    const arena = this.#arena
    this.position = -1
    if (position === this.#start) return
    this.#write(slab.subarray(this.#start, position))
    if (slab === arena.slab) arena.free = this.#socket.unsent === 0 ? this.#start : position
    this.slab = NONE
  }

  #write(bytes: Uint8Array): void {
    if (this.#closed) return
    this.#ready?.()
    this.#socket.write(bytes)
  }
}
