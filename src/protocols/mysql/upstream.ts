// Our login at the protected server: TLS, login packet, proof; what pins.ts then makes of the session.
// The server is hostile too: every length is capped, each step comes once, the whole has a deadline, and what it says
// about us (names, hosts) does not reach the client.
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Gateway, OpeningSession } from '#gateway'
import { isGatewayError, type ResolvedSecrets, UpstreamError } from '#model'
import { dialTcp, PeerLeft } from '#transport'
import { flavourOf } from './greeting-version.ts'
import { LoginPackets } from './login-packets.ts'
import {
  type Greeting,
  readError,
  readGreeting,
  writeLoginPacket,
  writeSslRequest,
} from './messages.ts'
import { capability, command } from './numbers.ts'
import { packets } from './packets.ts'
import { type Pinned, pinSession } from './pins.ts'
import { QuestionRefused, Questions } from './questions.ts'
import type { MysqlSettings } from './settings.ts'
import { UpstreamProof } from './upstream-proof.ts'
import { malformed, upstreamRefusal } from './upstream-refusal.ts'
import { secureUpstream, textOf } from './upstream-tls.ts'

/** No message of a login is near this. */
const MOST_LOGIN_BYTES = 64 * 1024
const MOST_STEPS = 16
const CANCEL_MS = 10_000

export interface UpstreamLogin extends Pinned {
  readonly socket: Socket | TLSSocket
  /** Bytes that were read ahead: none, unless the server speaks unasked. */
  readonly rest: Uint8Array
  readonly connectionId: number
  /** As it says itself. */
  readonly greeting: string
  readonly flavour: 'mysql' | 'mariadb'
  /** 80042, 101119. */
  readonly version: number
  /** Those that both have. */
  readonly capabilities: number
  /** Asks the server to stop what this connection runs. Resolves when it has taken it. Throws UpstreamError. */
  cancel(): Promise<void>
}

export interface LoginRequest {
  readonly database: string | undefined
  readonly programName: string
  /** What the client may do that the server must allow: several statements, found rows, files of its own where the resource has them. */
  readonly capabilities: number
}

/** What a login needs of a session. */
export type LoginAccess = Pick<
  OpeningSession<MysqlSettings>,
  'resource' | 'dial' | 'credential' | 'signal'
>

/** Without these a session cannot be watched, or its password kept. */
const NEEDED =
  capability.protocol41 |
  capability.secureConnection |
  capability.pluginAuth |
  capability.sessionTrack |
  capability.deprecateEof
const OURS =
  NEEDED |
  capability.longPassword |
  capability.longFlag |
  capability.transactions |
  capability.multiResults |
  capability.psMultiResults |
  capability.connectAttributes |
  capability.lenencAuthData
const MIRRORED =
  capability.multiStatements | capability.foundRows | capability.interactive | capability.localFiles

/** Throws UpstreamError; the socket is then gone. */
export async function logIn(
  session: LoginAccess,
  request: LoginRequest,
  limits: Pick<Gateway['limits'], 'upstreamLoginMs'>,
): Promise<UpstreamLogin> {
  const { upstreamLoginMs } = limits
  return opened(session, request, upstreamLoginMs, async ({ socket, greeting, capabilities }) => {
    const questions = new Questions(socket)
    const pinned = await pinSession(questions)
    return {
      ...pinned,
      ...flavourOf(greeting.version),
      socket,
      rest: questions.detach(),
      connectionId: greeting.connectionId,
      greeting: greeting.version,
      capabilities,
      cancel: () => cancel(session, greeting.connectionId),
    }
  })
}

/** Ends a connection that is idle, as a client should. */
export function sayGoodbye(socket: Socket | TLSSocket): void {
  if (socket.destroyed) return
  socket.on('error', () => {}) // it may be gone already
  socket.resume()
  socket.end(packets(Uint8Array.of(command.quit), 0))
  const giveUp = setTimeout(() => socket.destroy(), 2_000)
  socket.once('close', () => clearTimeout(giveUp))
}

/** `sallyport:PRINCIPAL:SESSION`: a line of the server's process list leads to the record. */
export function programName(principal: string, session: string): string {
  const safe = (text: string) => text.replaceAll(/[^\x21-\x7e]/g, '?')
  return `sallyport:${safe(principal).slice(0, 200)}:${safe(session).slice(0, 40)}`
}

interface Opened {
  readonly socket: Socket | TLSSocket
  readonly greeting: Greeting
  readonly capabilities: number
}

/** Logs in and does `work`, all within the deadline. */
async function opened<T>(
  session: LoginAccess,
  request: LoginRequest,
  timeoutMs: number,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const credential = await session.credential()
  let socket: Socket | TLSSocket | undefined
  let expired = false
  const deadline = setTimeout(() => {
    expired = true
    socket?.destroy(tooLate())
  }, timeoutMs)
  try {
    const { host, port } = session.resource.upstream
    socket = await dial(session, host, port)
    // What follows an error is `close`, which whoever reads sees.
    socket.on('error', () => {})
    if (expired) throw tooLate()
    const { upstream } = session.resource
    const greeted = await greetedBy(
      socket as Socket,
      upstream,
      credential.secrets,
      request,
      timeoutMs,
    )
    socket = greeted.socket
    socket.on('error', () => {})
    const proof = new UpstreamProof(
      {
        password: credential.secrets['password'],
        secured: upstream.tls !== 'disable',
        serverKey: await textOf(upstream.serverKey),
      },
      greeted.greeting.plugin,
      greeted.greeting.nonce,
    )
    await prove(greeted, proof, credential.user, request)
    if (expired) throw tooLate()
    return await work(greeted)
  } catch (error) {
    socket?.destroy()
    throw expired ? tooLate() : cleaned(error)
  } finally {
    clearTimeout(deadline)
    credential.release()
  }
}

interface Greeted extends Opened {
  readonly packets: LoginPackets
}

async function greetedBy(
  plain: Socket,
  upstream: MysqlSettings,
  secrets: ResolvedSecrets,
  request: LoginRequest,
  timeoutMs: number,
): Promise<Greeted> {
  const reader = new LoginPackets(plain)
  const first = await reader.next(MOST_LOGIN_BYTES)
  if (first[0] === 0xff) throw refusal(first)
  const greeting = readGreeting(first)
  if ((greeting.capabilities & NEEDED) !== NEEDED)
    throw new UpstreamError(
      'upstream_refused',
      'the database is older than MySQL 5.7 or MariaDB 10.2: it cannot tell what changes in its session',
    )
  const capabilities =
    ((OURS | (request.capabilities & MIRRORED)) & greeting.capabilities) |
    (request.database === undefined ? 0 : capability.connectWithDb)
  if (upstream.tls === 'disable') return { socket: plain, greeting, packets: reader, capabilities }
  if ((greeting.capabilities & capability.ssl) === 0 || reader.buffered > 0) {
    plain.destroy()
    throw new UpstreamError(
      'upstream_refused',
      reader.buffered > 0
        ? 'the database sent data ahead of the TLS handshake'
        : 'the database does not speak TLS, and the resource demands it',
    )
  }
  const secured = capabilities | capability.ssl
  reader.send(writeSslRequest(secured))
  const { sequence } = reader
  reader.detach()
  const socket = await secureUpstream(plain, upstream, secrets, timeoutMs)
  return {
    socket,
    greeting,
    packets: new LoginPackets(socket, sequence),
    capabilities: secured,
  }
}

async function prove(
  { packets: talk, capabilities }: Greeted,
  proof: UpstreamProof,
  user: string,
  request: LoginRequest,
): Promise<void> {
  talk.send(
    writeLoginPacket({
      capabilities,
      user,
      proof: proof.first(),
      database: request.database,
      plugin: proof.plugin,
      attributes: new Map([
        ['program_name', request.programName],
        ['_client_name', 'sallyport'],
      ]),
    }),
  )
  for (let step = 0; step < MOST_STEPS; step++) {
    const payload = await talk.next(MOST_LOGIN_BYTES)
    const body = payload.subarray(1)
    if (payload[0] === 0x00) {
      if (talk.detach().length > 0) throw malformed('a message that nobody asked for')
      return
    }
    if (payload[0] === 0xff) throw refusal(payload)
    const answer =
      payload[0] === 0xfe ? proof.change(body) : payload[0] === 0x01 ? proof.more(body) : null
    if (answer === null) throw malformed('a message that has no place in a login')
    if (answer !== undefined) talk.send(answer)
  }
  throw malformed('a login without an end')
}

async function cancel(session: LoginAccess, connectionId: number): Promise<void> {
  const request = { database: undefined, programName: 'sallyport:cancel', capabilities: 0 }
  await opened(session, request, CANCEL_MS, async ({ socket }) => {
    try {
      await new Questions(socket).ask(`KILL QUERY ${connectionId}`)
    } catch (error) {
      // Safe: it was over by then (no such thread, nothing runs).
      if (!(error instanceof QuestionRefused)) throw error
    }
    sayGoodbye(socket)
  })
}

/**
 * A session that was ended dials no more, but what it runs must be stopped: a write would go on and commit. Without a
 * connector between, the way is a plain connection.
 */
function dial(session: LoginAccess, host: string, port: number): Promise<Socket> {
  return session.signal.aborted && session.resource.connector === 'none'
    ? dialTcp(host, port, { timeoutMs: CANCEL_MS })
    : session.dial(host, port)
}

function refusal(payload: Uint8Array): UpstreamError {
  const error = readError(payload, 0, payload.length)
  return error === undefined ? malformed('a malformed error') : upstreamRefusal(error)
}

/** Made when it is thrown: the trace of an error costs as much as reading a message. */
function tooLate(): UpstreamError {
  return new UpstreamError(
    'upstream_unreachable',
    'the database did not complete the login in time',
  )
}

function cleaned(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error
  if (error instanceof PeerLeft)
    return new UpstreamError(
      'upstream_unreachable',
      'the database closed the connection during login',
      { cause: error },
    )
  if (
    isGatewayError(error) &&
    error.code !== 'protocol_violation' &&
    error.code !== 'message_too_large'
  )
    return new UpstreamError('upstream_unreachable', error.message, { cause: error })
  return new UpstreamError('upstream_refused', 'the database broke its protocol during login', {
    cause: error,
  })
}
