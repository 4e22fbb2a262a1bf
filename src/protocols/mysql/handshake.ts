// A client's connection from our greeting to a proven identity: TLS, login packet, proof. A strict line of steps:
// each packet is allowed once, in one place; anything else ends the connection. Knows no resource.
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Gateway, ListenerSettings } from '#gateway'
import { InvalidRequest, isGatewayError, type Origin, type Principal, ProtocolError } from '#model'
import { PeerLeft, serveTls } from '#transport'
import { authenticate } from './authenticate.ts'
import { denial } from './denial.ts'
import { LoginPackets } from './login-packets.ts'
import { type LoginPacket, readLoginPacket, writeGreeting } from './messages.ts'
import { capability, status } from './numbers.ts'
import { packets } from './packets.ts'

/** A client that proved who it is. It waits for OK. */
export interface ClientLogin {
  readonly socket: Socket | TLSSocket
  /** Bytes that were read ahead: the client did not wait for our answer. */
  readonly rest: Uint8Array
  /** The number of the packet that ends the login. */
  readonly sequence: number
  readonly principal: Principal
  readonly origin: Origin
  readonly resource: string
  /** Another database of the resource to begin in. */
  readonly database: string | undefined
  /** Those that were both offered and asked for. */
  readonly capabilities: number
}

export interface Greeter {
  readonly gateway: Gateway
  readonly listener: ListenerSettings
  readonly version: string
  readonly connectionId: number
}

/**
 * What we offer. Neither compression (what is masked could be told by its length) nor files of the client; results
 * end as the oldest clients expect it, and what the session tracks is for us.
 */
export const OFFERED =
  capability.longPassword |
  capability.foundRows |
  capability.longFlag |
  capability.connectWithDb |
  capability.protocol41 |
  capability.interactive |
  capability.transactions |
  capability.secureConnection |
  capability.multiStatements |
  capability.multiResults |
  capability.psMultiResults |
  capability.pluginAuth |
  capability.connectAttributes |
  capability.lenencAuthData

const MOST_LOGIN_BYTES = 128 * 1024
const MOST_CLIENT_NAME = 200

/**
 * Undefined when there is nobody to serve: a refusal (which was sent), a client that left. Never rejects for anything
 * that a client does.
 */
export async function greet(socket: Socket, greeter: Greeter): Promise<ClientLogin | undefined> {
  const steps = new Handshake(socket, greeter)
  const deadline = setTimeout(() => steps.timeOut(), greeter.gateway.limits.loginMs)
  try {
    return await steps.run()
  } catch (error) {
    if (error instanceof PeerLeft || !isGatewayError(error)) {
      steps.socket.destroy()
      if (error instanceof PeerLeft) return undefined
      throw error // a bug: the connection is gone, whoever called us logs it
    }
    dismiss(steps.socket, packets(denial(error), steps.sequence))
    return undefined
  } finally {
    clearTimeout(deadline)
  }
}

/** Sends the last words and closes, without waiting for a client that does not read them. */
export function dismiss(socket: Socket, lastWords: Uint8Array): void {
  if (socket.destroyed) return
  socket.on('error', () => {}) // it may be gone before it has read them
  socket.resume() // unread bytes would turn the close into a reset, and the words would be lost
  socket.end(lastWords)
  const giveUp = setTimeout(() => socket.destroy(), 2_000)
  socket.once('close', () => clearTimeout(giveUp))
}

class Handshake {
  socket: Socket | TLSSocket
  readonly #greeter: Greeter
  readonly #started = performance.now()
  readonly #ip: string
  readonly #port: number
  #packets: LoginPackets

  constructor(socket: Socket, greeter: Greeter) {
    socket.on('error', () => {}) // what follows an error is `close`, which the reader sees
    this.socket = socket
    this.#greeter = greeter
    this.#ip = socket.remoteAddress ?? ''
    this.#port = socket.remotePort ?? 0
    this.#packets = new LoginPackets(socket)
  }

  get sequence(): number {
    return this.#packets.sequence
  }

  timeOut(): void {
    this.#packets.fail(new ProtocolError('protocol_violation', 'the login took too long'))
  }

  async run(): Promise<ClientLogin> {
    const { version, connectionId, listener, gateway } = this.#greeter
    const { tunnel } = listener
    const nonce = Uint8Array.from(randomBytes(20), byte => (byte % 127) + 1)
    // A tunnel is TLS already, and proves by itself: then what a client says first will do.
    const offered = tunnel === undefined ? OFFERED | capability.ssl : OFFERED
    const plugin = tunnel === undefined ? 'caching_sha2_password' : 'mysql_native_password'
    this.#packets.send(
      writeGreeting({
        version,
        connectionId,
        nonce,
        capabilities: offered,
        status: status.autocommit,
        plugin,
      }),
    )
    let login = readLoginPacket(await this.#packets.next(MOST_LOGIN_BYTES))
    const secured = login === 'tls'
    if (login === 'tls') {
      if (tunnel !== undefined) throw new ProtocolError('protocol_violation', 'TLS within a tunnel')
      await this.#secure()
      login = readLoginPacket(await this.#packets.next(MOST_LOGIN_BYTES))
    }
    if (login === 'tls') throw new ProtocolError('protocol_violation', 'TLS within TLS')
    const target = targetOf(login, tunnel?.resource)
    const origin: Origin = {
      ip: this.#ip,
      port: this.#port,
      ...tunnel?.origin,
      client: clientName(login),
    }
    const principal =
      tunnel?.principal ??
      (await authenticate(login, target, {
        packets: this.#packets,
        gateway,
        origin,
        nonce,
        secured,
        allowPlaintext: listener.allowPlaintext,
      }))
    login.proof.fill(0)
    return {
      socket: this.socket,
      sequence: this.sequence,
      rest: this.#packets.detach(),
      principal,
      origin,
      resource: target.resource,
      database: target.database,
      capabilities: login.capabilities & offered,
    }
  }

  async #secure(): Promise<void> {
    const { gateway } = this.#greeter
    const { sequence } = this.#packets
    const peeked = this.#packets.detach()
    const left = gateway.limits.loginMs - (performance.now() - this.#started)
    try {
      this.socket = await serveTls(this.socket, gateway.tls().context, {
        // (A client need not wait for us: its ClientHello may have come with the request. It cannot be anything else.)
        peeked,
        timeoutMs: Math.max(1, left),
      })
    } catch (cause) {
      // The socket is gone, and with it any way to tell.
      throw new PeerLeft('protocol_violation', 'the TLS handshake failed', { cause })
    }
    this.#packets = new LoginPackets(this.socket, sequence)
  }
}

export interface Target {
  /** Who the client says it is, without the resource behind an `@`. */
  readonly user: string
  readonly resource: string
  readonly database: string | undefined
}

/**
 * The database names the resource (`RESOURCE`, `RESOURCE/DATABASE`); where none is named, the user does
 * (`NAME@RESOURCE`). A tunnel opens one resource: a client may name that one, or none.
 */
function targetOf({ user, database }: LoginPacket, tunnelled: string | undefined): Target {
  const at = user.lastIndexOf('@')
  const named = database ?? (at === -1 || tunnelled !== undefined ? undefined : user.slice(at + 1))
  const asked = database === undefined && at !== -1 ? user.slice(0, at) : user
  if (named === undefined) {
    if (tunnelled !== undefined) return { user, resource: tunnelled, database: undefined }
    throw new InvalidRequest('resource_unknown', 'the login names no resource', {
      hint: 'give the resource as the database, or NAME@RESOURCE as the user',
    })
  }
  const slash = named.indexOf('/')
  const resource = slash === -1 ? named : named.slice(0, slash)
  if (tunnelled !== undefined && resource !== tunnelled)
    throw new InvalidRequest('resource_unknown', `this connection opens ${tunnelled} only`)
  return { user: asked, resource, database: slash === -1 ? undefined : named.slice(slash + 1) }
}

/** What it says of itself: shown, never decides. */
function clientName({ attributes }: LoginPacket): string {
  const name = attributes.get('program_name') ?? attributes.get('_client_name') ?? ''
  return name.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MOST_CLIENT_NAME)
}
