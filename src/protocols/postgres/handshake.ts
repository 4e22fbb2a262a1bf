// A client's connection from its first byte to a proven identity: TLS, startup packet, proof. A strict line of
// steps: each packet is allowed once, in one place; anything else ends the connection. Knows no resource.
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { lengthFrames } from '#engines/wire'
import type { Gateway, ListenerSettings } from '#gateway'
import {
  type GatewayError,
  InvalidRequest,
  isGatewayError,
  type Origin,
  type Principal,
  ProtocolError,
} from '#model'
import { LoginReader, PeerLeft, serveTls } from '#transport'
import { authenticate } from './authenticate.ts'
import { denial } from './denial.ts'
import { negotiateProtocolVersion } from './messages.ts'
import {
  MAX_STARTUP_BYTES,
  NEWEST_MINOR,
  readStartupPacket,
  type StartupMessage,
} from './startup.ts'
import { type ClientParameters, clientParameters } from './startup-parameters.ts'

const ALPN = 'postgresql'
const TLS_HANDSHAKE = 0x16
const YES = Buffer.from('S')
const NO = Buffer.from('N')

/** A client that proved who it is. It waits for AuthenticationOk. */
export interface ClientLogin extends ClientParameters {
  readonly socket: Socket | TLSSocket
  /** Bytes that were read ahead: the client did not wait for our answer. */
  readonly rest: Uint8Array
  readonly principal: Principal
  /** The minor version of protocol 3 that is spoken from here on: 0 or 2. */
  readonly protocolMinor: number
  readonly origin: Origin
}

export interface Greeting {
  readonly gateway: Gateway
  readonly listener: ListenerSettings
  /** A cancel request came; the connection closes after it, whatever comes of it. */
  cancel(pid: number, key: Uint8Array, ip: string): void
}

/**
 * Undefined when there is nobody to serve: a cancel request, a refusal (which was sent), a client that left.
 * Never rejects for anything that a client does.
 */
export async function greet(socket: Socket, greeting: Greeting): Promise<ClientLogin | undefined> {
  const steps = new Handshake(socket, greeting)
  const deadline = setTimeout(() => steps.timeOut(), greeting.gateway.limits.loginMs)
  try {
    return await steps.run()
  } catch (error) {
    if (error instanceof PeerLeft || !isGatewayError(error)) {
      steps.socket.destroy()
      if (error instanceof PeerLeft) return undefined
      throw error // a bug: the connection is gone, whoever called us logs it
    }
    dismiss(steps.socket, denial(error, 'FATAL'))
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
  readonly #greeting: Greeting
  readonly #ip: string
  readonly #port: number
  readonly #started = performance.now()
  #reader: LoginReader
  #secured = false
  #sslAsked = false
  #gssAsked = false

  constructor(socket: Socket, greeting: Greeting) {
    socket.on('error', () => {}) // what follows an error is `close`, which the reader sees
    this.socket = socket
    this.#greeting = greeting
    this.#ip = socket.remoteAddress ?? ''
    this.#port = socket.remotePort ?? 0
    this.#reader = new LoginReader(socket)
  }

  timeOut(): void {
    this.#reader.fail(new ProtocolError('protocol_violation', 'the login took too long'))
  }

  async run(): Promise<ClientLogin | undefined> {
    const [first] = await this.#reader.peek(1)
    if (first === TLS_HANDSHAKE) await this.#directTls()
    for (;;) {
      const packet = readStartupPacket(await this.#reader.frame(lengthFrames, MAX_STARTUP_BYTES))
      switch (packet.kind) {
        case 'ssl':
          await this.#answerSsl()
          break
        case 'gss':
          this.#answerGss()
          break
        case 'cancel':
          this.#greeting.cancel(packet.pid, packet.key, this.#ip)
          this.socket.end()
          this.socket.destroySoon()
          return undefined
        case 'startup':
          return await this.#prove(packet)
      }
    }
  }

  /** PostgreSQL 17's `sslnegotiation=direct`: ALPN is then required, as it is there. */
  async #directTls(): Promise<void> {
    await this.#secure({ peeked: this.#reader.detach() })
    if ('alpnProtocol' in this.socket && this.socket.alpnProtocol !== ALPN) {
      throw new ProtocolError(
        'protocol_violation',
        'direct TLS without the ALPN protocol "postgresql"',
      )
    }
  }

  async #answerSsl(): Promise<void> {
    if (this.#secured || this.#sslAsked) throw outOfPlace('a TLS request')
    this.#sslAsked = true
    this.#refuseReadAhead()
    this.#reader.detach()
    await this.#secure({ reply: YES })
  }

  #answerGss(): void {
    if (this.#secured || this.#gssAsked) throw outOfPlace('a GSSAPI request')
    this.#gssAsked = true
    this.#refuseReadAhead()
    this.socket.write(NO)
  }

  /** CVE-2021-23214 and its kin: what came before the answer must not be taken for what comes after it. */
  #refuseReadAhead(): void {
    if (this.#reader.buffered > 0) {
      throw new ProtocolError('protocol_violation', 'data came ahead of the answer to a request')
    }
  }

  async #secure(opening: { reply: Uint8Array } | { peeked: Uint8Array }): Promise<void> {
    const { gateway } = this.#greeting
    const left = gateway.limits.loginMs - (performance.now() - this.#started)
    try {
      this.socket = await serveTls(this.socket, gateway.tls().context, {
        ...opening,
        alpn: [ALPN],
        timeoutMs: Math.max(1, left),
      })
    } catch (cause) {
      // The socket is gone, and with it any way to tell.
      throw new PeerLeft('protocol_violation', 'the TLS handshake failed', { cause })
    }
    this.#secured = true
    this.#reader = new LoginReader(this.socket)
  }

  async #prove(startup: StartupMessage): Promise<ClientLogin> {
    const { gateway, listener } = this.#greeting
    if (startup.minor > NEWEST_MINOR || startup.protocolOptions.length > 0) {
      this.socket.write(
        negotiateProtocolVersion(Math.min(startup.minor, NEWEST_MINOR), startup.protocolOptions),
      )
    }
    const asked = clientParameters(startup)
    const { tunnel } = listener
    const client = tunnel === undefined ? asked : throughTunnel(asked, tunnel.resource)
    const origin = {
      ip: this.#ip,
      port: this.#port,
      ...tunnel?.origin,
      client: client.applicationName,
    }
    const principal =
      tunnel?.principal ??
      (await authenticate(client, {
        socket: this.socket,
        reader: this.#reader,
        gateway,
        origin,
        secured: this.#secured,
        allowPlaintext: listener.allowPlaintext,
      }))
    return {
      ...client,
      socket: this.socket,
      rest: this.#reader.detach(),
      principal,
      protocolMinor: startup.minor >= NEWEST_MINOR ? NEWEST_MINOR : 0,
      origin,
    }
  }
}

/** A tunnel proved who it is, and opens one resource: a client may name that one, or none. */
function throughTunnel(client: ClientParameters, resource: string): ClientParameters {
  if (client.resourceNamed && client.resource !== resource) {
    throw new InvalidRequest('resource_unknown', `this connection opens ${resource} only`, {
      hint: `use dbname=${resource}`,
    })
  }
  return client.resourceNamed ? client : { ...client, resource, database: undefined }
}

function outOfPlace(what: string): GatewayError {
  return new ProtocolError('protocol_violation', `${what} out of place`)
}
