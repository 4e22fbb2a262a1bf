// One session channel of a client: the start as a statement, and the two legs joined once that is permitted. Nothing flows
// before; what the client sends early waits in the channel's own window.
import type { ClientChannel, ServerChannel, Session as Ssh2Session } from 'ssh2'
import type { Permit, Session, Waiting } from '#gateway'
import { InvalidRequest, isGatewayError, type Statement, UpstreamError } from '#model'
import type { Backend } from './backend.ts'
import { type Exit, exitOf, finish, LOST, NOT_RUN, outcomeOnce, SIGNAL } from './channel-end.ts'
import { ChannelWishes } from './channel-wishes.ts'
import { denial, notice, REFUSED } from './denial.ts'
import type { Pressed } from './guard.ts'
import { joinLegs } from './legs.ts'
import { type Start, startSession, type Terminal, tell } from './session-start.ts'
import type { SshSettings } from './settings.ts'
import { serveFiles } from './sftp/serve-files.ts'
import { filesStatement } from './sftp/statement.ts'
import { commandStatement, shellStatement, statementOfText } from './statement.ts'
import type { Lending, Lent } from './tunnels/lent.ts'
import type { UpstreamLogin } from './upstream.ts'

/** Signals for what has not started yet. */
const MOST_EARLY = 8

/** Serves the channel until it closes. `backend` may still be on its way, or fail. */
export class SessionChannel {
  /** Resolves when the channel is over, on either leg. */
  readonly done: Promise<void>
  /** The client has closed the channel, or its connection is gone. */
  readonly gone: () => void
  readonly #backend: Promise<Backend>
  readonly #pressed: Pressed
  readonly #onDefect: (error: unknown) => void
  readonly #left = new AbortController()
  readonly #wishes: ChannelWishes
  readonly #lent: Lent
  #upstream: ClientChannel | undefined
  #tell: ((say: Parameters<typeof tell>[2]) => void) | undefined
  /** Signals for what the host has not said to have started yet: they come after its start, as they were sent. */
  readonly #early: string[] = []
  #stream: ServerChannel | undefined
  #running: Promise<void> = Promise.resolve()
  #permit: Permit | undefined
  #exit: Exit = { code: null, signal: undefined }
  #session: Session<SshSettings> | undefined

  /** `onDefect`: a bug of ours broke the channel. */
  constructor(
    client: Ssh2Session,
    backend: Promise<Backend>,
    pressed: Pressed,
    lent: Lent,
    onDefect: (error: unknown) => void,
  ) {
    this.#backend = backend
    this.#lent = lent
    this.#pressed = pressed
    this.#onDefect = onDefect
    const { promise, resolve } = Promise.withResolvers<void>()
    this.done = promise
    this.gone = () => {
      this.#left.abort()
      this.#wishes.end()
      void this.#running.then(resolve)
    }
    client.once('close', this.gone)
    this.#wishes = new ChannelWishes(client, size => this.#passSize(size))
    client.on('signal', (accept, reject, { name }) => {
      if (this.#stream === undefined || !SIGNAL.test(`SIG${name}`)) return void reject?.()
      if (this.#tell !== undefined) this.#tell((host, id) => host.signal(id, name))
      else if (this.#early.length < MOST_EARLY) this.#early.push(name)
      accept?.()
    })
    client.on('shell', accept => this.#start(accept(), { kind: 'shell' }))
    client.on('exec', (accept, _reject, { command }) =>
      this.#start(accept(), { kind: 'command', command }),
    )
    client.on('subsystem', (accept, _reject, { name }) =>
      this.#start(accept(), { kind: 'subsystem', name }),
    )
  }

  /** The session ended: says why, as far as the client still listens. */
  end(error: unknown): void {
    this.#left.abort()
    this.#upstream?.close()
    this.#refuse(error)
  }

  /** The library gives no stream for a channel that is ending, or has one already. */
  #start(stream: ServerChannel | undefined, start: Start): void {
    if (stream === undefined || this.#stream !== undefined) return
    this.#stream = stream
    this.#wishes.started()
    // A client may go at any time; what follows is `close`.
    stream.on('error', () => {})
    stream.stderr.on('error', () => {})
    stream.once('close', this.gone)
    this.#running = this.#run(stream, start).catch(error => {
      this.#refuse(error)
      if (!isGatewayError(error)) this.#onDefect(error)
    })
  }

  async #run(stream: ServerChannel, start: Start): Promise<void> {
    const backend = await this.#backend
    const { session, login } = backend
    this.#session = session
    if (start.kind === 'subsystem' && start.name !== 'sftp') {
      const refused = new InvalidRequest(
        'message_unsupported',
        `the subsystem "${start.name.slice(0, 64)}" is not served by this version`,
      )
      session.refused(`subsystem ${start.name}`, refused)
      throw refused
    }
    const statement = statementOf(start, login)
    const lending = await this.#lend(start, stream, backend)
    try {
      await this.#serve(start, stream, statement, lending, backend)
    } finally {
      lending.end()
    }
  }

  async #serve(
    start: Start,
    stream: ServerChannel,
    statement: Statement,
    lending: Lending,
    backend: Backend,
  ): Promise<void> {
    const { session, upstream } = backend
    const permit = await session.authorize(statement, this.#waiting(stream))
    const unheard = AbortSignal.any([this.#left.signal, session.signal])
    if (unheard.aborted) return session.complete(permit, NOT_RUN)
    this.#permit = permit
    const tell = outcomeOnce(session, permit)
    const lost = () => tell(LOST)
    unheard.addEventListener('abort', lost, { once: true })
    let opened: ClientChannel
    try {
      opened = await this.#open(upstream, start, lending)
    } catch (cause) {
      // Permitted, and still it did not run: that is what goes on record.
      tell(NOT_RUN)
      throw new UpstreamError('upstream_refused', 'the host did not start it', { cause })
    } finally {
      unheard.removeEventListener('abort', lost)
    }
    this.#upstream = opened
    const running = {
      session,
      permit,
      client: stream,
      host: opened,
      pressed: this.#pressed,
      hostPressed: upstream.pressed,
      exit: this.#exit,
      tell,
      unheard,
    }
    if (start.kind === 'subsystem') return serveFiles(running, backend.login, this.#waiting(stream))
    this.#noteSize()
    await joinLegs(running, this.#wishes.terminal !== undefined)
  }

  /** What the client offers besides: files need nothing of it. */
  async #lend(start: Start, stream: ServerChannel, backend: Backend): Promise<Lending> {
    const { wanted, terminal } = this.#wishes
    const asked = start.kind === 'subsystem' ? { agent: false, display: undefined } : wanted
    return this.#lent.lend(asked, backend, this.#waiting(stream), error => {
      stream.stderr.write(denial(error, terminal !== undefined))
    })
  }

  #open(
    { client, startMs }: UpstreamLogin,
    start: Start,
    { agent, display }: Lending,
  ): Promise<ClientChannel> {
    const { environment, terminal } = this.#wishes
    const surroundings =
      start.kind === 'subsystem'
        ? { env: {}, terminal: undefined, agent, display }
        : { env: environment, terminal, agent, display }
    return new Promise((resolve, reject) => {
      let gaveUp = false
      const late = setTimeout(() => {
        gaveUp = true
        reject(new Error('the host did not answer in time'))
      }, startMs)
      const opened = (error: Error | undefined, channel?: ClientChannel) => {
        clearTimeout(late)
        if (channel === undefined) return reject(error)
        for (const each of [channel, channel.stderr]) each.on('error', () => {})
        // In this very turn: its exit may have come in the same packet as its start.
        this.#exit = exitOf(channel)
        this.#tell = say => tell(client, channel, say)
        for (const name of this.#early.splice(0)) this.#tell((host, id) => host.signal(id, name))
        // Nobody waits for it any more.
        if (gaveUp) channel.close()
        resolve(channel)
      }
      startSession(client, start, surroundings, opened)
    })
  }

  #waiting(stream: ServerChannel): Waiting {
    return {
      notify: message =>
        void stream.stderr.write(notice(message, this.#wishes.terminal !== undefined)),
      signal: this.#left.signal,
    }
  }

  #passSize({ rows, cols, height, width }: Terminal): void {
    this.#tell?.((host, id) => host.windowChange(id, rows, cols, height, width))
    this.#noteSize()
  }

  #noteSize(): void {
    const { size } = this.#wishes
    if (size !== undefined && this.#permit !== undefined)
      this.#session?.recordSize(this.#permit, size)
  }

  #refuse(error: unknown): void {
    const stream = this.#stream
    if (stream === undefined) return
    if (stream.stderr.writable)
      stream.stderr.write(denial(error, this.#wishes.terminal !== undefined))
    finish(stream, { code: REFUSED, signal: undefined })
  }
}

function statementOf(start: Start, login: string): Statement {
  if (start.kind === 'shell') return shellStatement(login)
  if (start.kind === 'subsystem') return filesStatement(login)
  // What our own texts say is asked in other ways: no command is taken for it on record or by a yes.
  if (statementOfText(start.command, login) !== undefined) {
    throw new InvalidRequest('statement_unsupported', 'a command may not begin so')
  }
  return commandStatement(start.command, login)
}
