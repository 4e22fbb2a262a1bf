// One file channel, both legs: every operation on a path is a statement, judged where the path leads; what follows on
// an open file rides on the permit of its OPEN. Packets are taken one after another: what waits holds up the rest,
// which stays in the channel's window.
import type { ClientChannel, ServerChannel } from 'ssh2'
import type { Permit, Session, Waiting } from '#gateway'
import { InvalidRequest, isGatewayError, ProtocolError } from '#model'
import type { Pressed } from '../guard.ts'
import { Client } from './client.ts'
import { Host, HostStatus, statusName, statusOf } from './host.ts'
import { checkPath } from './names.ts'
import { OpenFiles } from './open-files.ts'
import { PacketCutter } from './packet-cutter.ts'
import { readPath } from './paths.ts'
import { EXTENSIONS, type FileRequest, type PathRequest, readRequest } from './requests.ts'
import { type Resolved, Resolver } from './resolve.ts'
import { FILES, fileStatement } from './statement.ts'
import { ANSWER, Fields, malformed, packet, REQUEST, STATUS, setId, string } from './wire.ts'

/** Requests that wait for the host: beyond, the client is not read. OpenSSH's clients have 64. */
const MOST_OUTSTANDING = 1_024
/** Requests that no client of good faith sends: as many are answered, then the channel ends. */
const MOST_REFUSED = 100
/** The draft's own limit. */
const LONGEST_HANDLE = 256

export interface FileChannelParts {
  readonly session: Session
  readonly client: ServerChannel
  /** Whether either end does not take what it is sent. */
  readonly pressed: Pressed
  readonly hostPressed: Pressed
  readonly upstream: ClientChannel
  /** The most bytes of answers that the channel may have. */
  readonly mostBytes: number
  /** The upstream login, part of what a statement means. */
  readonly login: string
  /** The host makes links as OpenSSH does (`readsTargetFirst`). */
  readonly targetFirst: boolean
  readonly waiting: Waiting
  /** Something broke: the channel is to end, with these words. */
  readonly onBroken: (error: unknown) => void
}

export class FileChannel {
  readonly #parts: FileChannelParts
  readonly #host: Host
  readonly #client: Client
  readonly #cutter = new PacketCutter()
  readonly #files: OpenFiles
  /** Permitted, and not answered by the host. */
  readonly #running = new Set<Permit>()
  #resolver: Resolver | undefined
  #home = '/'
  #extensions: ReadonlyMap<string, string> = new Map()
  #refused = 0
  #over = false
  /** Something is being judged, or there is no room: what comes must wait. */
  #waits = false
  #roomFor: (() => void) | undefined

  constructor(parts: FileChannelParts) {
    this.#parts = parts
    const { client, upstream } = parts
    this.#host = new Host(upstream, parts.hostPressed, () => this.#turn(), this.#fail)
    this.#client = new Client(client, parts.pressed, parts.mostBytes, slow =>
      slow ? this.#host.pause() : this.#host.resume(),
    )
    this.#files = new OpenFiles({ ...parts, host: this.#host, answers: this.#client })
    // What it logs is for its operators.
    upstream.stderr.resume()
    client.on('data', (chunk: Buffer) => this.#take(chunk))
    client.once('end', () => upstream.end())
  }

  /** Bytes of answers. */
  get sent(): number {
    return this.#client.sent
  }

  /** The channel is over: what was under way goes on record as it is. */
  end(): void {
    if (this.#over) return
    this.#over = true
    this.#host.close()
    this.#roomFor?.()
    const { session } = this.#parts
    this.#files.end()
    for (const permit of this.#running) session.complete(permit, { ...NO_ANSWER, bytes: 0 })
    this.#running.clear()
    session.catchUp()
  }

  #take(chunk: Buffer): void {
    const { client } = this.#parts
    if (this.#over) return
    try {
      this.#cutter.push(chunk)
      if (this.#waits) return
      const wait = this.#work()
      if (wait === undefined) return
      this.#waits = true
      client.pause()
      wait.then(() => {
        this.#waits = false
        client.resume()
      }, this.#fail)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Nothing that comes after it is looked at. */
  readonly #fail = (error: unknown): void => {
    if (this.#over) return
    this.end()
    this.#parts.onBroken(error)
  }

  /** A promise when something must be waited for; all that came is dealt with when it resolves. */
  #work(): Promise<void> | undefined {
    for (let next = this.#cutter.next(); next !== undefined; next = this.#cutter.next()) {
      const wait = this.#request(next) ?? this.#room()
      if (wait !== undefined) return wait.then(() => (this.#over ? undefined : this.#work()))
    }
    this.#parts.session.catchUp()
    return undefined
  }

  #request(bytes: Buffer): Promise<void> | undefined {
    if (this.#resolver === undefined) return this.#greet(bytes)
    let request: FileRequest
    try {
      request = readRequest(bytes)
    } catch (error) {
      if (!(error instanceof InvalidRequest)) throw error
      this.#cannot(new Fields(bytes, 5).uint32(), `type ${bytes[4]}`, error)
      return undefined
    }
    const { id } = request
    switch (request.kind) {
      case 'handle':
        try {
          return this.#files.ask(request)
        } catch (error) {
          if (!(error instanceof InvalidRequest)) throw error
          this.#cannot(id, request.verb, error)
          return undefined
        }
      case 'path': {
        const [asked] = request.paths
        // Where relative paths begin is said to whoever may start at all.
        if (request.verb === 'REALPATH' && (asked?.path === '.' || asked?.path === '')) {
          this.#client.name(id, this.#home)
          return undefined
        }
        return this.#onPath(request)
      }
      case 'limits':
        if (!this.#extensions.has('limits@openssh.com')) break
        return this.#limits(id)
      case 'expand': {
        const path = expanded(request.path, this.#home)
        if (path === undefined) break
        const real = packet(REQUEST.realpath, string(path))
        return this.#request(setId(real, id))
      }
    }
    const error = new InvalidRequest('message_unsupported', 'this file operation is not served')
    this.#cannot(id, 'operation', error, STATUS.unsupported)
    return undefined
  }

  /** The client's version; the host's; and where we are. */
  async #greet(bytes: Buffer): Promise<void> {
    if (bytes[4] !== REQUEST.init || new Fields(bytes, 5).uint32() < 3)
      throw new ProtocolError('protocol_violation', 'a file channel begins with version 3')
    const had = await this.#host.greet()
    this.#extensions = new Map(
      Object.entries(EXTENSIONS).filter(([name, version]) => had.get(name) === version),
    )
    try {
      this.#home = readPath(await this.#host.realPath('.'))
    } catch (error) {
      // Safe: without a home relative paths begin at the root, and are judged there.
      if (!(error instanceof HostStatus)) throw error
    }
    // There `\` parts names too, and `con` is no file: what is judged would not be what happens.
    if (/^\/?[A-Za-z]:/u.test(this.#home))
      throw new InvalidRequest('statement_unsupported', 'files of such a host cannot be judged')
    this.#resolver = new Resolver(this.#host, this.#home)
    this.#client.version(this.#extensions)
  }

  async #limits(id: number): Promise<void> {
    const asked = packet(REQUEST.extended, string('limits@openssh.com'))
    this.#client.limits(id, await this.#host.ask(asked))
  }

  async #onPath(request: PathRequest): Promise<void> {
    const { session, login, waiting } = this.#parts
    let resolved: readonly Resolved[]
    let permit: Permit
    try {
      if (request.opens !== undefined && this.#files.full)
        throw new InvalidRequest('limit_exceeded', 'too many files are open on this channel')
      this.#checkLink(request)
      resolved = await this.#resolve(request)
    } catch (error) {
      if (!(error instanceof InvalidRequest)) throw error
      return this.#cannot(request.id, request.verb, error)
    }
    const paths = resolved.map(({ path }) => path)
    const statement = fileStatement({ ...request, paths }, login)
    if (statement === undefined) throw malformed()
    try {
      permit = await session.authorize(statement, waiting)
    } catch (error) {
      return this.#denied(request.id, error)
    }
    if (this.#over) return session.complete(permit, { ...NO_ANSWER, bytes: 0 })
    const failed = resolved.find(each => each.failed !== undefined)?.failed
    if (failed !== undefined) {
      session.complete(permit, { ...FAILED, errorCode: statusName(failed), bytes: 0 })
      return this.#client.say(request.id, failed, 'the path cannot be followed')
    }
    this.#running.add(permit)
    if (request.opens !== undefined) this.#files.opening += 1
    const taken = this.#host.send(request.build(paths), answer => {
      this.#onPathAnswer(request, paths, permit, answer)
      // Last: what cannot be understood ends the channel, and leaves it among what was under way.
      this.#running.delete(permit)
    })
    if (!taken) await this.#host.drained()
  }

  /** Read the other way round, both of its paths are judged as well: as long as neither begins where the other is. */
  #checkLink({ target }: PathRequest): void {
    if (target === undefined || target.startsWith('/') || this.#parts.targetFirst) return
    throw new InvalidRequest(
      'statement_unsupported',
      'this host may read the paths of a link the other way round: say from the root where it leads',
    )
  }

  async #resolve(request: PathRequest): Promise<readonly Resolved[]> {
    const resolver = this.#resolver
    if (resolver === undefined) throw malformed()
    const resolved: Resolved[] = []
    for (const asked of request.paths) {
      const [link] = resolved
      // What a link says begins in the folder of the link.
      const near = link === undefined || request.target === undefined ? undefined : folderOf(link)
      resolved.push(await resolver.resolve(asked, near))
    }
    return resolved
  }

  #onPathAnswer(
    request: PathRequest,
    paths: readonly string[],
    permit: Permit,
    answer: Buffer,
  ): void {
    const { session } = this.#parts
    const { id, opens } = request
    if (opens !== undefined) this.#files.opening -= 1
    if (answer[4] !== request.answer) {
      const code = statusOf(answer)
      const done = code === STATUS.ok
      if (done && request.answer !== undefined) throw malformed()
      session.complete(permit, {
        ...(done ? DONE : { ...FAILED, errorCode: statusName(code) }),
        bytes: answer.length,
      })
      this.#client.pass(id, permit, answer)
      return
    }
    if (answer[4] === ANSWER.name) checkPath(answer)
    if (opens === undefined) {
      session.complete(permit, { ...DONE, bytes: answer.length })
      this.#client.answer(id, answer)
      return
    }
    const host = Buffer.from(new Fields(answer).string())
    if (host.length > LONGEST_HANDLE) throw malformed()
    const modes = opens === 'folder' ? [] : (request.words[0]?.split(',') ?? [])
    const handle = this.#files.opened(host, paths[0] ?? '', opens, modes, permit)
    this.#client.answer(id, packet(ANSWER.handle, string(handle)))
  }

  /** No statement could be made of it: on record as refused. Whoever goes on and on with it is let go. */
  #cannot(id: number, what: string, error: InvalidRequest, code: number = STATUS.failure): void {
    this.#refused += 1
    if (this.#refused > MOST_REFUSED)
      throw new ProtocolError('protocol_violation', 'too many requests that cannot be served')
    this.#parts.session.refused(`${FILES} ${what}`, error)
    this.#client.say(id, code, error.message)
  }

  /** Refused, and on record so. Throws what is not a refusal. */
  #denied(id: number, error: unknown): void {
    if (!isGatewayError(error) || this.#parts.session.signal.aborted) throw error
    this.#client.deny(id, error)
  }

  #turn(): void {
    this.#parts.session.catchUp()
    if (this.#host.outstanding < MOST_OUTSTANDING / 2) this.#roomFor?.()
  }

  /** A promise while too much waits: for the host, or for the client to read. */
  #room(): Promise<void> | undefined {
    if (this.#client.slow !== undefined) return this.#client.slow
    if (this.#host.outstanding < MOST_OUTSTANDING) return undefined
    return new Promise(resolve => {
      this.#roomFor = () => {
        this.#roomFor = undefined
        resolve()
      }
    })
  }
}

const FAILED = { status: 'failed', rows: 0 } as const
const DONE = { status: 'completed', rows: 0 } as const
const NO_ANSWER = { status: 'cancelled', errorCode: 'lost', rows: 0 } as const
function folderOf({ path }: Resolved): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 1))
}

/** `~` and what is below; other people's homes are not looked up. */
function expanded(path: string, home: string): string | undefined {
  if (path === '~' || path.startsWith('~/')) return home + path.slice(1)
  return path.startsWith('~') ? undefined : path
}
