// Our login at the protected server: TLS, startup, proof, until it is ready for a query. The server is hostile
// too: every length is capped, each step comes once, the whole has a deadline, and what it says about us
// (names, hosts) does not reach the client.
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { ByteReader, typedFrames } from '#engines/wire'
import type { Gateway, OpeningSession } from '#gateway'
import { isGatewayError, UpstreamError } from '#model'
import { type DialAhead, dialTcp, LoginReader, PeerLeft } from '#transport'
import { B, cancelRequest, startup, terminate } from './messages.ts'
import type { PostgresSettings } from './settings.ts'
import { createUpstreamProof } from './upstream-proof.ts'
import { fieldsOf, upstreamRefusal } from './upstream-refusal.ts'
import { secureUpstream } from './upstream-tls.ts'

/** No message of a login is near this. */
const MAX_LOGIN_MESSAGE = 64 * 1024
const MAX_STATUSES = 256
const CANCEL_MS = 10_000

export interface UpstreamLogin {
  readonly socket: Socket | TLSSocket
  /** Bytes after ReadyForQuery that were read ahead: usually none. */
  readonly rest: Uint8Array
  /** What the server reports, in its order. */
  readonly parameterStatuses: ReadonlyMap<string, string>
  readonly pid: number
  /** Asks the server to cancel what this connection runs. Resolves when the server has taken it. Throws UpstreamError. */
  cancel(): Promise<void>
}

export interface LoginRequest {
  readonly database: string
  /** Settings that the client may choose, checked by startup-parameters.ts. */
  readonly settings: ReadonlyMap<string, string>
  readonly applicationName: string
}

/** What a login needs of a session. */
export type LoginAccess = Pick<
  OpeningSession<PostgresSettings>,
  'resource' | 'dial' | 'credential' | 'signal'
>

/**
 * `ahead`: takes a connection that stands already, and has the next one dialled. Throws UpstreamError; the socket is then
 * gone.
 */
export async function logIn(
  session: LoginAccess,
  request: LoginRequest,
  limits: Pick<Gateway['limits'], 'upstreamLoginMs'>,
  ahead?: DialAhead,
): Promise<UpstreamLogin> {
  const credential = await session.credential()
  const { upstream, connector } = session.resource
  const { host, port } = upstream
  const direct = connector === 'none' ? ahead : undefined
  let socket: Socket | TLSSocket | undefined
  let reader: LoginReader | undefined
  let expired = false
  const deadline = setTimeout(() => {
    expired = true
    reader?.fail(tooLate())
    socket?.destroy()
  }, limits.upstreamLoginMs)
  const over = async (plain: Socket): Promise<UpstreamLogin> => {
    socket = plain
    if (expired) throw tooLate()
    const leg = await secureUpstream(plain, upstream, credential.secrets, limits.upstreamLoginMs)
    socket = leg.socket
    reader = new LoginReader(leg.socket)
    leg.socket.write(startup(startupParameters(credential.user, request)))
    const proof = createUpstreamProof({
      user: credential.user,
      password: credential.secrets['password'],
      secured: leg.secured,
      binding: leg.binding,
      nonce: () => randomBytes(24).toString('base64'),
    })
    const ready = await untilReady(leg.socket, reader, proof)
    return {
      ...ready,
      socket: leg.socket,
      rest: reader.detach(),
      cancel: () => cancelUpstream(session, ready.pid, ready.key),
    }
  }
  try {
    const spare = direct?.take(host, port)
    const login =
      (spare && (await overSpare(spare, over, () => expired))) ??
      (await over(await session.dial(host, port)))
    direct?.loggedIn(host, port)
    return login
  } catch (error) {
    socket?.destroy()
    throw cleaned(error)
  } finally {
    clearTimeout(deadline)
    credential.release()
  }
}

/** Undefined: the server had closed it before it was used. */
async function overSpare(
  spare: Socket,
  over: (plain: Socket) => Promise<UpstreamLogin>,
  expired: () => boolean,
): Promise<UpstreamLogin | undefined> {
  try {
    return await over(spare)
  } catch (error) {
    // Safe to begin anew: it said nothing, so nobody has answered this login.
    if (spare.bytesRead > 0 || expired()) throw error
    spare.destroy()
    return undefined
  }
}

/** Made when it is thrown: the trace of an error costs as much as reading a message. */
function tooLate(): UpstreamError {
  return new UpstreamError(
    'upstream_unreachable',
    'the database did not complete the login in time',
  )
}

/** The order of a login: proof, then AuthenticationOk, then statuses and the key, then ReadyForQuery. */
async function untilReady(
  socket: Socket | TLSSocket,
  reader: LoginReader,
  proof: ReturnType<typeof createUpstreamProof>,
): Promise<{ pid: number; key: Uint8Array; parameterStatuses: Map<string, string> }> {
  const parameterStatuses = new Map<string, string>()
  let authenticated = false
  let pid = 0
  let key: Uint8Array = new Uint8Array(0)
  for (;;) {
    const frame = await reader.frame(typedFrames, MAX_LOGIN_MESSAGE)
    const body = new ByteReader(frame, 5)
    switch (frame[0]) {
      case B.errorResponse:
        throw upstreamRefusal(fieldsOf(body))
      case B.noticeResponse:
        break
      case B.authentication: {
        if (authenticated) throw malformed('a second proof')
        const answer = await proof.answer(body)
        if (answer === 'done') authenticated = true
        else if (answer !== undefined) socket.write(answer)
        break
      }
      case B.parameterStatus: {
        if (!authenticated) throw malformed('a setting before the login')
        parameterStatuses.set(body.cstring(), body.cstring())
        body.expectEnd()
        if (parameterStatuses.size > MAX_STATUSES) throw malformed('too many settings')
        break
      }
      case B.backendKeyData: {
        if (!authenticated || key.length > 0) throw malformed('a cancel key out of place')
        pid = body.int32()
        key = body.rest()
        if (key.length < 4 || key.length > 256) throw malformed('an impossible cancel key')
        break
      }
      case B.readyForQuery: {
        if (!authenticated) throw malformed('ready before the login')
        if (body.uint8() !== 0x49) throw malformed('a transaction that nobody began')
        body.expectEnd()
        expectLiteralRules(parameterStatuses)
        return { pid, key, parameterStatuses }
      }
      default:
        throw malformed('a message that has no place in a login')
    }
  }
}

/** What our reading of statements rests on. We asked for it; the server must say that it is so. */
function expectLiteralRules(statuses: ReadonlyMap<string, string>): void {
  const encoding = statuses.get('client_encoding')
  const literals = statuses.get('standard_conforming_strings')
  if (encoding !== 'UTF8' || literals !== 'on') {
    throw new UpstreamError(
      'upstream_refused',
      'the database does not keep client_encoding = UTF8 and standard_conforming_strings = on',
    )
  }
}

function startupParameters(user: string, request: LoginRequest): ReadonlyMap<string, string> {
  return new Map([
    ['user', user],
    ['database', request.database],
    ...request.settings,
    // Last, so that nothing before can stand in their place.
    ['application_name', request.applicationName],
    ['client_encoding', 'UTF8'],
    ['standard_conforming_strings', 'on'],
  ])
}

/**
 * `sallyport:PRINCIPAL:SESSION`, at most 63 bytes of ASCII (the server cuts there): the session's id whole, so that
 * a line of the server's log leads to the record; of the principal as much as fits.
 */
export function upstreamApplicationName(principal: string, session: string): string {
  const safe = (text: string) => text.replaceAll(/[^\x21-\x7e]/g, '?')
  const id = safe(session).slice(0, 40)
  const room = 63 - 'sallyport:'.length - 1 - id.length
  return `sallyport:${safe(principal).slice(0, room)}:${id}`
}

async function cancelUpstream(session: LoginAccess, pid: number, key: Uint8Array): Promise<void> {
  if (key.length === 0) return // the server gave none: it cannot be asked
  const credential = await session.credential()
  try {
    const plain = await dialForCancel(session)
    const { socket } = await secureUpstream(
      plain,
      session.resource.upstream,
      credential.secrets,
      CANCEL_MS,
    )
    await new Promise<void>(resolve => {
      // The server closes without an answer, whatever it did.
      const giveUp = setTimeout(() => socket.destroy(), CANCEL_MS)
      socket.on('error', () => {}) // `close` follows
      socket.once('close', () => {
        clearTimeout(giveUp)
        resolve()
      })
      socket.resume()
      socket.end(cancelRequest(pid, key))
    })
  } catch (error) {
    throw cleaned(error)
  } finally {
    credential.release()
  }
}

/**
 * A session that was ended dials no more, but what it runs must be stopped: a write would go on and commit. Without a
 * connector between, the way is a plain connection.
 */
function dialForCancel(session: LoginAccess): Promise<Socket> {
  const { upstream, connector } = session.resource
  const { host, port } = upstream
  return session.signal.aborted && connector === 'none'
    ? dialTcp(host, port, { timeoutMs: CANCEL_MS })
    : session.dial(host, port)
}

/** Ends a connection that is idle, as a client should. */
export function sayGoodbye(socket: Socket | TLSSocket): void {
  if (socket.destroyed) return
  socket.on('error', () => {}) // it may be gone already
  socket.resume()
  socket.end(terminate())
  const giveUp = setTimeout(() => socket.destroy(), 2_000)
  socket.once('close', () => clearTimeout(giveUp))
}

function malformed(what: string): UpstreamError {
  return new UpstreamError(
    'upstream_refused',
    `the database broke its protocol during login: ${what}`,
  )
}

function cleaned(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error
  if (error instanceof PeerLeft) {
    return new UpstreamError(
      'upstream_unreachable',
      'the database closed the connection during login',
      {
        cause: error,
      },
    )
  }
  if (
    isGatewayError(error) &&
    error.code !== 'protocol_violation' &&
    error.code !== 'message_too_large'
  ) {
    return new UpstreamError('upstream_unreachable', error.message, { cause: error })
  }
  return new UpstreamError('upstream_refused', 'the database broke its protocol during login', {
    cause: error,
  })
}
