// Drives the contract suite (test/contract) over wires that stand on HTTP: requests as bytes that can be cut anywhere, on one
// connection. Knows the wire; knows nothing of the gateway's insides.
import { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'

export type Question = 'read' | 'sensitive' | 'forbidden' | 'write'
export type Answer =
  | { readonly kind: 'values'; readonly values: readonly (string | null)[] }
  | { readonly kind: 'error'; readonly nativeCode: string; readonly text: string }
type Cut = (bytes: Buffer, from: number) => readonly Buffer[]

export interface Asked {
  /** `GET /kept`. */
  readonly line: string
  /** Each with CRLF behind it. */
  readonly fields?: string
}

export function isAnswer(kind: Question, answer: Answer): boolean {
  if (kind === 'forbidden') return answer.kind === 'error' && answer.nativeCode === '403'
  if (answer.kind !== 'values') return false
  if (kind === 'read') return answer.values[0] === '1'
  return kind === 'write' ? answer.values.length === 0 : answer.values.length === 1
}

/** Ways to say one thing twice or otherwise: each is refused, and the connection with it. `prefix` stands before each path. */
export function violations(prefix = ''): Record<string, Uint8Array> {
  return {
    'a length and a transfer encoding': request(
      `POST ${prefix}/kept`,
      'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n',
      '0\r\n\r\nGET /kept HTTP/1.1\r\n\r\n',
    ),
    'two lengths': request(
      `POST ${prefix}/kept`,
      'Content-Length: 4\r\nContent-Length: 5\r\n',
      'abcd',
    ),
    'two hosts': request(`GET ${prefix}/kept`, 'Host: other.example\r\n'),
    'a folded line': request(`GET ${prefix}/kept`, 'X-A: 1\r\n 2\r\n'),
    'a line that ends in LF alone': Buffer.from(`GET ${prefix}/kept HTTP/1.1\nHost: a\n\n`),
    'a dot segment': request(`GET ${prefix}/a/../kept`),
    'an escaped slash': request(`GET ${prefix}/a%2fkept`),
    'another method in a field': request(
      `POST ${prefix}/kept`,
      'X-HTTP-Method-Override: DELETE\r\n',
    ),
    'bytes that are no request': Buffer.alloc(512, 0x16),
  }
}

/** `own`: fields of each request; `values`: what an answer's body says. */
export function openRequests(
  stream: Duplex,
  own: string,
  asked: Readonly<Record<Question, Asked>>,
  values: (body: unknown) => readonly (string | null)[],
) {
  const received: Buffer[] = []
  const answers: Answer[] = []
  const waiting: PromiseWithResolvers<Answer>[] = []
  let rest: Buffer = Buffer.alloc(0)
  let gone = false
  stream.on('data', (chunk: Buffer) => {
    received.push(chunk)
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const read = readAnswer(rest, values)
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
  return {
    async ask(kinds: readonly Question[], cut: Cut = bytes => [bytes]): Promise<void> {
      const all = Buffer.concat(
        kinds.map(kind => request(asked[kind].line, own + (asked[kind].fields ?? ''))),
      )
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
      const next = Promise.withResolvers<Answer>()
      waiting.push(next)
      return next.promise
    },
    received: () => Buffer.concat(received),
    end: () => void stream.end(),
  }
}

export function request(line: string, fields = '', body = ''): Buffer {
  return Buffer.from(`${line} HTTP/1.1\r\nHost: gateway.example\r\n${fields}\r\n${body}`, 'latin1')
}

/** Undefined: it is not whole yet. */
function readAnswer(
  bytes: Buffer,
  valuesOf: (body: unknown) => readonly (string | null)[],
): { readonly answer: Answer; readonly size: number } | undefined {
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
  const values = () => (text === '' ? [] : valuesOf(JSON.parse(text)))
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
