// Doubles for tests of the relay: a session that decides by a function of the test, a catalog of a few tables, an
// upstream whose every byte the test scripts, and a client that reads frames. Not for production code.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type CellPlan, createMarks, createMasking } from '#engines/masking'
import {
  type Analyser,
  createPostgresAnalyser,
  DefinitionLog,
  type Names,
  type RelationName,
} from '#engines/sql'
import type { Outcome, Permit, RecordedAnswer, ResultColumn, Session, Waiting } from '#gateway'
import {
  AccessDenied,
  type CloseReason,
  type ColumnName,
  type DataClass,
  type GatewayError,
  type SessionId,
  type Statement,
} from '#model'
import type { Catalog, CatalogColumn, CatalogRelation, TextForm } from './catalog-types.ts'
import { relay } from './relay.ts'
import { alice } from './test-doubles.ts'

export interface PermitTerms {
  readonly maxRows?: number
  readonly limit?: { readonly rows?: number; readonly bytes?: number }
  readonly reveal?: boolean
}

export interface SessionDouble extends Session {
  readonly statements: Statement[]
  readonly outcomes: { statement: Statement; outcome: Outcome }[]
  readonly answers: RecordedAnswer[]
  readonly refusals: { text: string; error: GatewayError }[]
  readonly reasons: string[]
  readonly ending: AbortController
  /** False: the rules have changed since. */
  current: boolean
}

export type Decide = (
  statement: Statement,
  waiting: Waiting,
) => PermitTerms | undefined | Promise<PermitTerms | undefined>

export interface SessionOptions {
  /** Throws (or rejects with) the refusal; `undefined` permits plainly. */
  readonly decide?: Decide
  readonly classes?: readonly DataClass[]
  readonly answerBytes?: number
  /** Puts permits on record, at the end of the loop's turn: as when several sessions share a write. */
  readonly write?: () => void
}

export const HIDDEN = 'hidden by the double'

export function sessionDouble(options: SessionOptions = {}): SessionDouble {
  const { decide = () => undefined, classes = [], answerBytes = 0, write } = options
  let waits = false
  const clear = (): void => {
    if (waits) write?.()
    waits = false
  }
  const ending = new AbortController()
  const masking = createMasking({ classes, tokenKey: new Uint8Array(32) })
  const session: SessionDouble = {
    id: '0198c0de-0000-7000-8000-000000000002' as SessionId,
    principal: alice,
    resource: {
      name: 'shop',
      protocol: 'postgres',
      tags: {},
      upstream: undefined,
      credential: { user: 'app', secrets: {} },
      connector: 'none',
      recording: { keep: answerBytes > 0 ? 'answers' : 'statements', answerBytes, input: false },
      masking: { predicates: { user: 'allow', agent: 'allow' }, valuesPerHour: 20 },
    },
    origin: { ip: '127.0.0.1', port: 1, client: '' },
    dataClasses: classes,
    entireMasker: () => undefined,
    signal: ending.signal,
    statements: [],
    outcomes: [],
    renew: permit => permit,
    onRules: () => () => {},
    answers: [],
    refusals: [],
    reasons: [],
    ending,
    current: true,
    dial: () => Promise.reject(new Error('this double does not dial')),
    credential: () => Promise.reject(new Error('this double has no credential')),
    authorize(statement, waiting) {
      session.statements.push(statement)
      waits = write !== undefined
      const terms = decide(statement, waiting)
      if (terms instanceof Promise) return terms.then(these => permitDouble(statement, these, true))
      return permitDouble(statement, terms)
    },
    departs: depart => ({
      get waits() {
        return waits
      },
      clear,
      leave: () => (waits ? void setImmediate(depart) : depart()),
    }),
    justify: reason => void session.reasons.push(reason),
    refused: (text, error) => void session.refusals.push({ text, error }),
    complete(permit, outcome) {
      session.outcomes.push({ statement: permit.statement, outcome })
      // As a session that catches up here: what waits goes on record before its outcome.
      try {
        clear()
      } catch {
        // Safe, as there: whoever sends is told the same.
      }
    },
    recordAnswer: (_, { columns, rows, truncated }) =>
      void session.answers.push({ columns, rows, truncated }),
    recordOutput: () => undefined,
    recordInput() {},
    recordSize() {},
    catchUp: () => {},
    close: async reason => ending.abort(reason),
  }

  // As gateway/sight/masks.ts plans, with one answer for all classes.
  function plan(statement: Statement, terms: PermitTerms, column: ResultColumn): CellPlan {
    if (terms.reveal === true) return { kind: 'pass' }
    const { origin, textual } = column
    const readable = textual || column.form === 'structured'
    if (origin !== 'unknown') {
      const dataClass = (column.sources ?? [origin])
        .map(each => masking.classOf(each))
        .find(each => each !== undefined)
      if (dataClass !== undefined)
        return maskOf(dataClass.name, textual && dataClass.mask !== 'null')
      return scan(readable)
    }
    if (column.harmless) return { kind: 'pass' }
    const from = statement.mayDeriveFrom
    const touched =
      from === 'all'
        ? classes.map(({ name }) => name)
        : from.map(each => masking.classOf(each)?.name).filter(name => name !== undefined)
    return touched[0] === undefined ? scan(readable) : maskOf(touched[0], textual)
  }

  function maskOf(dataClass: string, textual: boolean): CellPlan {
    return textual
      ? { kind: 'mask', dataClass, write: masking.masker(dataClass) }
      : { kind: 'null', dataClass }
  }

  function scan(readable: boolean): CellPlan {
    const found = readable ? masking.scanner(classes.map(({ name }) => name)) : undefined
    return found === undefined ? { kind: 'pass' } : { kind: 'scan', scan: found }
  }

  function permitDouble(statement: Statement, terms: PermitTerms = {}, approved = false): Permit {
    let from = statement.mayDeriveFrom
    const permit = {
      statement,
      approved,
      doubt: () => {
        from = 'all'
      },
      stored: () => {
        const watch = createMarks(classes).watch()
        return (bytes: Uint8Array, start: number, end: number) =>
          watch(bytes, start, end)
            ? new AccessDenied('mask_written_back', 'a mask, says the double')
            : undefined
      },
      auditIndex: session.statements.length,
      maxRows: terms.maxRows,
      limit: terms.limit ?? {},
      get current() {
        return session.current
      },
      results: (columns: readonly ResultColumn[]) =>
        columns.map(column => plan({ ...statement, mayDeriveFrom: from }, terms, column)),
      scrub: (text: string) => {
        const hides =
          from === 'all'
            ? classes.length > 0
            : from.some(column => masking.classOf(column) !== undefined)
        return hides
          ? HIDDEN
          : masking.scrub(
              text,
              classes.map(({ name }) => name),
            )
      },
    }
    // The one cast of these tests: a real permit is minted by the gateway alone.
    return permit as unknown as Permit
  }
  return session
}

export interface TableDouble {
  readonly oid: number
  readonly name: string
  /** Column name to type OID. */
  readonly columns: Readonly<Record<string, number>>
}

const WHOLE: ReadonlySet<number> = new Set([25, 1042, 1043, 19])
const WITHIN: ReadonlySet<number> = new Set([114, 3802, 1009])

/** Tables in schema `public`. */
export function catalogDouble(
  tables: readonly TableDouble[],
): Catalog & { refreshed: number; tables: TableDouble[] } {
  const known = [...tables]
  let version = 1
  const relationOf = ({ oid, name, columns }: TableDouble): CatalogRelation => ({
    oid,
    schema: 'public',
    name,
    object: `public.${name}`,
    kind: 'table',
    columns: Object.keys(columns),
  })
  const columnOf = (
    table: TableDouble | undefined,
    name: string | undefined,
  ): CatalogColumn | undefined => {
    const typeOid = name === undefined ? undefined : table?.columns[name]
    if (table === undefined || name === undefined || typeOid === undefined) return undefined
    const own: ColumnName = { object: `public.${table.name}`, column: name }
    return { own, typeOid, sources: [own], shape: 'same' }
  }
  const resolve = ({ schema, name }: RelationName): readonly CatalogRelation[] =>
    known.filter(table => table.name === name && (schema ?? 'public') === 'public').map(relationOf)
  const names: Names = { resolve, withSearchPath: () => names }
  const definitions = new DefinitionLog()
  const catalog = {
    refreshed: 0,
    tables: known,
    get version() {
      return version
    },
    relation: (oid: number) => known.filter(table => table.oid === oid).map(relationOf)[0],
    column: (oid: number, attnum: number) => {
      const table = known.find(each => each.oid === oid)
      return columnOf(table, Object.keys(table?.columns ?? {})[attnum - 1])
    },
    columnOf: (object: string, column: string) =>
      columnOf(
        known.find(table => `public.${table.name}` === object),
        column,
      ),
    expand: (columns: readonly ColumnName[] | 'all') => columns,
    listed: () => [],
    textForm: (oid: number): TextForm =>
      WHOLE.has(oid) ? 'whole' : WITHIN.has(oid) ? 'within' : 'none',
    resolve,
    names: () => names,
    searchPath: ['public'],
    typeCode: () => [],
    invalidate: (names: readonly string[] | 'all' = 'all') => definitions.changed(names),
    definitions,
    changing: false,
    mayHaveChanged: () => false,
    fresh: () => Promise.resolve(),
    lookFor: () => undefined,
    async refresh() {
      catalog.refreshed += 1
      version += 1
    },
  }
  return catalog
}

let analysing: Promise<Analyser> | undefined

export function analyser(): Promise<Analyser> {
  analysing ??= createPostgresAnalyser()
  return analysing
}

/** Two ends of one TCP connection on loopback. */
export async function socketPair(): Promise<[near: Socket, far: Socket]> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const near = connect(address.port, '127.0.0.1')
  const [far] = (await once(server, 'connection')) as [Socket]
  server.close()
  near.setNoDelay(true)
  far.setNoDelay(true)
  return [near, far]
}

/** Collects frames that a socket receives, and waits for them. */
export class Frames {
  readonly #socket: Socket
  #bytes: Buffer = Buffer.alloc(0)
  #wake: (() => void) | undefined
  closed = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#wake?.()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
      this.#wake?.()
    })
  }

  /** The next whole frame; rejects when the socket closes before, or after 5 s. */
  async next(): Promise<{ type: string; body: Buffer; frame: Buffer }> {
    const deadline = Date.now() + 5_000
    for (;;) {
      if (this.#bytes.length >= 5) {
        const length = 1 + this.#bytes.readUInt32BE(1)
        if (this.#bytes.length >= length) {
          const frame = this.#bytes.subarray(0, length)
          this.#bytes = this.#bytes.subarray(length)
          return { type: String.fromCharCode(frame[0] as number), body: frame.subarray(5), frame }
        }
      }
      if (this.closed) throw new Error('closed')
      if (Date.now() > deadline) throw new Error('no frame came')
      await this.#something(200)
    }
  }

  /** The types of all frames up to and including one of `last`. */
  async until(last: string): Promise<{ type: string; body: Buffer; frame: Buffer }[]> {
    const frames = []
    for (;;) {
      const frame = await this.next()
      frames.push(frame)
      if (last.includes(frame.type)) return frames
    }
  }

  /** Nothing more comes for a while. */
  async quiet(ms = 60): Promise<boolean> {
    await new Promise(resolve => setTimeout(resolve, ms))
    return this.#bytes.length === 0
  }

  send(...frames: Uint8Array[]): void {
    this.#socket.write(Buffer.concat(frames))
  }

  get socket(): Socket {
    return this.#socket
  }

  #something(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

export interface Rig {
  readonly client: Frames
  readonly upstream: Frames
  readonly session: SessionDouble
  readonly catalog: ReturnType<typeof catalogDouble>
  readonly ended: Promise<CloseReason>
  readonly cancels: number[]
  cancelByClient(): void
  close(): Promise<void>
}

export interface RigOptions extends SessionOptions {
  readonly tables?: readonly TableDouble[]
  readonly messageBytes?: number
}

/** A relay between two sockets whose far ends are the test's. */
export async function rig(options: RigOptions = {}): Promise<Rig> {
  const [clientFar, client] = await socketPair()
  const [upstream, upstreamFar] = await socketPair()
  const session = sessionDouble(options)
  const catalog = catalogDouble(options.tables ?? [])
  const cancels: number[] = []
  const listeners: (() => void)[] = []
  const ended = relay({
    client,
    clientRest: new Uint8Array(0),
    upstream,
    upstreamRest: new Uint8Array(0),
    session,
    catalog,
    analyser: await analyser(),
    limits: {
      messageBytes: options.messageBytes ?? 1 << 20,
      heldBodyBytes: 1 << 28,
      bodyBytesPerSecond: 0,
      loginMs: 1_000,
      upstreamLoginMs: 1_000,
    },
    searchPath: ['public'],
    cancelUpstream: () => {
      cancels.push(Date.now())
      return Promise.resolve()
    },
    onCancelRequest: listener => listeners.push(listener),
  })
  ended.catch(() => {}) // tests that care await it
  return {
    client: new Frames(clientFar),
    upstream: new Frames(upstreamFar),
    session,
    catalog,
    ended,
    cancels,
    cancelByClient: () => {
      for (const listener of listeners) listener()
    },
    async close() {
      clientFar.destroy()
      upstreamFar.destroy()
      await ended.catch(() => {})
    },
  }
}
