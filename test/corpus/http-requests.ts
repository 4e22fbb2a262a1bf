// Raw requests of HTTP/1.x: whole ones, and what smugglers make of them. The same for the same seed.

/** Mulberry32. */
export function dice(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

type Dice = () => number
const pick = <T>(roll: Dice, from: readonly T[]): T => from[Math.floor(roll() * from.length)]!
const often = (roll: Dice, probability: number): boolean => roll() < probability

const METHODS = [
  'GET',
  'GET',
  'POST',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'M-SEARCH',
]
const ODD_METHODS = ['get', 'GE T', 'CONNECT', 'TRACE', 'G\x00T', '', 'GET\t', 'PRI']
const PIECES = [
  '/',
  'a',
  'B',
  '0',
  '-',
  '.',
  '_',
  '~',
  '%20',
  '%41',
  '%7e',
  '%C3%A9',
  '%2F',
  '%5c',
  '%00',
  '%2e',
  '%25',
  '%252f',
  '..',
  './',
  '//',
  ';',
  ';x=1',
  '=',
  '&',
  '+',
  ':',
  '@',
  '!',
  '$',
  "'",
  '(',
  ')',
  '*',
  ',',
  '[',
  ']',
  '|',
  '{',
  '"',
  '<',
  '\\',
  '^',
  '`',
  '%',
  '%4',
  '%zz',
]
const HOSTS = [
  'a.test',
  'a.test',
  'A.Test',
  'a.test:8080',
  'b.test',
  '[::1]',
  '[::1]:80',
  '127.0.0.1',
]
const ODD_HOSTS = [
  '',
  'a..b',
  'a.test, b.test',
  'a b',
  'u@a.test',
  'a.test:',
  'a.test:99999',
  'a/b',
  '[::g]',
  'a.test#',
  'a\x01b',
]
const FIELDS = [
  'Accept: */*',
  'X-A: 1',
  'x-a:2',
  'Cookie: a=b; c=d',
  'Connection: keep-alive',
  'Connection: close',
  'X-B:\t v \t',
  'X-C:',
  'Expect: 100-continue',
  'Connection: x-a',
  'TE: trailers',
  'Keep-Alive: timeout=5',
  `X-Long: ${'y'.repeat(200)}`,
  'X-High: \xe9',
  'Range: bytes=0-1',
  'Upgrade: h2c',
]
const ODD_FIELDS = [
  ' folded',
  '\tfolded',
  'no colon',
  ': empty',
  'X-A : blank',
  'X\x00: nul',
  'X: a\x00b',
  'X: a\rb',
  'X: a\nb',
  'Host: b.test',
  'Host : b.test',
  'Content_Length: 5',
  'Transfer_Encoding: chunked',
  'X-HTTP-Method-Override: DELETE',
  'X-Original-URL: /admin',
  'X-A: b\r',
  'X-\xe9: a',
  '"X": a',
  'Content-Length: 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding:\x0bchunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding\n: chunked',
  'X: y\nTransfer-Encoding: chunked',
  'Content-Length: 0',
  'Content-Length: +5',
  'Content-Length: 5,5',
  'Content-Length: 0x5',
  'Content-Length: 5 5',
  'Content-Length:',
  'Content-Length: -1',
  'Transfer-Encoding: CHUNKED',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: x',
]
const INSIDE = 'GET /smuggled HTTP/1.1\r\nHost: evil.test\r\n\r\n'

function target(roll: Dice): string {
  if (often(roll, 0.04))
    return pick(roll, [
      '*',
      'http://a.test/x',
      'http://b.test/x?y',
      'http://A.TEST',
      'a.test:443',
      'https://u@a.test/',
      '/a b',
      '?',
      '',
      '/\xe9',
      '/a#b',
    ])
  let text = '/'
  // Most targets are plain: a doubtful piece in each would leave little to compare.
  const plain = often(roll, 0.7)
  const pieces = plain ? PIECES.slice(1, 12) : PIECES
  for (let count = Math.floor(roll() * 6); count > 0; count -= 1) {
    text += pick(roll, pieces)
    if (plain && often(roll, 0.2) && !text.endsWith('/')) text += '/'
  }
  if (often(roll, 0.3)) text += `?${Array.from({ length: 3 }, () => pick(roll, PIECES)).join('')}`
  return text
}

function chunks(roll: Dice, body: string): string {
  let text = ''
  for (let at = 0; at < body.length; ) {
    const size = 1 + Math.floor(roll() * 20)
    const piece = body.slice(at, at + size)
    const odd = often(roll, 0.03)
    const digits = piece.length.toString(16)
    text += odd
      ? pick(roll, [
          `0x${digits}`,
          `${digits} `,
          ` ${digits}`,
          `+${digits}`,
          `${digits};x=y\n`,
          `${digits}0`,
          `-${digits}`,
          '',
        ])
      : pick(roll, [digits, digits.toUpperCase(), `0${digits}`, `${digits};a=b`])
    text += `${often(roll, 0.02) ? '\n' : '\r\n'}${piece}${often(roll, 0.02) ? '\n' : '\r\n'}`
    at += size
  }
  return `${text}0${often(roll, 0.1) ? ';x' : ''}\r\n${often(roll, 0.1) ? 'X-Sum: 1\r\n' : ''}\r\n`
}

function request(roll: Dice): string {
  const odd = (probability: number): boolean => often(roll, probability)
  const lines = [
    `${odd(0.03) ? pick(roll, ODD_METHODS) : pick(roll, METHODS)} ${target(roll)} ${odd(0.04) ? pick(roll, ['HTTP/1.0', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 ', '', 'HTTP/1.10']) : 'HTTP/1.1'}`,
  ]
  const fields: string[] = []
  if (!odd(0.02))
    fields.push(
      `${odd(0.3) ? 'host' : 'Host'}: ${odd(0.04) ? pick(roll, ODD_HOSTS) : pick(roll, HOSTS)}`,
    )
  for (let count = Math.floor(roll() * 4); count > 0; count -= 1) fields.push(pick(roll, FIELDS))
  if (odd(0.25)) fields.push(pick(roll, ODD_FIELDS))
  let body = ''
  if (odd(0.5)) {
    const plain = odd(0.3) ? INSIDE : 'x'.repeat(Math.floor(roll() * 60))
    if (odd(0.5)) {
      body = chunks(roll, plain)
      fields.push(pick(roll, ['Transfer-Encoding: chunked', 'transfer-encoding: Chunked']))
      if (odd(0.06)) fields.push(`Content-Length: ${pick(roll, [plain.length, body.length, 0, 4])}`)
    } else {
      body = plain
      const length = odd(0.06) ? Math.floor(roll() * 70) : plain.length
      fields.push(`Content-Length: ${length}`)
    }
  }
  // Any order: which of two fields is first matters to careless readers.
  fields.sort(() => roll() - 0.5)
  const ending = (): string => (odd(0.004) ? pick(roll, ['\n', '\r', '\r\r\n', '\n\r']) : '\r\n')
  return [...lines, ...fields].map(line => line + ending()).join('') + ending() + body
}

/** What one connection says: one to three requests, now and then with a byte changed. */
export function connectionText(roll: Dice): string {
  let text = ''
  for (let count = 1 + Math.floor(roll() * 3); count > 0; count -= 1) text += request(roll)
  if (!often(roll, 0.15)) return text
  const at = Math.floor(roll() * text.length)
  const byte = pick(roll, [
    '\r',
    '\n',
    '\0',
    ' ',
    '\t',
    ':',
    ',',
    ';',
    '0',
    '\x0b',
    '\x7f',
    '\xff',
    '/',
    '',
  ])
  return text.slice(0, at) + byte + text.slice(at + (often(roll, 0.5) ? 1 : 0))
}
