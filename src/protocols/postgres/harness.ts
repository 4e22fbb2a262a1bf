// Drives the contract suite (test/contract) over this wire: a client of its own making, byte by byte, that
// shares no code with the protocol it tests. Knows the wire; knows nothing of the gateway's insides.
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
  protocol: 'postgres',
  /** What must never reach the client in clear. */
  secretValue: SECRET_VALUE,
  /** The native code of a refusal by policy. */
  refusalCode: '42501',
  /** How many cuts the suite tries, at most, and how many questions at once. */
  cuts: 1_000,
  many: 300,
  setup: `create table kept (id int primary key, email text not null);
    insert into kept values (1, '${SECRET_VALUE}');
    create table closed (id int); grant all on kept, closed to public;`,
  dataClasses: { email: { columns: ['*.email'], mask: 'redact' } },
  policies: `
@id("contract-reads")
permit (principal, action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"contract");
@id("contract-closed")
@reason("the closed table is closed")
forbid (principal, action, resource == Object::"contract/public.closed");
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
    if (kind === 'forbidden') return answer.kind === 'error' && answer.nativeCode === '42501'
    if (answer.kind !== 'values') return false
    if (kind === 'read') return answer.values[0] === '1'
    return kind === 'write' ? answer.values.length === 0 : answer.values.length === 1
  },

  /** Bytes that no client may send after login: each is refused. */
  violations: {
    'an unknown message': Buffer.from([0x7e, 0, 0, 0, 4]),
    'a length below four': Buffer.from([0x51, 0, 0, 0, 3]),
    'a length of two gigabytes': Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff]),
    'a negative length': Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff]),
    'a second startup': startup('contract', 'x'),
    'a text that does not end': message('Q', Buffer.from('select 1')),
  } satisfies Record<string, Uint8Array>,

  /** Logs in over a connected stream. Rejects with the native error when that is refused. */
  async open(stream: Duplex, resource: string, token: string): Promise<HarnessSession> {
    const session = talk(stream)
    stream.write(startup(resource, 'contract'))
    const asked = await session.next()
    if (asked.kind !== 'values' || asked.values[0] !== 'password') throw new Error(textOf(asked))
    stream.write(message('p', Buffer.from(`${token}\0`)))
    const ready = await session.next()
    if (ready.kind !== 'values') throw new Error(textOf(ready))
    return session
  },

  /** The first bytes of a client, for those who cut them. */
  startup: (resource: string) => startup(resource, 'contract'),
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

function startup(database: string, user: string): Buffer {
  const body = Buffer.from(`user\0${user}\0database\0${database}\0\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(body.length + 8, 0)
  head.writeInt32BE(196608, 4)
  return Buffer.concat([head, body])
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** An answer ends at ReadyForQuery; a request for a password is one, and a FATAL error. */
function talk(stream: Duplex): HarnessSession {
  const answers: Answer[] = []
  const waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = []
  const all: Buffer[] = []
  let rest = Buffer.alloc(0)
  let gone: Error | undefined
  let values: (string | null)[] = []
  let failure: Answer | undefined
  const deliver = (answer: Answer) => {
    values = []
    failure = undefined
    const first = waiting.shift()
    if (first) first.resolve(answer)
    else answers.push(answer)
  }
  const frame = (type: string, body: Buffer) => {
    if (type === 'R' && body.readInt32BE(0) === 3) deliver({ kind: 'values', values: ['password'] })
    else if (type === 'D') values.push(...cells(body))
    else if (type === 'E') {
      failure = errorOf(body)
      if (fieldsOf(body).get('S') === 'FATAL') deliver(failure)
    } else if (type === 'Z') deliver(failure ?? { kind: 'values', values })
  }
  stream.on('data', (chunk: Buffer) => {
    all.push(chunk)
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
      const size = rest.readInt32BE(1) + 1
      frame(String.fromCharCode(rest[0] ?? 0), rest.subarray(5, size))
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
      const questions = kinds.map(kind => message('Q', Buffer.from(`${TEXTS[kind]}\0`)))
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
      stream.write(message('X', Buffer.alloc(0)))
      stream.end()
    },
  }
}

function cells(body: Buffer): (string | null)[] {
  const found: (string | null)[] = []
  let at = 2
  for (let count = body.readInt16BE(0); count > 0; count -= 1) {
    const length = body.readInt32BE(at)
    found.push(length < 0 ? null : body.toString('utf8', at + 4, at + 4 + length))
    at += 4 + Math.max(0, length)
  }
  return found
}

function fieldsOf(body: Buffer): Map<string, string> {
  const parts = body.toString('utf8').split('\0')
  return new Map(parts.filter(part => part !== '').map(part => [part.slice(0, 1), part.slice(1)]))
}

function errorOf(body: Buffer): Answer {
  const fields = fieldsOf(body)
  return { kind: 'error', nativeCode: fields.get('C') ?? '', text: [...fields.values()].join('\n') }
}
