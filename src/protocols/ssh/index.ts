// SSH: the room's door. `serve` is the whole life of a connection: greet, open, log in, serve channels.
import type { Socket } from 'node:net'
import {
  endingError,
  type Gateway,
  type ListenerSettings,
  type OpeningSession,
  type Protocol,
  type Session,
} from '#gateway'
import { type CloseReason, isGatewayError, type Statement, UpstreamError } from '#model'
import type { Backend } from './backend.ts'
import { hostCertificates } from './certificates/host-proof.ts'
import { keyProofs } from './certificates/key-proofs.ts'
import { SessionChannel } from './channel.ts'
import { connectHint, localUrl, toolArguments } from './connect-hint.ts'
import { type ClientLogin, greet } from './login.ts'
import { CERTIFICATE, type SshSettings, secretFields, sshSettings } from './settings.ts'
import { commandStatement, statementOfText } from './statement.ts'
import { Gate } from './tunnels/gate.ts'
import { serveInward } from './tunnels/inward.ts'
import { Lent } from './tunnels/lent.ts'
import { Listeners } from './tunnels/listeners.ts'
import { serveOutward } from './tunnels/outward.ts'
import { logIn, type UpstreamLogin } from './upstream.ts'

export type { SshSettings } from './settings.ts'

/** At once, on one connection (OpenSSH's own default is 10): each may hold its window of 2 MiB on either leg. */
const MOST_CHANNELS = 64
/** Each is on record: whoever asks for more tunnels than this is let go. */
const MOST_REFUSED = 1_000
/** From the last words to the end of a connection that does not end by itself. */
const LAST_WORDS_MS = 2_000

export function createSsh(): Protocol<SshSettings> {
  const hostCertificate = hostCertificates()

  async function serve(
    socket: Socket,
    listener: ListenerSettings,
    gateway: Gateway,
  ): Promise<void> {
    let serving: Promise<void> | undefined
    const certificate = hostCertificate({
      hostKey: gateway.hostKey(),
      authority: gateway.authorities().gateways,
      names: gateway.names(),
      now: Date.now(),
    })
    await greet(socket, { gateway, listener, certificate }, login => {
      serving = serveClient(login, socket, gateway)
    })
    await serving
  }

  /** Resolves when both legs are closed. */
  async function serveClient(login: ClientLogin, socket: Socket, gateway: Gateway): Promise<void> {
    const { connection } = login
    const channels = new Set<SessionChannel>()
    /** Called when the last channel has closed. */
    let idle: (() => void) | undefined
    const defect = Promise.withResolvers<never>()
    // One that comes when all is over anyway is of no use to anybody.
    defect.promise.catch(() => {})
    const left = new Promise<void>(resolve => {
      if (socket.destroyed) resolve()
      else socket.once('close', () => resolve())
    })
    let session: Session<SshSettings> | undefined
    let refusals = 0
    const lent = new Lent()
    let reason: CloseReason = 'failed'
    const backend = open()
    // Each channel is told, and the end of this function: never an unhandled rejection in between.
    backend.catch(() => {})
    connection.on('session', (accept, reject) => {
      if (channels.size + gate.count >= MOST_CHANNELS) return reject()
      const channel = new SessionChannel(accept(), backend, login.pressed, lent, defect.reject)
      channels.add(channel)
      void channel.done.then(() => {
        channels.delete(channel)
        if (channels.size === 0) idle?.()
      })
    })
    const gate = new Gate({
      connection,
      pressed: login.pressed,
      backend,
      hasRoom: () => channels.size + gate.count < MOST_CHANNELS,
      onRefused: () => {
        refusals += 1
        if (refusals > MOST_REFUSED) socket.destroy()
      },
      onDefect: defect.reject,
    })
    serveOutward(gate)
    serveInward(gate, new Listeners(gate), lent)

    async function open(): Promise<Backend> {
      const { principal, resource, origin } = login
      let coming: Promise<UpstreamLogin> | undefined
      // The host is logged in to while the opening is brought to the disk.
      const begin = (opening: OpeningSession<SshSettings>) => {
        coming = logIn(opening, login.login, gateway)
        coming.catch(() => {}) // awaited below, unless the session does not come to stand
      }
      try {
        session = await gateway.open(principal, protocol, resource, origin, begin)
      } catch (error) {
        // Not passed over: nobody will use the login that may still come to stand.
        coming?.then(
          ({ end }) => end(),
          () => {}, // it failed, so there is nothing to end
        )
        throw error
      }
      const upstream = await (coming ?? neverBegun())
      return { session, upstream, login: login.login ?? session.resource.credential.user ?? '' }
    }

    try {
      const { session, upstream } = await backend
      reason = await Promise.race([over(session, upstream), defect.promise])
      if (reason !== 'client_left') sayWhy(endingError(reason))
      upstream.end()
    } catch (error) {
      if (error instanceof UpstreamError) {
        reason = 'upstream_left'
        if (session !== undefined) gateway.upstreamFailed(session, error)
      }
      sayWhy(error)
      if (!isGatewayError(error)) throw error // a bug of ours: the caller logs it
    } finally {
      // A channel is where a client hears why: also one that it opens only now. Whoever does not listen is not waited for.
      if (reason !== 'client_left')
        await within(LAST_WORDS_MS, left, new Promise<void>(resolve => (idle = resolve)))
      for (const channel of channels) channel.gone()
      gate.end(reason)
      connection.end()
      await within(LAST_WORDS_MS, left)
      socket.destroy()
      await session?.close(reason)
    }

    /** Why it is over: who left first. */
    function over(open: Session<SshSettings>, upstream: UpstreamLogin): Promise<CloseReason> {
      return new Promise(resolve => {
        connection.once('error', (error: Error & { level?: string }) => {
          if (error.level === 'protocol') resolve('protocol_violation')
        })
        void left.then(() => resolve('client_left'))
        void upstream.gone.then(() => resolve('upstream_left'))
        const ended = () => resolve(open.signal.reason as CloseReason)
        if (open.signal.aborted) ended()
        open.signal.addEventListener('abort', ended, { once: true })
      })
    }

    function sayWhy(error: unknown): void {
      for (const channel of channels) channel.end(error)
    }
  }

  const protocol: Protocol<SshSettings> = {
    name: 'ssh',
    label: 'SSH',
    defaultPort: 12222,
    settings: sshSettings,
    secretFields,
    ownFields: [CERTIFICATE],
    recording: 'terminal',
    connectHint,
    tool: { command: ['ssh'], environment: () => ({}), arguments: toolArguments, url: localUrl },
    keyProofs,
    read: async text => read(text, ''),
    readAt: async (text, resource) => read(text, resource.credential.user ?? ''),
    serve,
  }
  return protocol
}

function read(text: string, login: string): Statement {
  return statementOfText(text, login) ?? commandStatement(text, login)
}

function neverBegun(): never {
  throw new Error('a session was opened without its beginning')
}

/** Resolves with the first of them, or when the time is over. */
async function within(ms: number, ...events: Promise<void>[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([...events, promise])
  clearTimeout(timer)
}
