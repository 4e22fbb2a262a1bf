// A client's connection from our greeting to its first proven identity: TLS, login packet, proof. A strict line of steps:
// each packet is allowed once, in one place; anything else ends the connection. Knows no resource.
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { ProtocolError } from '#model'
import { PeerLeft, serveTls } from '#transport'
import {
  attend,
  type ClientLogin,
  type Greeter,
  MOST_LOGIN_BYTES,
  newNonce,
  prove,
  tooSlow,
} from './login.ts'
import { LoginPackets } from './login-packets.ts'
import { readLoginPacket, writeGreeting } from './messages.ts'
import { capability, status } from './numbers.ts'

/**
 * What we offer. No compression (what is masked could be told by its length), and files of the client only where a resource has them; results
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

/** As `attend` has it. */
export function greet(socket: Socket, greeter: Greeter): Promise<ClientLogin | undefined> {
  return attend(new Handshake(socket, greeter), greeter.gateway)
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
    this.#packets.fail(tooSlow())
  }

  async run(): Promise<ClientLogin> {
    const { version, connectionId, localFiles, listener, gateway } = this.#greeter
    const { tunnel } = listener
    const nonce = newNonce()
    // A tunnel is TLS already, and proves by itself: then what a client says first will do.
    const offered =
      OFFERED |
      (tunnel === undefined ? capability.ssl : 0) |
      (localFiles ? capability.localFiles : 0)
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
    const proven = await prove(login, {
      gateway,
      listener,
      packets: this.#packets,
      nonce,
      secured,
      from: { ip: this.#ip, port: this.#port, ...tunnel?.origin, client: '' },
    })
    return {
      ...proven,
      socket: this.socket,
      sequence: this.sequence,
      rest: this.#packets.detach(),
      secured,
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
