// Drives the contract suite (test/contract) over this wire: a client of its own making, byte by byte, that shares no
// code with the protocol it tests. Knows the wire; knows nothing of the gateway's insides.
import type { Duplex } from 'node:stream'

/** What the suite asks for; each protocol has a question of each kind. */
export type Question = 'read' | 'sensitive' | 'forbidden' | 'write'

/** One answer, in wire order. */
export type Answer =
  | { readonly kind: 'values'; readonly values: readonly (string | null)[] }
  /** In the wire's own error form. `text` is all that the client is shown. */
  | { readonly kind: 'error'; readonly nativeCode: string; readonly text: string }

/** Cuts what goes over the wire; `from`: the bytes that went there before it for the same questions. */
export type Cut = (bytes: Buffer, from: number) => readonly Buffer[]

export interface HarnessSession {
  /** Asks all of it at once. Resolves when it is on its way. */
  ask(kinds: readonly Question[], cut?: Cut): Promise<void>
  /** Bytes as they are. */
  raw(bytes: Uint8Array): void
  /** The next answer. Rejects when the connection ends first. */
  next(): Promise<Answer>
  /** All bytes that came from the gateway so far. */
  received(): Buffer
  /** Says goodbye as the wire has it. */
  end(): void
}

const SECRET_VALUE = 'secret.person@example.com'

export const harness = {
  protocol: 'mysql',
  /** What must never reach the client in clear. */
  secretValue: SECRET_VALUE,
  /** The native code of a refusal by policy. */
  refusalCode: '1142',
  /** How many cuts the suite tries, at most, and how many questions at once. */
  cuts: 1_000,
  many: 300,
  setup: `create table kept (id int primary key, email varchar(100) not null);
    insert into kept values (1, '${SECRET_VALUE}');
    create table closed (id int);`,
  dataClasses: { email: { columns: ['*.email'], mask: 'redact' } },
  policies: `
@id("contract-reads")
permit (principal, action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"contract");
@id("contract-closed")
@reason("the closed table is closed")
forbid (principal, action, resource == Object::"contract/contract.closed");
`,
  resource: (upstream: { port: number; user: string; database?: string }) => ({
    upstream: {
      host: '127.0.0.1',
      port: upstream.port,
      database: upstream.database,
      tls: 'disable',
    },
    credential: { user: upstream.user, password: 'env:UPSTREAM_SECRET' },
  }),

  /** What a right answer to a question of this kind is, when policy lets it through. */
  isAnswer(kind: Question, answer: Answer): boolean {
    if (kind === 'forbidden') return answer.kind === 'error' && answer.nativeCode === '1142'
    if (answer.kind !== 'values') return false
    if (kind === 'read') return answer.values[0] === '1'
    return kind === 'write' ? answer.values.length === 0 : answer.values.length === 1
  },

  /** Bytes that no client may send after login: each is refused. */
  violations: {
    'an unknown command': packet(Buffer.from([0x77]), 0),
    'an empty command': packet(Buffer.alloc(0), 0),
    'a command out of order': packet(Buffer.from('\x03select 1', 'latin1'), 3),
    'a second login': packet(loginBody('x', 'contract', Buffer.from('y\0')), 0),
    'a change of user without a proof': packet(
      Buffer.from('\x11root\0\0contract\0\x2d\0mysql_clear_password\0', 'latin1'),
      0,
    ),
    'a change of user by a wrong proof': packet(
      Buffer.from('\x11root\0\x06wrong\0contract\0\x2d\0mysql_clear_password\0', 'latin1'),
      0,
    ),
    'half a change of user': packet(Buffer.from('\x11root\0\x14half', 'latin1'), 0),
    'a dump of the log': packet(Buffer.from([0x12, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0]), 0),
  } satisfies Record<string, Uint8Array>,

  /** Logs in over a connected stream. Rejects with the native error when that is refused. */
  async open(stream: Duplex, resource: string, token: string): Promise<HarnessSession> {
    const session = talk(stream)
    await session.next() // the greeting
    stream.write(packet(loginBody('contract', resource, Buffer.from(`${token}\0`)), 1))
    const ready = await session.next()
    if (ready.kind !== 'values') throw new Error(textOf(ready))
    return session
  },

  /** The first bytes of a client, for those who cut them. */
  startup: (resource: string) => packet(loginBody('contract', resource, Buffer.from('x\0')), 1),
}

const TEXTS: Readonly<Record<Question, string>> = {
  read: 'select id from kept where id = 1',
  sensitive: 'select email from kept where id = 1',
  forbidden: 'select id from closed',
  write: 'update kept set id = 1 where id = 1',
}

function textOf(answer: Answer): string {
  return answer.kind === 'error' ? answer.text : `unexpected: ${answer.values.join()}`
}

/** With a password in the clear, which a listener on loopback may allow. */
function loginBody(user: string, database: string, password: Buffer): Buffer {
  const head = Buffer.alloc(32)
  // PROTOCOL_41, CONNECT_WITH_DB, SECURE_CONNECTION, PLUGIN_AUTH, LENENC_CLIENT_DATA, TRANSACTIONS.
  head.writeUInt32LE(0x200 | 0x8 | 0x8000 | 0x80000 | 0x200000 | 0x2000, 0)
  head.writeUInt32LE(0x1000000, 4)
  head[8] = 45
  const length = password.length
  const lenenc = length < 0xfb ? Buffer.from([length]) : Buffer.from([0xfc, length, length >> 8])
  return Buffer.concat([
    head,
    Buffer.from(`${user}\0`),
    lenenc,
    password,
    Buffer.from(`${database}\0mysql_clear_password\0`),
  ])
}

function packet(body: Buffer, sequence: number): Buffer {
  const head = Buffer.from([body.length, body.length >> 8, body.length >> 16, sequence])
  return Buffer.concat([head, body])
}

/** An answer ends at OK, at ERR, or at the second EOF behind columns. */
function talk(stream: Duplex): HarnessSession {
  const answers: Answer[] = []
  const waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = []
  const all: Buffer[] = []
  let rest = Buffer.alloc(0)
  let gone: Error | undefined
  let greeted = false
  let phase: 'first' | 'columns' | 'rows' = 'first'
  let values: (string | null)[] = []
  const deliver = (answer: Answer) => {
    values = []
    phase = 'first'
    const first = waiting.shift()
    if (first) first.resolve(answer)
    else answers.push(answer)
  }
  const take = (body: Buffer) => {
    if (!greeted) {
      greeted = true
      deliver(body[0] === 0xff ? errorOf(body) : { kind: 'values', values: ['greeting'] })
    } else if (body[0] === 0xff) deliver(errorOf(body))
    else if (phase === 'first') {
      if (body[0] === 0) deliver({ kind: 'values', values })
      else phase = 'columns'
    } else if (body[0] === 0xfe && body.length < 9) {
      if (phase === 'columns') phase = 'rows'
      else deliver({ kind: 'values', values })
    } else if (phase === 'rows') values.push(...cells(body))
  }
  stream.on('data', (chunk: Buffer) => {
    all.push(chunk)
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readUIntLE(0, 3)) {
      const size = 4 + rest.readUIntLE(0, 3)
      take(rest.subarray(4, size))
      rest = rest.subarray(size)
    }
  })
  const end = (error: Error) => {
    gone ??= error
    for (const each of waiting.splice(0)) each.reject(gone)
  }
  stream.on('error', end)
  stream.on('close', () => end(new Error('the connection ended')))
  stream.on('end', () => end(new Error('the connection ended')))
  return {
    async ask(kinds, cut = bytes => [bytes]) {
      const questions = kinds.map(kind => packet(Buffer.from(`\x03${TEXTS[kind]}`), 0))
      for (const piece of cut(Buffer.concat(questions), 0)) {
        stream.write(piece)
        await new Promise(resolve => setTimeout(resolve, 1))
      }
    },
    raw: bytes => void stream.write(bytes),
    next() {
      const ready = answers.shift()
      if (ready) return Promise.resolve(ready)
      if (gone) return Promise.reject(gone)
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    },
    received: () => Buffer.concat(all),
    end() {
      stream.write(packet(Buffer.from([0x01]), 0))
      stream.end()
    },
  }
}

function cells(body: Buffer): (string | null)[] {
  const found: (string | null)[] = []
  for (let at = 0; at < body.length; ) {
    const first = body[at] ?? 0
    if (first === 0xfb) {
      found.push(null)
      at += 1
      continue
    }
    const size = first === 0xfc ? 2 : first === 0xfd ? 3 : 0
    const length = size === 0 ? first : body.readUIntLE(at + 1, size)
    at += 1 + size
    found.push(body.toString('utf8', at, at + length))
    at += length
  }
  return found
}

function errorOf(body: Buffer): Answer {
  return {
    kind: 'error',
    nativeCode: String(body.readUInt16LE(1)),
    text: body.toString('utf8', body[3] === 0x23 ? 9 : 3),
  }
}
