// Where the host listens for the client (`-R`): each is a statement, asked of the host under its one form, and told the
// client in the client's own words, by which clients know their own.
import { type Permit, type Session, type StandingPermit, standOn } from '#gateway'
import { type CloseReason, InvalidRequest, UpstreamError } from '#model'
import type { Backend } from '../backend.ts'
import type { UpstreamLogin } from '../upstream.ts'
import { EVERYWHERE, readListen, readPort, readSocketPath } from './destination.ts'
import type { Gate, Standing } from './gate.ts'
import type { Tunnel } from './statement.ts'

const MOST_LISTENERS = 32
/** Asked for and not answered, be it that the host is not there yet: answers go out in the order of what was asked. */
const MOST_PENDING = 64

/** A global request's data, as the library reads it. */
export interface Requested {
  readonly bindAddr?: string
  readonly bindPort?: number
  readonly socketPath?: string
}

export class Listeners {
  readonly #gate: Gate
  readonly #all = new Set<Listener>()
  #starting = 0
  #pending = 0

  constructor(gate: Gate) {
    this.#gate = gate
    gate.connection.on('request', (accept, reject, name, data: Requested) => {
      if (this.#pending >= MOST_PENDING) {
        reject?.()
        gate.onRefused()
        return
      }
      this.#pending += 1
      void this.#request(name, data, accept, reject).then(() => {
        this.#pending -= 1
      })
    })
  }

  /** The one that the host opens a channel for. */
  find({
    destIP,
    destPort,
    socketPath,
  }: {
    readonly destIP?: string
    readonly destPort?: number
    readonly socketPath?: string
  }): Listener | undefined {
    let host: string | undefined
    try {
      host = destIP === undefined ? undefined : readListen(destIP)
    } catch {
      // Safe: nobody asked it to listen there.
      return undefined
    }
    for (const each of this.#all) {
      const { tunnel, port } = each
      if (
        'path' in tunnel
          ? tunnel.path === socketPath
          : 'host' in tunnel && tunnel.host === host && port === destPort
      )
        return each
    }
    return undefined
  }

  /** Never rejects. */
  async #request(
    name: string,
    data: Requested,
    accept: ((port?: number) => void) | undefined,
    reject: (() => void) | undefined,
  ): Promise<void> {
    const gate = this.#gate
    try {
      const backend = await gate.backend
      const asked = `${name} ${JSON.stringify(data.socketPath ?? `${data.bindAddr}:${data.bindPort}`)}`
      if (name.startsWith('cancel-')) {
        const found = this.#find(read(data))
        await found?.end('client')
        return found === undefined ? reject?.() : accept?.()
      }
      this.#starting += 1
      try {
        const { tunnel, permit } = await gate.judge(asked, () => this.#read(data), backend)
        accept?.(await this.#start(tunnel, data, permit, backend))
      } finally {
        this.#starting -= 1
      }
    } catch {
      // Safe: nothing listens. A refusal is on record by then.
      reject?.()
      gate.onRefused()
    }
  }

  #read(data: Requested): Tunnel {
    const tunnel = read(data)
    if (this.#all.size + this.#starting > MOST_LISTENERS || this.#find(tunnel) !== undefined)
      throw new InvalidRequest(
        'statement_unsupported',
        'the host listens on too much, or there already',
      )
    return tunnel
  }

  #find(tunnel: Tunnel): Listener | undefined {
    // Ports that the host chose are many under one asking.
    const same = (one: Listener) =>
      'path' in tunnel
        ? 'path' in one.tunnel && one.tunnel.path === tunnel.path
        : 'host' in tunnel &&
          'host' in one.tunnel &&
          one.tunnel.host === tunnel.host &&
          one.port === tunnel.port
    return [...this.#all].find(same)
  }

  /** The port that it listens on. */
  async #start(
    tunnel: Tunnel,
    data: Requested,
    permit: Permit,
    backend: Backend,
  ): Promise<number | undefined> {
    const { session, upstream } = backend
    let port: number | undefined
    try {
      port = await listen(tunnel, upstream)
    } catch (error) {
      session.complete(permit, { status: 'failed', errorCode: 'not_opened', rows: 0, bytes: 0 })
      throw error
    }
    const gate = this.#gate
    const parts = {
      tunnel,
      asAsked: { ...data, ...(port === undefined ? {} : { bindPort: port }) },
      session,
      upstream,
    }
    const listener = new Listener(parts, permit, port ?? 0, () => {
      this.#all.delete(listener)
      gate.standing.delete(listener)
    })
    this.#all.add(listener)
    gate.standing.add(listener)
    if (gate.left.aborted) void listener.end('client')
    return port
  }
}

interface ListenerParts {
  readonly tunnel: Tunnel
  /** In the client's own words. */
  readonly asAsked: Requested
  readonly session: Session
  readonly upstream: UpstreamLogin
}

export class Listener implements Standing {
  readonly tunnel: Tunnel
  readonly asAsked: Requested
  readonly port: number
  readonly #parts: ListenerParts
  readonly #over: () => void
  readonly #opened = Date.now()
  readonly #permit: Permit
  readonly #standing: StandingPermit
  #ended = false

  constructor(parts: ListenerParts, permit: Permit, port: number, over: () => void) {
    this.tunnel = parts.tunnel
    this.asAsked = parts.asAsked
    this.port = port
    this.#parts = parts
    this.#permit = permit
    this.#over = over
    this.#standing = standOn(parts.session, permit, () => {})
    this.#standing.signal.addEventListener('abort', () => void this.end('not_permitted'), {
      once: true,
    })
  }

  /** Resolves when the host has been asked to listen no more. Never rejects. */
  end(why: 'client' | 'not_permitted' | CloseReason): Promise<void> {
    if (this.#ended) return Promise.resolve()
    this.#ended = true
    this.#standing.drop()
    const { session, upstream, tunnel } = this.#parts
    session.recordAnswer(this.#permit, {
      columns: ['listening', 'port', 'from', 'to', 'ended by'],
      rows: [
        [
          this.#permit.statement.text,
          String(this.port),
          new Date(this.#opened).toISOString(),
          new Date().toISOString(),
          why,
        ],
      ],
      truncated: false,
    })
    session.complete(
      this.#permit,
      why === 'client' ? DONE : { ...DONE, status: 'cancelled', errorCode: why },
    )
    session.catchUp()
    this.#over()
    // Safe to leave: what the host opens for it from here on is refused.
    return unlisten(tunnel, this.port, upstream).catch(() => {})
  }
}

const DONE = { status: 'completed', rows: 0, bytes: 0 } as const

function read(data: Requested): Tunnel {
  return data.socketPath === undefined
    ? {
        verb: 'tcpip-forward',
        host: readListen(data.bindAddr ?? ''),
        port: readPort(data.bindPort, 0),
      }
    : { verb: 'streamlocal-forward', path: readSocketPath(data.socketPath) }
}

/** RFC 4254 section 7.1 has no address for all of them. */
function bound(host: string): string {
  return host === EVERYWHERE ? '' : host
}

function listen(tunnel: Tunnel, upstream: UpstreamLogin): Promise<number | undefined> {
  return told(upstream, heard => {
    const { client } = upstream
    if ('path' in tunnel) client.openssh_forwardInStreamLocal(tunnel.path, heard)
    else if ('host' in tunnel) client.forwardIn(bound(tunnel.host), tunnel.port, heard)
  })
}

async function unlisten(tunnel: Tunnel, port: number, upstream: UpstreamLogin): Promise<void> {
  await told(upstream, heard => {
    const { client } = upstream
    if ('path' in tunnel) client.openssh_unforwardInStreamLocal(tunnel.path, heard)
    else if ('host' in tunnel) client.unforwardIn(bound(tunnel.host), port, heard)
  })
}

/** The host's answer, in time. */
function told(
  { startMs }: UpstreamLogin,
  ask: (heard: (error?: Error | null, port?: number) => void) => void,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new UpstreamError('upstream_refused', 'it was not answered in time')),
      startMs,
    )
    ask((error, port) => {
      clearTimeout(late)
      if (error) reject(new UpstreamError('upstream_refused', 'the host refused', { cause: error }))
      else resolve(port)
    })
  })
}
