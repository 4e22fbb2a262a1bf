// What every tunnel of a connection passes: is there room, may it be, the other end asked, the two joined. Nothing flows
// before; a channel that is not accepted yet holds nothing that came early.
import type { Connection } from 'ssh2'
import type { Permit, Waiting } from '#gateway'
import { type CloseReason, InvalidRequest, isGatewayError, UpstreamError } from '#model'
import type { Backend } from '../backend.ts'
import { refusalLine } from '../denial.ts'
import type { Pressed } from '../guard.ts'
import { OPEN_FAILURE, type Opening } from '../openings.ts'
import { type End, Joint } from './joint.ts'
import { TUNNEL, type Tunnel, tunnelStatement } from './statement.ts'

const NOT_OPENED = { status: 'failed', errorCode: 'not_opened', rows: 0, bytes: 0 } as const

export interface GateParts {
  readonly connection: Connection
  readonly pressed: Pressed
  /** May still be on its way, or fail. */
  readonly backend: Promise<Backend>
  /** Whether one more channel may be open on the connection. */
  readonly hasRoom: () => boolean
  readonly onRefused: () => void
  /** A bug of ours broke it. */
  readonly onDefect: (error: unknown) => void
}

/** Something that rests on a permit and goes on. */
export interface Standing {
  end(why: 'client' | CloseReason): unknown
}

export class Gate {
  readonly connection: Connection
  readonly pressed: Pressed
  readonly backend: Promise<Backend>
  readonly onRefused: () => void
  readonly #onDefect: (error: unknown) => void
  readonly left: AbortSignal
  readonly waiting: Waiting
  /** Channels that are open or about to be. */
  count = 0
  readonly #hasRoom: () => boolean
  readonly #leaving = new AbortController()
  /** Tunnels and listeners. */
  readonly standing = new Set<Standing>()

  constructor({ connection, pressed, backend, hasRoom, onRefused, onDefect }: GateParts) {
    this.#onDefect = onDefect
    this.connection = connection
    this.pressed = pressed
    this.backend = backend
    this.onRefused = onRefused
    this.#hasRoom = hasRoom
    this.left = this.#leaving.signal
    // There is no channel yet on which anything could be said.
    this.waiting = { notify: () => {}, signal: this.left }
  }

  /** The connection or the session is over: all of it goes on record. */
  end(why: CloseReason): void {
    this.#leaving.abort()
    for (const each of this.standing) each.end(why === 'client_left' ? 'client' : why)
  }

  /** Judges what is asked, has the two ends opened, and sees the tunnel to its end. Never rejects. */
  async pass(
    opening: Opening,
    read: (backend: Backend) => Tunnel,
    open: (backend: Backend, tunnel: Tunnel) => Promise<{ client: End; host: End }>,
  ): Promise<void> {
    if (!this.#hasRoom()) return opening.refuse(OPEN_FAILURE.shortage, 'too many channels')
    this.count += 1
    try {
      const backend = await this.backend
      const asked = `${opening.type} ${writtenOf(opening)}`
      const { tunnel, permit } = await this.judge(asked, () => read(backend), backend)
      const ends = await open(backend, tunnel).catch(cause => {
        // Permitted, and still not opened: that is what goes on record.
        backend.session.complete(permit, NOT_OPENED)
        throw new UpstreamError('upstream_refused', 'the far end was not opened', { cause })
      })
      await this.#join(backend, permit, ends)
    } catch (error) {
      // Safe: nothing was opened. A refusal is on record by then.
      const reached = error instanceof UpstreamError
      const { connect, prohibited } = OPEN_FAILURE
      if (!this.left.aborted) opening.refuse(reached ? connect : prohibited, refusalLine(error))
      if (!reached) this.onRefused()
      if (!isGatewayError(error)) this.#onDefect(error)
    } finally {
      this.count -= 1
    }
  }

  /** `asked`: as it was written, for what cannot be read. Throws GatewayErrors that are on record. */
  async judge(
    asked: string,
    read: () => Tunnel,
    { session, login }: Backend,
  ): Promise<{ readonly tunnel: Tunnel; readonly permit: Permit }> {
    let tunnel: Tunnel
    try {
      tunnel = read()
    } catch (error) {
      if (isGatewayError(error)) session.refused(`${TUNNEL} ${asked}`.slice(0, 1_024), error)
      throw error
    }
    const permit = await session.authorize(tunnelStatement(tunnel, login), this.waiting)
    if (!this.left.aborted) return { tunnel, permit }
    session.complete(permit, NOT_OPENED)
    throw new InvalidRequest('session_ended', 'the session has ended')
  }

  async #join(
    { session }: Backend,
    permit: Permit,
    ends: { readonly client: End; readonly host: End },
  ): Promise<void> {
    const joint = new Joint({ session, permit, ...ends })
    this.standing.add(joint)
    await joint.done
    this.standing.delete(joint)
  }
}

/** Where to, as the other end wrote it: for the record only. */
function writtenOf({ data }: Opening): string {
  const { socketPath, destIP = '', destPort = '' } = data
  return JSON.stringify(socketPath ?? (destIP === '' ? '' : `${destIP}:${destPort}`))
}
