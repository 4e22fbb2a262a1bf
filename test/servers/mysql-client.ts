// The tests' own MySQL client: text and prepared statements, every byte kept. Proves itself as stock clients do over
// TLS (caching_sha2_password in full, clear text when asked). Shares no code with the gateway.
import { createHash, createPublicKey, publicEncrypt, constants as rsa } from 'node:crypto'
import { connect as dial } from 'node:net'
import { connect as secure } from 'node:tls'
import { Fields, FLAGS, lenencText, Packets } from './mysql-packets.ts'

export interface ClientOptions {
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database?: string
  /** Default: TLS where the server offers it. */
  readonly tls?: boolean
  /** Beside the usual ones. */
  readonly flags?: number
  /** What the first scramble is for. Default: what the server names. */
  readonly plugin?: string
}

export interface Column {
  readonly schema: string
  readonly table: string
  readonly originTable: string
  readonly name: string
  readonly originName: string
  readonly type: number
  readonly unsigned: boolean
}

export interface Answer {
  readonly columns: readonly Column[]
  /** Cells as text; binary cells are written as text would have them. */
  readonly rows: readonly (readonly (string | null)[])[]
  readonly affected: number
  readonly error:
    | { readonly code: number; readonly state: string; readonly text: string }
    | undefined
  /** Everything that came for the question, its other results and the preparation included. */
  readonly bytes: Buffer
  /** The server asked for a file of ours: we sent none. */
  readonly wantsFile: string | undefined
  /** The connection is gone. */
  readonly ended: boolean
}

const USUAL =
  FLAGS.longPassword |
  FLAGS.longFlag |
  FLAGS.protocol41 |
  FLAGS.transactions |
  FLAGS.secureConnection |
  FLAGS.multiResults |
  FLAGS.psMultiResults |
  FLAGS.pluginAuth

export interface UserOptions {
  readonly user: string
  readonly password: string
  readonly database?: string
  /** Default: `mysql_native_password`, whose scramble is of no nonce. */
  readonly plugin?: string
  readonly proof?: Uint8Array
}

/** A change of user as it is sent, without its frame. */
export function changeUserBody({ user, password, database, plugin, proof }: UserOptions): Buffer {
  const name = plugin ?? 'mysql_native_password'
  const first = proof ?? scramble(name, password, Buffer.alloc(20, 1))
  return Buffer.concat([
    Buffer.from(`\x11${user}\0`),
    Buffer.from([first.length]),
    first,
    Buffer.from(`${database ?? ''}\0`),
    Buffer.from([45, 0]),
    Buffer.from(`${name}\0`),
  ])
}

export class MysqlError extends Error {
  readonly code: number
  readonly state: string

  constructor(code: number, state: string, text: string) {
    super(text)
    this.code = code
    this.state = state
  }
}

export interface Statement {
  readonly id: number
  readonly parameters: number
  readonly columns: number
}

export class MysqlClient {
  readonly packets: Packets
  /** What the server called itself. */
  serverVersion = ''
  connectionId = 0
  flags = 0
  /** Where what came for the last question begins. */
  #from = 0

  constructor(packets: Packets) {
    this.packets = packets
  }

  /** Logs in anew on the same connection. Rejects with `MysqlError` when that is refused. */
  async changeUser(options: UserOptions): Promise<void> {
    this.packets.command(changeUserBody(options))
    await this.proved(options.password)
  }

  /** Proves itself as it is asked to, until it is let in. */
  proved(password: string): Promise<void> {
    return prove(this.packets, password, Buffer.alloc(20), (this.flags & FLAGS.tls) !== 0)
  }

  /** One text, all its results. */
  async query(text: string): Promise<readonly Answer[]> {
    return this.ask(Buffer.concat([Buffer.from([3]), Buffer.from(text)]))
  }

  /** Any command that is answered by results. */
  async ask(command: Uint8Array): Promise<readonly Answer[]> {
    this.#from = this.packets.received.length
    this.packets.command(command)
    return this.#results(false)
  }

  async prepare(text: string): Promise<Statement | Answer> {
    this.#from = this.packets.received.length
    this.packets.command(Buffer.concat([Buffer.from([0x16]), Buffer.from(text)]))
    const { body } = await this.packets.read()
    if (body[0] === 0xff) return { ...EMPTY, error: errorOf(body), bytes: this.#bytes }
    const fields = new Fields(body, 1)
    const made = { id: fields.number(4), columns: fields.number(2), parameters: fields.number(2) }
    for (const count of [made.parameters, made.columns]) {
      for (let i = 0; i < count; i++) await this.packets.read()
      if (count > 0 && (this.flags & FLAGS.deprecateEof) === 0) await this.packets.read()
    }
    return made
  }

  async execute(statement: Statement, values: readonly (string | null)[] = []) {
    const head = Buffer.alloc(10)
    head[0] = 0x17
    head.writeUInt32LE(statement.id, 1)
    head.writeUInt32LE(1, 6)
    const parts: Buffer[] = [head]
    if (statement.parameters > 0) {
      const nulls = Buffer.alloc((statement.parameters + 7) >> 3)
      for (const [at, value] of values.entries()) {
        if (value === null) nulls[at >> 3] = (nulls[at >> 3] ?? 0) | (1 << (at & 7))
      }
      parts.push(nulls, Buffer.from([1]))
      parts.push(...values.map(() => Buffer.from([0xfd, 0])))
      parts.push(...values.flatMap(value => (value === null ? [] : [lenencText(value)])))
    }
    this.packets.command(Buffer.concat(parts))
    return this.#results(true)
  }

  /** Prepares, executes and closes. */
  async prepared(
    text: string,
    values: readonly (string | null)[] = [],
  ): Promise<readonly Answer[]> {
    const statement = await this.prepare(text).catch((error: unknown) => {
      if (!this.packets.ended) throw error
      return { ...EMPTY, bytes: this.#bytes, ended: true }
    })
    if (!('id' in statement)) return [statement]
    const answers = await this.execute(statement, values)
    const close = Buffer.alloc(5)
    close[0] = 0x19
    close.writeUInt32LE(statement.id, 1)
    if (!this.packets.ended) this.packets.command(close)
    return answers
  }

  end(): void {
    if (!this.packets.ended) this.packets.command(Buffer.from([1]))
    this.packets.socket.end()
  }

  destroy(): void {
    this.packets.socket.destroy()
  }

  async #results(binary: boolean): Promise<readonly Answer[]> {
    const answers: Answer[] = []
    for (let more = true; more; ) {
      const columns: Column[] = []
      const rows: (string | null)[][] = []
      let partial: Partial<Answer> = {}
      more = false
      try {
        const { body } = await this.packets.read()
        if (body[0] === 0xff) partial = { error: errorOf(body) }
        else if (body[0] === 0) {
          const fields = new Fields(body, 1)
          partial = { affected: fields.lenenc() }
          fields.lenenc()
          more = (fields.number(2) & 8) !== 0
        } else if (body[0] === 0xfb) {
          partial = { wantsFile: body.toString('utf8', 1) }
          this.packets.write(Buffer.alloc(0))
          await this.packets.read()
        } else {
          const count = new Fields(body).lenenc()
          for (let i = 0; i < count; i++) columns.push(columnOf((await this.packets.read()).body))
          if ((this.flags & FLAGS.deprecateEof) === 0) await this.packets.read()
          for (;;) {
            const row = (await this.packets.read()).body
            if (row[0] === 0xff) {
              partial = { error: errorOf(row) }
              break
            }
            if (row[0] === 0xfe && row.length < 0xffffff) {
              more = (statusAtEnd(row, (this.flags & FLAGS.deprecateEof) !== 0) & 8) !== 0
              break
            }
            rows.push(binary ? binaryRow(row, columns) : textRow(row, columns.length))
          }
        }
      } catch (error) {
        // What came before the end is looked at as well.
        if (!this.packets.ended && !(error instanceof RangeError)) throw error
        partial = { ...partial, ended: true }
      }
      answers.push({ ...EMPTY, columns, rows, bytes: this.#bytes, ...partial })
    }
    return answers
  }

  get #bytes(): Buffer {
    return Buffer.concat(this.packets.received.slice(this.#from))
  }
}

const EMPTY: Answer = {
  columns: [],
  rows: [],
  affected: 0,
  error: undefined,
  bytes: Buffer.alloc(0),
  wantsFile: undefined,
  ended: false,
}

/** Logs in. Rejects with `MysqlError` when that is refused. */
export async function openMysql(options: ClientOptions): Promise<MysqlClient> {
  const socket = dial(options.port, '127.0.0.1').setNoDelay(true)
  const packets = new Packets(socket)
  const client = new MysqlClient(packets)
  try {
    const hello = greetingOf((await packets.read()).body)
    client.serverVersion = hello.version
    client.connectionId = hello.connectionId
    const tls = options.tls ?? (hello.flags & FLAGS.tls) !== 0
    const wanted =
      USUAL |
      (options.flags ?? 0) |
      (options.database === undefined ? 0 : FLAGS.connectWithDatabase) |
      (tls ? FLAGS.tls : 0)
    client.flags = wanted & (hello.flags | FLAGS.connectWithDatabase)
    const head = Buffer.alloc(32)
    head.writeUInt32LE(client.flags >>> 0, 0)
    head.writeUInt32LE(1 << 30, 4)
    head[8] = 45
    if (tls) {
      packets.write(head)
      packets.upgrade(plain => secure({ socket: plain, rejectUnauthorized: false }))
    }
    const plugin = options.plugin ?? hello.plugin
    const proof = scramble(plugin, options.password, hello.nonce)
    packets.write(
      Buffer.concat([
        head,
        Buffer.from(`${options.user}\0`),
        Buffer.from([proof.length]),
        proof,
        Buffer.from(options.database === undefined ? '' : `${options.database}\0`),
        Buffer.from(`${plugin}\0`),
      ]),
    )
    await prove(packets, options.password, hello.nonce, tls)
    return client
  } catch (error) {
    socket.destroy()
    throw error
  }
}

async function prove(packets: Packets, password: string, first: Buffer, tls: boolean) {
  let nonce = first
  for (let turn = 0; turn < 20; turn++) {
    const { body } = await packets.read()
    if (body[0] === 0) return
    if (body[0] === 0xff) {
      const { code, state, text } = errorOf(body)
      throw new MysqlError(code, state, text)
    }
    if (body[0] === 0xfe) {
      const fields = new Fields(body, 1)
      const plugin = fields.text()
      nonce = Buffer.from(fields.rest.subarray(0, 20))
      packets.write(scramble(plugin, password, nonce))
    } else if (body[0] === 1 && body[1] === 3) {
      // The fast way: OK follows.
    } else if (body[0] === 1 && body[1] === 4) {
      if (tls) packets.write(Buffer.from(`${password}\0`))
      else packets.write(Buffer.from([2]))
    } else if (body[0] === 1) {
      packets.write(encrypted(body.toString('latin1', 1), password, nonce))
    } else throw new Error(`an unknown turn of the login: ${body[0]}`)
  }
}

function encrypted(pem: string, password: string, nonce: Buffer): Buffer {
  const clear = Buffer.from(`${password}\0`)
  for (let i = 0; i < clear.length; i++) clear[i] = (clear[i] ?? 0) ^ (nonce[i % nonce.length] ?? 0)
  return publicEncrypt(
    { key: createPublicKey(pem), padding: rsa.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
    clear,
  )
}

/** What proves the password without showing it; the password itself where the plugin is that. */
export function scramble(plugin: string, password: string, nonce: Buffer): Buffer {
  if (plugin === 'mysql_clear_password') return Buffer.from(`${password}\0`)
  if (password === '') return Buffer.alloc(0)
  const name = plugin === 'mysql_native_password' ? 'sha1' : 'sha256'
  const hash = (...parts: Uint8Array[]) =>
    parts.reduce((made, part) => made.update(part), createHash(name)).digest()
  const once = hash(Buffer.from(password))
  const other = name === 'sha1' ? hash(nonce, hash(once)) : hash(hash(once), nonce)
  return Buffer.from(once.map((byte, at) => byte ^ (other[at] ?? 0)))
}

function greetingOf(body: Buffer) {
  if (body[0] === 0xff) {
    const { code, state, text } = errorOf(body)
    throw new MysqlError(code, state, text)
  }
  const fields = new Fields(body, 1)
  const version = fields.text()
  const connectionId = fields.number(4)
  const first = fields.take(8)
  fields.take(1)
  const low = fields.number(2)
  fields.take(3)
  const flags = (low | (fields.number(2) << 16)) >>> 0
  fields.take(11)
  const nonce = Buffer.concat([first, fields.take(12)])
  fields.take(1)
  return { version, connectionId, flags, nonce, plugin: fields.text() }
}

function errorOf(body: Buffer) {
  const code = body.readUInt16LE(1)
  const marked = body[3] === 0x23
  return {
    code,
    state: marked ? body.toString('latin1', 4, 9) : '',
    text: body.toString('utf8', marked ? 9 : 3),
  }
}

function columnOf(body: Buffer): Column {
  const fields = new Fields(body)
  fields.bytesOfLenenc()
  const [schema = '', table = '', originTable = '', name = '', originName = ''] = Array.from(
    { length: 5 },
    () => fields.bytesOfLenenc().toString('utf8'),
  )
  fields.lenenc()
  fields.take(6)
  const type = fields.number(1)
  return {
    schema,
    table,
    originTable,
    name,
    originName,
    type,
    unsigned: (fields.number(2) & 32) !== 0,
  }
}

function statusAtEnd(body: Buffer, ok: boolean): number {
  const fields = new Fields(body, 1)
  if (!ok) return body.readUInt16LE(3)
  fields.lenenc()
  fields.lenenc()
  return fields.number(2)
}

function textRow(body: Buffer, count: number): (string | null)[] {
  const fields = new Fields(body)
  return Array.from({ length: count }, () => {
    if (fields.bytes[fields.at] !== 0xfb) return fields.bytesOfLenenc().toString('utf8')
    fields.at += 1
    return null
  })
}

function binaryRow(body: Buffer, columns: readonly Column[]): (string | null)[] {
  const nulls = body.subarray(1, 1 + ((columns.length + 9) >> 3))
  const fields = new Fields(body, 1 + nulls.length)
  return columns.map((column, at) => {
    const bit = at + 2
    if (((nulls[bit >> 3] ?? 0) >> (bit & 7)) & 1) return null
    return binaryCell(fields, column)
  })
}

const WIDTHS: Readonly<Record<number, number>> = { 1: 1, 2: 2, 13: 2, 3: 4, 9: 4, 8: 8 }

function binaryCell(fields: Fields, { type, unsigned }: Column): string {
  const width = WIDTHS[type]
  if (width === 8) {
    const bytes = fields.take(8)
    return String(unsigned ? bytes.readBigUInt64LE() : bytes.readBigInt64LE())
  }
  if (width !== undefined) {
    const bytes = fields.take(width)
    return String(unsigned ? bytes.readUIntLE(0, width) : bytes.readIntLE(0, width))
  }
  if (type === 4) return String(fields.take(4).readFloatLE())
  if (type === 5) return String(fields.take(8).readDoubleLE())
  if (type === 7 || type === 10 || type === 12) return day(fields.take(fields.number(1)))
  if (type === 11) return fields.take(fields.number(1)).toString('hex')
  return fields.bytesOfLenenc().toString('utf8')
}

function day(bytes: Buffer): string {
  if (bytes.length < 4) return '0000-00-00'
  const two = (at: number) => String(bytes[at] ?? 0).padStart(2, '0')
  const date = `${String(bytes.readUInt16LE(0)).padStart(4, '0')}-${two(2)}-${two(3)}`
  return bytes.length < 7 ? date : `${date} ${two(4)}:${two(5)}:${two(6)}`
}
