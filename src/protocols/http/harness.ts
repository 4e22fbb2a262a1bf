// Drives the contract suite (test/contract) over this wire: requests as bytes that can be cut anywhere, on one connection.
// Knows the wire; knows nothing of the gateway's insides.
import { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'

type Question = 'read' | 'sensitive' | 'forbidden' | 'write'
type Answer =
  | { readonly kind: 'values'; readonly values: readonly (string | null)[] }
  | { readonly kind: 'error'; readonly nativeCode: string; readonly text: string }
type Cut = (bytes: Buffer, from: number) => readonly Buffer[]

const SECRET_VALUE = 'secret.person@example.com'

export const harness = {
  protocol: 'http',
  secretValue: SECRET_VALUE,
  refusalCode: '403',
  /** Tokens make long heads. */
  cuts: 200,
  many: 200,
  /** What the upstream answers, by path. */
  setup: JSON.stringify({ '/kept': [1], '/kept-address': [SECRET_VALUE], '/closed': ['never'] }),
  dataClasses: { email: { detect: 'email', mask: 'redact' } },
  policies: `
@id("contract-asks")
permit (principal, action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"contract");
@id("contract-closed")
@reason("the closed table is closed")
forbid (principal, action, resource == Object::"contract/closed");
`,
  resource: ({ port }: { port: number }) => ({
    upstream: { url: `http://127.0.0.1:${port}` },
    credential: { token: 'env:UPSTREAM_SECRET' },
  }),

  isAnswer(kind: Question, answer: Answer): boolean {
    if (kind === 'forbidden') return answer.kind === 'error' && answer.nativeCode === '403'
    if (answer.kind !== 'values') return false
    if (kind === 'read') return answer.values[0] === '1'
    return kind === 'write' ? answer.values.length === 0 : answer.values.length === 1
  },

  /** Each is refused, and the connection with it. */
  violations: {
    'a length and a transfer encoding': request(
      'POST /kept',
      'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n',
      '0\r\n\r\nGET /kept HTTP/1.1\r\n\r\n',
    ),
    'two lengths': request('POST /kept', 'Content-Length: 4\r\nContent-Length: 5\r\n', 'abcd'),
    'two hosts': request('GET /kept', 'Host: other.example\r\n'),
    'a folded line': request('GET /kept', 'X-A: 1\r\n 2\r\n'),
    'a line that ends in LF alone': Buffer.from('GET /kept HTTP/1.1\nHost: a\n\n'),
    'a dot segment': request('GET /a/../kept'),
    'an escaped slash': request('GET /a%2fkept'),
    'another method in a field': request('POST /kept', 'X-HTTP-Method-Override: DELETE\r\n'),
    'bytes that are no request': Buffer.alloc(512, 0x16),
  } satisfies Record<string, Uint8Array>,

  /** Nobody says who it is: the first answer says so. */
  startup: (resource: string) => request('GET /kept', `Sallyport-Resource: ${resource}\r\n`),

  async open(stream: Duplex, resource: string, token: string) {
    const received: Buffer[] = []
    const answers: Answer[] = []
    const waiting: PromiseWithResolvers<Answer>[] = []
    let rest: Buffer = Buffer.alloc(0)
    let gone = false
    stream.on('data', (chunk: Buffer) => {
      received.push(chunk)
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const read = readAnswer(rest)
        if (read === undefined) return
        rest = rest.subarray(read.size)
        const first = waiting.shift()
        if (first === undefined) answers.push(read.answer)
        else first.resolve(read.answer)
      }
    })
    stream.on('error', () => {}) // `close` follows
    stream.on('close', () => {
      gone = true
      for (const each of waiting.splice(0)) each.reject(new Error('the connection ended'))
    })
    const own = `Sallyport-Resource: ${resource}\r\nAuthorization: Bearer ${token}\r\n`
    return {
      async ask(kinds: readonly Question[], cut: Cut = bytes => [bytes]): Promise<void> {
        const all = Buffer.concat(kinds.map(kind => request(LINES[kind], own + FIELDS[kind])))
        for (const piece of cut(all, 0)) {
          stream.write(piece)
          await new Promise(resolve => setTimeout(resolve, 1))
        }
      },
      raw: (bytes: Uint8Array) => void stream.write(bytes),
      next(): Promise<Answer> {
        const ready = answers.shift()
        if (ready !== undefined) return Promise.resolve(ready)
        if (gone) return Promise.reject(new Error('the connection ended'))
        const asked = Promise.withResolvers<Answer>()
        waiting.push(asked)
        return asked.promise
      },
      received: () => Buffer.concat(received),
      end: () => void stream.end(),
    }
  },
}

const LINES: Readonly<Record<Question, string>> = {
  read: 'GET /kept',
  sensitive: 'GET /kept-address',
  forbidden: 'GET /closed',
  write: 'PUT /kept',
}

const FIELDS: Readonly<Record<Question, string>> = {
  read: '',
  sensitive: '',
  forbidden: '',
  write: 'Content-Length: 0\r\n',
}

function request(line: string, fields = '', body = ''): Buffer {
  return Buffer.from(`${line} HTTP/1.1\r\nHost: gateway.example\r\n${fields}\r\n${body}`, 'latin1')
}

/** Undefined: it is not whole yet. */
function readAnswer(bytes: Buffer): { readonly answer: Answer; readonly size: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const status = head.slice(9, 12)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  const chunked = /\r\ntransfer-encoding: chunked/i.test(head)
  const from = end + 4
  const body = chunked ? readChunks(bytes, from) : { size: Number(length ?? 0), text: '' }
  if (body === undefined || bytes.length < from + body.size) return undefined
  const text = chunked ? body.text : bytes.toString('utf8', from, from + body.size)
  const values = (): string[] => (text === '' ? [] : (JSON.parse(text) as unknown[]).map(String))
  return {
    size: from + body.size,
    answer: status.startsWith('2')
      ? { kind: 'values', values: values() }
      : { kind: 'error', nativeCode: status, text },
  }
}

function readChunks(bytes: Buffer, from: number): { size: number; text: string } | undefined {
  let [at, text] = [from, '']
  for (;;) {
    const line = bytes.indexOf('\r\n', at)
    if (line < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    const next = line + 2 + size + 2
    if (bytes.length < next) return undefined
    if (size === 0) return { size: next - from, text }
    text += bytes.toString('utf8', line + 2, line + 2 + size)
    at = next
  }
}
