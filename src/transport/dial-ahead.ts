// One connection more than was asked for, where logins follow one another closely: the server has its process for it by the
// time somebody comes (PostgreSQL forks one for each connection, which takes longer than the rest of a login's answers).
// Nothing is sent on it, so it is nobody's, and it is closed when nobody comes for it soon.
import type { Socket } from 'node:net'

/** Logins that lie closer together than this are a rush. */
const RUSH_MS = 1_000
/** So long a connection waits for somebody. Servers end those that say nothing after a minute; none should have to. */
const KEPT_MS = 2_000

export interface DialAheadParts {
  readonly dial: (host: string, port: number) => Promise<Socket>
  /** Milliseconds. */
  readonly now: () => number
}

/** What is known of one address. */
interface Place {
  /** The latest login there. */
  at: number
  dialling: boolean
  spare: { readonly socket: Socket; readonly drop: () => void } | undefined
}

const MOST_PLACES = 1_000

export class DialAhead {
  readonly #parts: DialAheadParts
  readonly #places = new Map<string, Place>()

  constructor(parts: DialAheadParts) {
    this.#parts = parts
  }

  /** A connection that stands already, paused and unused. It may be gone by the time it is used: then nothing was read from it. */
  take(host: string, port: number): Socket | undefined {
    const spare = this.#places.get(keyOf(host, port))?.spare
    if (spare === undefined) return undefined
    const { socket } = spare
    spare.drop()
    if (socket.destroyed || socket.readableEnded || socket.bytesRead > 0) {
      socket.destroy()
      return undefined
    }
    socket.ref()
    return socket
  }

  /** Somebody logged in there: dials the next one when the login before is not long ago. */
  loggedIn(host: string, port: number): void {
    const now = this.#parts.now()
    const key = keyOf(host, port)
    const known = this.#places.get(key)
    if (known === undefined) {
      if (this.#places.size >= MOST_PLACES) this.#forget(now)
      this.#places.set(key, { at: now, dialling: false, spare: undefined })
      return
    }
    const rush = now - known.at < RUSH_MS
    known.at = now
    if (rush && known.spare === undefined && !known.dialling) void this.#dial(known, host, port)
  }

  async #dial(place: Place, host: string, port: number): Promise<void> {
    place.dialling = true
    try {
      this.#keep(place, await this.#parts.dial(host, port))
    } catch {
      // Safe: nobody asked for it. Whoever comes dials, and is told what is wrong.
    } finally {
      place.dialling = false
    }
  }

  #keep(place: Place, socket: Socket): void {
    // An end is only seen by who reads; a server that speaks first is none that we can keep waiting.
    const left = (): void => {
      drop()
      socket.destroy()
    }
    const tooLate = setTimeout(left, KEPT_MS)
    const drop = (): void => {
      clearTimeout(tooLate)
      socket.off('data', left).off('end', left).off('close', left)
      socket.pause()
      place.spare = undefined
    }
    socket.on('data', left).on('end', left).on('close', left)
    // Neither holds up the end of the process.
    tooLate.unref()
    socket.unref()
    place.spare = { socket, drop }
  }

  #forget(now: number): void {
    for (const [key, { at, spare }] of this.#places) {
      if (spare === undefined && now - at >= RUSH_MS) this.#places.delete(key)
    }
  }
}

function keyOf(host: string, port: number): string {
  return `${host} ${port}`
}
