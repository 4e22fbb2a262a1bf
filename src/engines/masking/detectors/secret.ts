// Values that look random right behind a name that says they are secret: `api_key=…`, `"password": "…"`,
// `Authorization: Bearer …`. Random means letters and digits, and few of them twice.
import { bytesOf, classOf, DIGIT, foldedTextAt, LETTER } from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

const NAMES = [
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'secret',
  'token',
  'api_key',
  'apikey',
  'api-key',
  'access_key',
  'accesskey',
  'secret_key',
  'secretkey',
  'private_key',
  'privatekey',
  'client_secret',
  'credential',
  'authorization',
]
const SCHEMES = ['bearer ', 'basic ', 'token ']
const GAP = bytesOf(' "\'\\>')
const ENDS = bytesOf(' \t\r\n"\'`,;&<>(){}[]\\')
const MIN = 8
const JUDGED = 128
/** Bits for each character: `aaaa1111` has one, random hexadecimal four. */
const ENTROPY = 2.5

const seen = new Uint8Array(256)

/** `at` is the `=` or `:` behind the name. */
function matchSecret(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  let last = at
  while (last > start && at - last < 3 && GAP[src[last - 1]!] === 1) last--
  if (!NAMES.some(name => foldedTextAt(src, start, end, last - name.length, name))) return false
  let from = at + 1
  while (from < end && from - at < 5 && GAP[src[from]!] === 1) from++
  const scheme = SCHEMES.find(text => foldedTextAt(src, start, end, from, text))
  if (scheme !== undefined) from += scheme.length
  let to = from
  while (to < end && to - from < JUDGED && ENDS[src[to]!] !== 1) to++
  if (!isRandom(src, from, to)) return false
  while (to < end && ENDS[src[to]!] !== 1) to++
  span.start = from
  span.end = to
  return true
}

function isRandom(src: Uint8Array, from: number, to: number): boolean {
  const length = to - from
  if (length < MIN) return false
  seen.fill(0)
  let letters = 0
  let digits = 0
  for (let i = from; i < to; i++) {
    const bits = classOf[src[i]!]!
    if ((bits & LETTER) !== 0) letters++
    if ((bits & DIGIT) !== 0) digits++
    seen[src[i]!]!++
  }
  if (letters === 0 || digits === 0) return false
  let entropy = 0
  for (let i = 0; i < 256; i++) {
    if (seen[i] !== 0) entropy -= (seen[i]! / length) * Math.log2(seen[i]! / length)
  }
  return entropy >= ENTROPY
}

export const secret: Detector = {
  name: 'secret',
  description: 'Values that look random behind names such as password, token, api_key',
  rank: 8,
  wake: { on: 'ending', endings: ['=', ':'], match: matchSecret },
  visible: 'nothing',
  normal: 'exact',
}
