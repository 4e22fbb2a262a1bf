// A login, the first of a connection or one that changes its user: from what a packet claims to who it is of. Both go this
// way, so neither can be easier. Knows no greeting and no TLS.
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Gateway, ListenerSettings } from '#gateway'
import { InvalidRequest, isGatewayError, type Origin, type Principal, ProtocolError } from '#model'
import { PeerLeft } from '#transport'
import { authenticate } from './authenticate.ts'
import { denial } from './denial.ts'
import type { LoginPackets } from './login-packets.ts'
import type { LoginPacket } from './messages.ts'
import { packets } from './packets.ts'

/** A client that proved who it is. It waits for OK. */
export interface ClientLogin extends Proven {
  readonly socket: Socket | TLSSocket
  /** Bytes that were read ahead: the client did not wait for our answer. */
  readonly rest: Uint8Array
  /** The number of the packet that ends the login. */
  readonly sequence: number
  /** TLS of ours is around all that it says. */
  readonly secured: boolean
  /** Those that were both offered and asked for. */
  readonly capabilities: number
}

export interface Proven {
  readonly principal: Principal
  readonly origin: Origin
  /** Undefined: it named none, and may only ask to stop what its other connections run. */
  readonly resource: string | undefined
  /** Another database of the resource to begin in. */
  readonly database: string | undefined
}

export interface Greeter {
  readonly gateway: Gateway
  readonly listener: ListenerSettings
  readonly version: string
  readonly connectionId: number
  /** A resource that may be meant lets clients load files of theirs. */
  readonly localFiles: boolean
}

export const MOST_LOGIN_BYTES = 128 * 1024
const MOST_CLIENT_NAME = 200

/** 20 bytes, none of them zero. */
export function newNonce(): Uint8Array {
  return Uint8Array.from(randomBytes(20), byte => (byte % 127) + 1)
}

/** The steps of one login, in their order. */
export interface LoginSteps {
  readonly socket: Socket | TLSSocket
  /** The number of the next packet, of either side. */
  readonly sequence: number
  timeOut(): void
  run(): Promise<ClientLogin>
}

/**
 * Undefined when there is nobody to serve: a refusal (which was sent), a client that left. Never rejects for anything
 * that a client does.
 */
export async function attend(
  steps: LoginSteps,
  { limits }: Pick<Gateway, 'limits'>,
): Promise<ClientLogin | undefined> {
  const deadline = setTimeout(() => steps.timeOut(), limits.loginMs)
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

export function tooSlow(): ProtocolError {
  return new ProtocolError('protocol_violation', 'the login took too long')
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

export interface Proving extends Pick<Greeter, 'gateway' | 'listener'> {
  readonly packets: LoginPackets
  readonly nonce: Uint8Array
  readonly secured: boolean
  /** Where it comes from, and what it was called before. */
  readonly from: Origin
}

/** Throws AuthenticationFailed, InvalidRequest, ProtocolError, PeerLeft. What proved it is wiped. */
export async function prove(login: LoginPacket, proving: Proving): Promise<Proven> {
  const { listener, from, ...rest } = proving
  const { tunnel, allowPlaintext } = listener
  try {
    const target = targetOf(login, tunnel?.resource)
    const origin: Origin = { ...from, client: clientName(login) ?? from.client }
    const principal =
      tunnel?.principal ?? (await authenticate(login, target, { ...rest, origin, allowPlaintext }))
    return { principal, origin, resource: target.resource, database: target.database }
  } finally {
    login.proof.fill(0)
  }
}

export interface Target {
  /** Who the client says it is, without the resource behind an `@`. */
  readonly user: string
  readonly resource: string | undefined
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
    return { user, resource: tunnelled, database: undefined }
  }
  const slash = named.indexOf('/')
  const resource = slash === -1 ? named : named.slice(0, slash)
  if (tunnelled !== undefined && resource !== tunnelled)
    throw new InvalidRequest('resource_unknown', `this connection opens ${tunnelled} only`)
  return { user: asked, resource, database: slash === -1 ? undefined : named.slice(slash + 1) }
}

/** What it says of itself: shown, never decides. */
function clientName({ attributes }: LoginPacket): string | undefined {
  const name = attributes.get('program_name') ?? attributes.get('_client_name')
  return name?.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MOST_CLIENT_NAME)
}
