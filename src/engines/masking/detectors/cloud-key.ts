// Keys and tokens of services, by the prefixes their issuers publish. Each has one byte, rare in other
// text, that wakes its check; the secret half of a pair is recognised by the name in front of it.
import {
  ALNUM,
  BASE64,
  BASE64URL,
  classAt,
  classOf,
  DIGIT,
  foldedTextAt,
  HEX,
  LOWER,
  runEnd,
  textAt,
  UPPER,
} from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

interface Key {
  /** What it begins with. */
  readonly prefix: string
  /** Which byte of the prefix wakes the check. */
  readonly wake: number
  /** The class of the bytes behind the prefix, and how many. */
  readonly body: number
  readonly min: number
  readonly max?: number
  /** Classes of which the body must hold at least one byte each: words of a name do not. */
  readonly mixed?: readonly number[]
}

const key = (
  prefix: string,
  wake: string,
  body: number,
  min: number,
  more: Partial<Key> = {},
): Key => ({
  prefix,
  wake: prefix.indexOf(wake),
  body,
  min,
  ...more,
})

const KEYS: readonly Key[] = [
  // AWS access keys, long-lived, temporary, bearer
  ...['AKIA', 'ASIA', 'ABIA'].map(prefix => key(prefix, 'I', UPPER | DIGIT, 16, { max: 16 })),
  key('AIza', 'I', BASE64URL, 35), // Google API key
  key('GOCSPX-', '-', BASE64URL, 24), // Google OAuth client secret
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map(prefix => key(prefix, '_', ALNUM, 36)), // GitHub
  key('github_pat_', '_', BASE64URL, 40),
  key('glpat-', '-', BASE64URL, 20), // GitLab
  key('gldt-', '-', BASE64URL, 20),
  ...['a', 'b', 'e', 'o', 'p', 'r', 's'].map(
    kind => key(`xox${kind}-`, '-', BASE64URL, 10, { mixed: [DIGIT] }), // Slack
  ),
  key('xapp-', '-', BASE64URL, 20, { mixed: [DIGIT] }),
  // Stripe
  ...['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_'].map(prefix => key(prefix, '_', ALNUM, 16)),
  key('whsec_', '_', BASE64, 24),
  key('sk-', '-', BASE64URL, 20, { mixed: [DIGIT, UPPER, LOWER] }), // OpenAI, Anthropic
  key('npm_', '_', ALNUM, 36),
  key('hf_', '_', ALNUM, 30, { mixed: [UPPER, LOWER] }), // Hugging Face
  key('dop_v1_', '_', HEX, 64), // DigitalOcean
  key('dckr_pat_', '_', BASE64URL, 20), // Docker
  ...['shpat_', 'shpss_', 'shpca_', 'shppa_'].map(prefix => key(prefix, '_', HEX, 32)), // Shopify
  key('pypi-AgE', '-', BASE64URL, 50), // PyPI
  ...['sq0atp-', 'sq0csp-'].map(prefix => key(prefix, '-', BASE64URL, 22)), // Square
]

/** How much of a body is looked at before it is believed. */
const JUDGED = 64

/** Wake byte → byte before it (0: none) → the keys to check. */
const BY_WAKE = new Map<number, (readonly Key[] | undefined)[]>()
for (const each of KEYS) {
  const wake = each.prefix.charCodeAt(each.wake)
  const before = each.wake === 0 ? 0 : each.prefix.charCodeAt(each.wake - 1)
  const table = BY_WAKE.get(wake) ?? new Array<readonly Key[] | undefined>(256).fill(undefined)
  table[before] = [...(table[before] ?? []), each]
  BY_WAKE.set(wake, table)
}
const BY_DASH = BY_WAKE.get(0x2d)
const BY_UNDERSCORE = BY_WAKE.get(0x5f)
const BY_I = BY_WAKE.get(0x49)

/** With the letters before the wake byte of the keys that are recognised by a name, and of the odd ones. */
const ENDINGS = [
  ...KEYS.map(each => each.prefix.slice(each.wake - 1, each.wake + 1)),
  ...['s_', 'S_', 'sK', 'tK', 'SG', 'Q~'],
]

function matchCloudKey(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  span: Span,
): boolean {
  const byte = src[at]!
  if (byte === 0x4b) return matchNamedKey(src, start, end, at, span)
  if (byte === 0x47) return matchSendGrid(src, start, end, at, span)
  if (byte === 0x7e) return matchAzureSecret(src, start, end, at, span)
  if (at === start) return false
  const table = byte === 0x2d ? BY_DASH : byte === 0x5f ? BY_UNDERSCORE : BY_I
  const keys = table?.[src[at - 1]!]
  if (keys !== undefined) {
    for (const each of keys)
      if (matchPrefixed(src, start, end, at - each.wake, each, span)) return true
  }
  return byte === 0x5f && matchAwsSecret(src, start, end, at, span)
}

function matchPrefixed(
  src: Uint8Array,
  start: number,
  end: number,
  from: number,
  { prefix, body, min, max, mixed }: Key,
  span: Span,
): boolean {
  if (!textAt(src, start, end, from, prefix)) return false
  if ((classAt(src, start, end, from - 1) & ALNUM) !== 0) return false
  const bodyStart = from + prefix.length
  // Judged by its first bytes: a run that fails may be read again by the next key in it.
  const judged = runEnd(
    src,
    end,
    bodyStart,
    body,
    max === undefined ? Math.max(min, JUDGED) : max + 1,
  )
  const length = judged - bodyStart
  if (length < min || (max !== undefined && length > max)) return false
  if (max !== undefined && (classAt(src, start, end, judged) & ALNUM) !== 0) return false
  if (mixed !== undefined && !mixed.every(bits => holds(src, bodyStart, judged, bits))) return false
  span.start = from
  span.end = runEnd(src, end, judged, body)
  return true
}

function holds(src: Uint8Array, from: number, to: number, bits: number): boolean {
  for (let i = from; i < to; i++) if ((classOf[src[i]!]! & bits) !== 0) return true
  return false
}

/** `secret_access_key` or `SecretAccessKey` in front of 40 base64 characters (AWS). `at` is its last `_`. */
function matchAwsSecret(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  span: Span,
): boolean {
  if (!foldedTextAt(src, start, end, at - 13, 'secret_access_key')) return false
  return matchValue(src, end, at + 4, 40, 40, span)
}

/** The names that end in `Key`: `at` is the `K`. Azure's connection strings, and AWS's JSON. */
function matchNamedKey(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  span: Span,
): boolean {
  if (!textAt(src, start, end, at, 'Key')) return false
  if (textAt(src, start, end, at - 12, 'SecretAccess'))
    return matchValue(src, end, at + 3, 40, 40, span)
  const azure =
    textAt(src, start, end, at - 7, 'Account') || textAt(src, start, end, at - 12, 'SharedAccess')
  return azure && matchValue(src, end, at + 3, 42, 90, span)
}

/** A base64 value behind `=`, `:`, quotes and spaces, eight of them at most. */
function matchValue(
  src: Uint8Array,
  end: number,
  at: number,
  min: number,
  max: number,
  span: Span,
): boolean {
  let from = at
  while (from < end && from < at + 8 && '=:"\' >\\'.includes(String.fromCharCode(src[from]!)))
    from++
  if (from === at) return false
  let until = runEnd(src, end, from, BASE64, max + 1)
  if (until - from < min || until - from > max) return false
  while (until < end && until < from + max + 3 && src[until] === 0x3d) until++
  span.start = from
  span.end = until
  return true
}

/** SG. and two base64url parts of 22 and 43 (SendGrid). `at` is the `G`. */
function matchSendGrid(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  span: Span,
): boolean {
  const from = at - 1
  if (!textAt(src, start, end, from, 'SG.')) return false
  if ((classAt(src, start, end, from - 1) & ALNUM) !== 0) return false
  const middle = runEnd(src, end, at + 2, BASE64URL, 64)
  if (middle - at - 2 < 16 || middle >= end || src[middle] !== 0x2e) return false
  const until = runEnd(src, end, middle + 1, BASE64URL)
  if (until - middle - 1 < 32) return false
  span.start = from
  span.end = until
  return true
}

/** Three characters, a digit, `Q~` and 31 to 34 more (Microsoft Entra client secret). `at` is the `~`. */
function matchAzureSecret(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  span: Span,
): boolean {
  const from = at - 5
  if (from < start || src[at - 1] !== 0x51 || (classOf[src[at - 2]!]! & DIGIT) === 0) return false
  for (let i = from; i < at - 2; i++) if (!isAzure(src[i]!)) return false
  let until = at + 1
  while (until < end && until < at + 36 && isAzure(src[until]!)) until++
  const length = until - at - 1
  if (length < 31 || length > 34) return false
  span.start = from
  span.end = until
  return true
}

function isAzure(byte: number): boolean {
  return (classOf[byte]! & BASE64URL) !== 0 || byte === 0x7e || byte === 0x2e
}

export const cloudKey: Detector = {
  name: 'cloud-key',
  description:
    'Keys of AWS, Google, Azure, GitHub, GitLab, Slack, Stripe, OpenAI and others, by prefix',
  rank: 8,
  wake: { on: 'ending', endings: ENDINGS, match: matchCloudKey },
  visible: 'nothing',
  normal: 'exact',
}
