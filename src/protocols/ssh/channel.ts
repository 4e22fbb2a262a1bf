// One session channel of a client: what it asks before it starts, the start as a statement, and the two legs joined
// once that is permitted. Nothing flows before; what the client sends early waits in the channel's own window.
import type { ClientChannel, ServerChannel, Session as Ssh2Session, WindowChangeInfo } from 'ssh2'
import { type Outcome, type Permit, type Session, standOn, type Waiting } from '#gateway'
import {
  AccessDenied,
  InvalidRequest,
  isGatewayError,
  ProtocolError,
  type Statement,
  UpstreamError,
} from '#model'
import { Allowance } from './allowance.ts'
import {
  closed,
  codeOf,
  type Exit,
  exitOf,
  finish,
  LOST,
  NOT_RUN,
  outcomeOnce,
  SIGNAL,
  settled,
} from './channel-end.ts'
import { denial, notice, REFUSED } from './denial.ts'
import type { Pressed } from './guard.ts'
import { passInput } from './input.ts'
import { Output } from './output.ts'
import { type Start, startSession, type Terminal, tell } from './session-start.ts'
import type { SshSettings } from './settings.ts'
import { FileChannel } from './sftp/file-channel.ts'
import { FILES, filesStatement } from './sftp/statement.ts'
import { commandStatement, shellStatement, statementOfText } from './statement.ts'
import { type Lending, type Lent, readDisplay, type Wanted } from './tunnels/lent.ts'
import type { UpstreamLogin } from './upstream.ts'

/** Variables that decide what is shown, and nothing of what runs. */
const ENVIRONMENT = /^(?:LANG|LC_[A-Z]+|TERM|COLORTERM|NO_COLOR)$/
const MOST_VARIABLES = 32
const MOST_EARLY = 8
const LONGEST_VALUE = 256
/** A terminal's side, as records and screens can hold it. */
const LARGEST_SIDE = 1_000
/** Between two changes of a terminal's size that are passed on: the last one counts. */
const RESIZE_MS = 50
/** Names of terminals, as they stand in the records. */
const TERMINAL = /^[\w.+-]{1,64}$/
export interface Backend {
  readonly session: Session<SshSettings>
  readonly upstream: UpstreamLogin
  readonly login: string
}

/** Serves the channel until it closes. `backend` may still be on its way, or fail. */
export class SessionChannel {
  /** Resolves when the channel is over, on either leg. */
  readonly done: Promise<void>
  /** The client has closed the channel, or its connection is gone. */
  readonly gone: () => void
  readonly #backend: Promise<Backend>
  readonly #pressed: Pressed
  readonly #onDefect: (error: unknown) => void
  #resize: NodeJS.Timeout | undefined
  readonly #left = new AbortController()
  readonly #environment: Record<string, string> = {}
  #terminal: Terminal | undefined
  readonly #lent: Lent
  readonly #wanted: Wanted = { agent: false, display: undefined }
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
      clearTimeout(this.#resize)
      void this.#running.then(resolve)
    }
    client.once('close', this.gone)
    client.on('env', (accept, reject, { key, val }) => {
      const wanted =
        ENVIRONMENT.test(key) &&
        val.length <= LONGEST_VALUE &&
        Object.keys(this.#environment).length < MOST_VARIABLES
      if (wanted) this.#environment[key] = val
      // Most clients want no answer: then there is nothing to call.
      if (wanted) accept?.()
      else reject?.()
    })
    client.on('pty', (accept, _reject, terminal) => {
      // What runs has its terminal, or none.
      if (this.#stream !== undefined) return
      this.#terminal = { ...(terminal as unknown as Terminal), ...sized(terminal) }
      accept?.()
    })
    client.on('window-change', (accept, _reject, size) => {
      if (this.#terminal !== undefined) this.#terminal = { ...this.#terminal, ...sized(size) }
      this.#resize ??= setTimeout(() => this.#passSize(), RESIZE_MS)
      accept?.()
    })
    client.on('auth-agent', accept => {
      this.#wanted.agent = this.#stream === undefined
      accept?.()
    })
    client.on('x11', (accept, reject, asked) => {
      const display = this.#stream === undefined ? readDisplay(asked) : undefined
      this.#wanted.display = display
      if (display === undefined) reject?.()
      else accept?.()
    })
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
    const running = { session, permit, tell, unheard }
    if (start.kind === 'subsystem') await this.#serveFiles(stream, opened, running, backend)
    else await this.#join(stream, opened, running, upstream.pressed)
  }

  /** What the client offers besides: files need nothing of it. */
  async #lend(start: Start, stream: ServerChannel, backend: Backend): Promise<Lending> {
    const wanted = start.kind === 'subsystem' ? { agent: false, display: undefined } : this.#wanted
    const terminal = this.#terminal !== undefined
    return this.#lent.lend(wanted, backend, this.#waiting(stream), error => {
      stream.stderr.write(denial(error, terminal))
    })
  }

  #open(
    { client, startMs }: UpstreamLogin,
    start: Start,
    { agent, display }: Lending,
  ): Promise<ClientChannel> {
    const env = start.kind === 'subsystem' ? {} : this.#environment
    const terminal = start.kind === 'subsystem' ? undefined : this.#terminal
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
      startSession(client, start, { env, terminal, agent, display }, opened)
    })
  }

  /** Resolves when the host's channel is over and all of it is on its way to the client. */
  async #join(
    stream: ServerChannel,
    upstream: ClientChannel,
    { session, permit, tell, unheard }: Running,
    hostPressed: Pressed,
  ): Promise<void> {
    this.#upstream = upstream
    this.#noteSize()
    const tooMuch = new AbortController()
    // What is let through goes out first.
    const allowance = new Allowance(permit.limit, () => queueMicrotask(() => tooMuch.abort()))
    const standing = standOn(session, permit, renewed => {
      for (const output of outputs) output.follow(renewed)
    })
    const ending = AbortSignal.any([unheard, standing.signal, tooMuch.signal])
    const way = { session, permit, pressed: this.#pressed, ending, allowance }
    const { recording } = session.resource
    // What a terminal showed is the record of it, whole; of a command's output, as much as the resource says.
    const keep = () =>
      recording.keep !== 'answers'
        ? 0
        : this.#terminal === undefined
          ? recording.answerBytes
          : Infinity
    const outputs = [
      new Output({ ...way, stream: 'output', source: upstream, sink: stream, keep }),
      new Output({
        ...way,
        stream: 'error',
        source: upstream.stderr,
        sink: stream.stderr,
        keep,
      }),
    ]
    const exit = this.#exit
    // Without a terminal nothing is shown back, and it is none of what was typed.
    const typed = this.#terminal !== undefined
    passInput(stream, upstream, hostPressed, chunk => {
      if (typed && !ending.aborted) session.recordInput(permit, chunk)
    })
    const over = Promise.all([closed(upstream), closed(upstream.stderr)])
    const refusal = (): unknown => allowance.refusal ?? standing.signal.reason
    await settled(over, upstream, ending, () => {
      standing.drop()
      for (const output of outputs) output.end()
      const why = refusal()
      const done = why === undefined && exit.code === 0
      tell({
        status: unheard.aborted ? 'cancelled' : done ? 'completed' : 'failed',
        ...(done ? {} : { errorCode: isGatewayError(why) ? why.code : codeOf(exit) }),
        rows: 0,
        bytes: outputs.reduce((sum, { sent }) => sum + sent, 0),
      })
    })
    // Why a session ended is said by whoever ends its channels.
    if (session.signal.aborted) return
    const why = refusal()
    if (why !== undefined) throw why
    finish(stream, exit)
  }

  /** Resolves when the host's channel is over; throws what ended it. */
  async #serveFiles(
    stream: ServerChannel,
    upstream: ClientChannel,
    { session, permit, tell, unheard }: Running,
    { login, upstream: { pressed: hostPressed } }: Backend,
  ): Promise<void> {
    this.#upstream = upstream
    const over = closed(upstream)
    const exit = this.#exit
    const broken: unknown[] = []
    const fell = Promise.withResolvers<void>()
    const files = new FileChannel({
      session,
      client: stream,
      pressed: this.#pressed,
      hostPressed,
      upstream,
      login,
      mostBytes: permit.limit.bytes ?? Infinity,
      waiting: this.#waiting(stream),
      onBroken: error => {
        broken.push(error)
        upstream.close()
        // Whoever broke it may never close it.
        fell.resolve()
      },
    })
    // What is read and written through open files is asked for at each piece; here, whether there are files at all.
    const standing = standOn(session, permit, () => {})
    const ending = AbortSignal.any([unheard, standing.signal])
    const problem = (): unknown => broken[0] ?? standing.signal.reason
    await settled(Promise.race([over, fell.promise]), upstream, ending, () => {
      standing.drop()
      files.end()
      const done = exit.code === 0 && problem() === undefined
      tell({
        status: unheard.aborted ? 'cancelled' : done ? 'completed' : 'failed',
        ...(done ? {} : { errorCode: codeOf(exit) }),
        rows: 0,
        bytes: files.sent,
      })
    })
    if (session.signal.aborted) return
    const error = problem()
    if (error === undefined) return finish(stream, exit)
    if (error instanceof ProtocolError || error instanceof AccessDenied)
      session.refused(FILES, error)
    throw error
  }

  #waiting(stream: ServerChannel): Waiting {
    return {
      notify: message => void stream.stderr.write(notice(message, this.#terminal !== undefined)),
      signal: this.#left.signal,
    }
  }

  #passSize(): void {
    this.#resize = undefined
    if (this.#terminal === undefined) return
    const { rows, cols, height, width } = this.#terminal
    this.#tell?.((host, id) => host.windowChange(id, rows, cols, height, width))
    this.#noteSize()
  }

  #noteSize(): void {
    if (this.#terminal === undefined || this.#permit === undefined) return
    const { cols, rows, term } = this.#terminal
    const type = TERMINAL.test(term) ? term : undefined
    this.#session?.recordSize(this.#permit, { columns: cols, rows, type })
  }

  #refuse(error: unknown): void {
    const stream = this.#stream
    if (stream === undefined) return
    if (stream.stderr.writable) stream.stderr.write(denial(error, this.#terminal !== undefined))
    finish(stream, { code: REFUSED, signal: undefined })
  }
}

function sized({ rows, cols, height, width }: WindowChangeInfo): WindowChangeInfo {
  return {
    rows: Math.min(rows, LARGEST_SIDE),
    cols: Math.min(cols, LARGEST_SIDE),
    height: Math.min(height, 65_535),
    width: Math.min(width, 65_535),
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

/** What runs under a permit; `unheard`: the client has left, or the session is over. */
interface Running {
  readonly session: Session<SshSettings>
  readonly permit: Permit
  readonly tell: (outcome: Outcome) => void
  readonly unheard: AbortSignal
}
