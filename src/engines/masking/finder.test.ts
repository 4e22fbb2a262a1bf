// The fast finder against a slow twin: plain expressions and string rules, position by position, with no
// table, no pre-filter and no shared run. They must find the same spans in any text.
import { Buffer } from 'node:buffer'
import { countrySpecs, isValidIBAN } from 'ibantools'
import { getCountries, getCountryCallingCode, Metadata } from 'libphonenumber-js'
import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { detectors, findIn } from './index.ts'

type Spans = [start: number, end: number][]
/** Every match of a judge that tells, for a position, what it sees there; left to right, no overlaps. */
function sweep(text: string, judge: (at: number) => [number, number] | undefined): Spans {
  const spans: Spans = []
  let until = 0
  for (let at = 0; at < text.length; at++) {
    if (at < until) continue
    const span = judge(at)
    if (span === undefined) continue
    spans.push(span)
    until = span[1]
  }
  return spans
}

const alnum = (c: string | undefined) => c !== undefined && /^[A-Za-z0-9]$/.test(c)
const luhn = (digits: string) =>
  [...digits].reverse().reduce((sum, c, i) => {
    const n = i % 2 === 0 ? Number(c) : Number(c) * 2
    return sum + (n > 9 ? n - 9 : n)
  }, 0) %
    10 ===
  0

function emails(text: string): Spans {
  return sweep(text, at => {
    if (text[at] !== '@') return undefined
    // An apostrophe within a local part, not at its end: there it is a quote.
    const part = /(?:[A-Za-z0-9._%+\-~\x80-\xff]|(?<=[A-Za-z0-9])['&])*[A-Za-z0-9._%+\-~\x80-\xff]$/
    const before = part.exec(text.slice(0, at))
    const local = (before?.[0] ?? '').replace(/^\.+/, '')
    const run = /^[A-Za-z0-9.\-\x80-\xff]*/.exec(text.slice(at + 1, at + 256))?.[0] ?? ''
    let end = -1
    let from = 0
    for (const [i, label] of run.split('.').entries()) {
      const cut = label.startsWith('-') || label === '' || label.length > 63
      if (cut) break
      const worded = /[A-Za-z\x80-\xff]/.test(run.split('.')[i - 1] ?? '')
      const letters = worded ? /^[A-Za-z\x80-\xff]{2,}/ : /^[A-Za-z\x80-\xff]{2,}(?=-|$)/
      const top = /^xn--.+$/i.exec(label) ?? letters.exec(label)
      if (i > 0 && top !== null) end = from + top[0].length
      if (label.endsWith('-')) break
      from += label.length + 1
    }
    if (local === '' || end < 0) return undefined
    end += at + 1
    while (end < text.length && /[\x80-\xbf]/.test(text[end]!)) end++
    return [at - local.length, end]
  })
}

interface Token {
  at: number
  digits: string
  joint: string
}
/** The digit groups from `at` on, with what joins each to the next. */
function tokens(text: string, at: number): Token[] {
  const list: Token[] = []
  while (list.length < 25) {
    const found = /^(\d+)((?:[ \-./]| ?\(|\)[ -]?)(?=\d))?/.exec(text.slice(at))
    if (found === null) return list
    const [, digits = '', joint = ''] = found
    list.push({ at, digits, joint: /[()]/.test(joint) ? ')' : joint })
    at += digits.length + joint.length
    if (joint === '') return list
  }
  return list
}
const endOf = (token: Token) => token.at + token.digits.length
const joinedBefore = (text: string, at: number, also = '') =>
  alnum(text[at - 1]) ||
  /\d[-./]$/.test(text.slice(0, at)) ||
  (also !== '' && text[at - 1] === also && /\d/.test(text[at - 2] ?? ''))
const joinedAfter = (text: string, at: number, also = '') =>
  alnum(text[at]) ||
  /^[-.]\d/.test(text.slice(at)) ||
  (also !== '' && text[at] === also && /\d/.test(text[at + 1] ?? ''))
function wordBefore(text: string, at: number, words: string): boolean {
  const word = new RegExp(`^(?:${words})(?=$|[^a-z]|s(?:$|[^a-z]))`, 'i')
  for (let i = Math.max(0, at - 40); i < at; i++) {
    if (!/[a-z]/i.test(text[i]!)) continue
    if (/[a-z]/i.test(text[i - 1] ?? '') && !/^[a-z][A-Z]/.test(text.slice(i - 1))) continue
    // A hump of camel case ends a word as a space does.
    const spaced = text.slice(i, at).replace(/([a-z])(?=[A-Z])/g, '$1 ')
    const rest = text.slice(at, at + 12)
    if (
      words
        .split('|')
        .some(each => word.test(`${spaced}${rest}`) && new RegExp(`^${each}`, 'i').test(spaced))
    )
      return true
  }
  return false
}

const BARE = [
  [/^4|^5[1-5]|^6011|^64[4-9]|^65|^62/, 16],
  [/^3[47]|^1800|^2131/, 15],
  [/^30[0-5]|^3095|^3[689]/, 14],
] as const
const GROUPED = [
  [/^4/, [13, 16, 19]],
  [/^5[1-5]|^9792|^81|^82|^35/, [16]],
  [/^6011|^64[4-9]|^65|^62|^220[0-4]/, [16, 17, 18, 19]],
  [/^3[47]|^1800|^2131/, [15]],
  [/^30[0-5]|^3095|^3[689]/, [14, 16, 19]],
  [/^50|^5[678]|^6|^0604/, [12, 13, 14, 15, 16, 17, 18, 19]],
] as const
const within = (digits: string, from: number, to: number, n: number) =>
  Number(digits.slice(0, n)) >= from && Number(digits.slice(0, n)) <= to && digits[0] !== '0'
const issued = (digits: string) =>
  luhn(digits) &&
  (GROUPED.some(
    ([prefix, lengths]) =>
      prefix.test(digits) && (lengths as readonly number[]).includes(digits.length),
  ) ||
    (digits.length === 16 && within(digits, 2221, 2720, 4)) ||
    (digits.length >= 16 &&
      digits.length <= 19 &&
      (within(digits, 8100, 8171, 4) || within(digits, 3528, 3589, 4))))
const usual = (digits: string) =>
  BARE.some(([prefix, length]) => prefix.test(digits) && digits.length === length) ||
  (digits.length === 16 &&
    (within(digits, 2221, 2720, 4) ||
      within(digits, 3528, 3589, 4) ||
      within(digits, 2200, 2204, 4) ||
      within(digits, 9792, 9792, 4)))

function cards(text: string): Spans {
  return sweep(text, at => {
    if (!/\d/.test(text[at]!) || joinedBefore(text, at)) return undefined
    const groups = tokens(text, at)
    const [{ digits, joint }] = groups as [Token]
    if (digits.length >= 12) {
      const end = at + digits.length
      if (digits.length > 19 || joinedAfter(text, end) || !issued(digits)) return undefined
      const words = 'cards?|creditcard|visa|mastercard|amex|maestro|cc|pan|credit|debit'
      return usual(digits) || wordBefore(text, at, words) ? [at, end] : undefined
    }
    if (digits.length !== 4 || (joint !== ' ' && joint !== '-')) return undefined
    let all = digits
    let end = -1
    for (let k = 1; k < groups.length && groups[k - 1]!.joint === joint; k++) {
      const group = groups[k]!
      all += group.digits
      if (group.digits.length > 6 || all.length > 19 || (group.digits.length < 3 && k < 3)) break
      if (all.length < 13 || (joint === '-' && group.joint === '-')) continue
      if (!joinedAfter(text, endOf(group)) && issued(all)) end = endOf(group)
    }
    return end < 0 ? undefined : [at, end]
  })
}

function ssns(text: string): Spans {
  const never = /^(?:000|666|9)|^...[ -]?00|0000$/
  return sweep(text, at => {
    if (!/\d/.test(text[at]!)) return undefined
    const grouped = /^\d{3}([ -])\d{2}\1\d{4}(?!\d)/.exec(text.slice(at))
    if (grouped !== null) {
      const [whole, joint = ''] = grouped
      const free = !joinedBefore(text, at, joint) && !joinedAfter(text, at + 11, joint)
      return free && !never.test(whole) ? [at, at + 11] : undefined
    }
    const bare = /^\d{9}(?!\d)/.exec(text.slice(at))?.[0]
    if (bare === undefined || never.test(bare)) return undefined
    if (joinedBefore(text, at) || joinedAfter(text, at + 9)) return undefined
    return wordBefore(text, at, 'ssn|social|socialsecurity') ? [at, at + 9] : undefined
  })
}

const plans = new Map<string, number[]>()
for (const country of getCountries()) {
  const metadata = new Metadata()
  metadata.selectNumberingPlan(country)
  const code = getCountryCallingCode(country)
  const lengths = metadata.numberingPlan?.possibleLengths() ?? []
  plans.set(code, [
    ...(plans.get(code) ?? []),
    ...lengths.filter(n => (code === '1' ? n === 10 : n >= 6)),
  ])
}
const EXTENSION = /^ ?(?:ext|x|#)\.? ?\d{1,6}(?![A-Za-z0-9])/i
const ends = (text: string, at: number) => EXTENSION.test(text.slice(at)) || !joinedAfter(text, at)

function abroad(text: string, groups: Token[], skip: number): number {
  let all = ''
  let end = -1
  for (const [k, { at, digits, joint }] of groups.slice(0, 19).entries()) {
    if (!(digits === '0' && text[at - 1] === '(' && text[at + 1] === ')')) {
      all += k === 0 ? digits.slice(skip) : digits
      const code = [1, 2, 3].map(n => all.slice(0, n)).find(each => plans.has(each))
      if (all.length > 15) return end
      if (code === undefined && (all.length >= 3 || all.startsWith('0'))) return -1
      if (
        code !== undefined &&
        plans.get(code)!.includes(all.length - code.length) &&
        ends(text, at + digits.length)
      ) {
        end = at + digits.length
      }
    }
    if (joint === '') break
  }
  return end
}

function phones(text: string): Spans {
  const judge = (first: number): [number, number] | undefined => {
    if (!/\d/.test(text[first]!) || alnum(text[first - 1])) return undefined
    const groups = tokens(text, first)
    const sizes = groups.map(group => group.digits.length)
    const joints = groups.map(group => group.joint)
    if (sizes[0]! > 15) return undefined
    if (/\d $/.test(text.slice(0, first)) && joints[0] === ' ' && !text.startsWith('00', first))
      return undefined
    let from = first
    const bracketed = text[from - 1] === '(' && joints[0] === ')'
    if (bracketed) from--
    if (text[from - 1] === '+') from--
    if (alnum(text[from - 1])) return undefined
    const done = (end: number): [number, number] => [
      from,
      end + (EXTENSION.exec(text.slice(end))?.[0].length ?? 0),
    ]
    if (text[from] === '+') {
      const end = abroad(text, groups, 0)
      return end < 0 ? undefined : done(end)
    }
    if (joinedBefore(text, from)) return undefined
    if (text.startsWith('00', first) && sizes[0]! >= 3 && groups.length > 1) {
      const end = abroad(text, groups, 2)
      if (end >= 0) return done(end)
    }
    const long = groups[0]!.digits === '1' && !bracketed ? 1 : 0
    const american = groups.slice(long, long + 3)
    if (american.map(group => group.digits.length).join() === '3,3,4') {
      const [area, exchange, line] = american as [Token, Token, Token]
      const style = exchange.joint
      const strict = style === ' ' && area.joint === ' ' && exchange.digits < '2'
      const shaped = (area.joint === style || area.joint === ')') && /^[-. ]$/.test(style)
      const free = !joinedBefore(text, from, style)
      const end = endOf(line)
      const more = text[end] === style && /\d/.test(text[end + 1] ?? '')
      if (shaped && area.digits >= '2' && !strict && free && ends(text, end) && !more)
        return done(end)
    }
    const national = trunk(text, from, groups, bracketed)
    if (national >= 0) return done(national)
    if (joinedBefore(text, from, ' ')) return undefined
    let count = 0
    let last = groups[0]!
    for (const group of groups) {
      count += group.digits.length
      last = group
      if (count > 15) return undefined
      if (group.joint === '') break
    }
    const date =
      groups.length > 2 &&
      joints[0] !== ' ' &&
      joints[0] === joints[1] &&
      sizes[1]! <= 2 &&
      ((sizes[0] === 4 && sizes[2]! <= 2) || (sizes[0]! <= 2 && sizes[2] === 4))
    const end = endOf(last)
    if (count < 7 || date || !ends(text, end)) return undefined
    const words =
      'phone|telephone|tel|mobile|cell|cellphone|fax|call|dial|desk|whatsapp|sms|phonenumber|telefon|telefono|mobil|handy|celular'
    const after = /^(?:[^A-Za-z]{0,3})(?:phone|office|fax|mobile|cell|desk)(?![A-Za-z])/i
    if (wordBefore(text, from, words) || after.test(text.slice(end))) return done(end)
    const weak = 'answering|answer|messages?|registered|contact|reach'
    return joints[0] !== '' && wordBefore(text, from, weak) ? done(end) : undefined
  }
  // Judged where a group begins; a number may reach back over a plus or a bracket.
  const spans: Spans = []
  let until = 0
  for (let at = 0; at < text.length; at++) {
    const span = at < until || /\d/.test(text[at - 1] ?? '') ? undefined : judge(at)
    if (span === undefined) continue
    spans.push(span)
    until = span[1]
  }
  return spans
}

function trunk(text: string, from: number, groups: Token[], bracketed: boolean): number {
  const [first, second] = groups
  if (first === undefined || second === undefined) return -1
  if (!/^0[1-9]\d{0,3}$/.test(first.digits) || bracketed !== (first.joint === ')')) return -1
  const style = bracketed ? second.joint || ' ' : first.joint
  if (!/^[ .\-/]$/.test(style) || joinedBefore(text, from, style)) return -1
  let count = first.digits.length
  let k = 1
  for (; k < groups.length; k++) {
    count += groups[k]!.digits.length
    if (groups[k]!.digits.length < 2 || count > 11) return -1
    if (groups[k]!.joint !== style) break
  }
  k = Math.min(k, groups.length - 1)
  if (/[-/]/.test(style) && !bracketed && (k !== 1 || second.digits.length < 6)) return -1
  const end = endOf(groups[k]!)
  return count < 9 || !ends(text, end) || /^:\d/.test(text.slice(end)) ? -1 : end
}

function ibans(text: string): Spans {
  return sweep(text, at => {
    if (alnum(text[at - 1]) || !/^[A-Za-z]{2}\d{2}/.test(text.slice(at))) return undefined
    const country = text.slice(at, at + 2).toUpperCase()
    const chars = countrySpecs[country]?.chars
    if (typeof chars !== 'number') return undefined
    let compact = text.slice(at, at + 4)
    let i = at + 4
    while (compact.length < chars) {
      if (compact.length % 4 === 0 && /[ -]/.test(text[i] ?? '')) i++
      if (!alnum(text[i])) return undefined
      compact += text[i++]
    }
    if (alnum(text[i]) || !isValidIBAN(compact.toUpperCase(), { allowQRIBAN: true }))
      return undefined
    return [at, i]
  })
}

function jwts(text: string): Spans {
  const token = /(?<![A-Za-z0-9_-])(eyJ[\w-]*)\.([\w-]*)\.([\w-]*(?:\.[\w-]+){0,2})/y
  return sweep(text, at => {
    token.lastIndex = at
    const found = token.exec(text)
    if (found === null) return undefined
    const header = Buffer.from(found[1]!, 'base64url').toString('latin1')
    const good = /^\{"/.test(header) && header.includes('"alg"') && /\}\s*$/.test(header)
    return good ? [at, at + found[0].length] : undefined
  })
}

function privateKeys(text: string): Spans {
  const label = '(?:[A-Za-z0-9 ]*PRIVATE KEY[A-Za-z0-9 ]*)'
  const all = new RegExp(
    `-----BEGIN (?=[A-Za-z0-9 ]{11,64}-----)${label}-----.*?(?:-----END (?=[A-Za-z0-9 ]{11,64}-----)${label}-----|$)|(?<![A-Za-z])AGE-SECRET-KEY-1[A-Z0-9]{58,}`,
    'gs',
  )
  const spans: Spans = []
  for (let found = all.exec(text); found !== null; found = all.exec(text)) {
    spans.push([found.index, all.lastIndex])
    // The dashes that end one block may begin the next.
    all.lastIndex = Math.max(found.index + 1, all.lastIndex - 5)
  }
  return spans
}

function cloudKeys(text: string): Spans {
  const judge = [
    /(?<![A-Za-z0-9])A[KSB]IA[A-Z0-9]{16}(?![A-Za-z0-9])/y,
    /(?<![A-Za-z0-9])AIza[\w-]{35,}/y,
    /(?<![A-Za-z0-9])GOCSPX-[\w-]{24,}/y,
    /(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{36,}/y,
    /(?<![A-Za-z0-9])github_pat_[\w-]{40,}/y,
    /(?<![A-Za-z0-9])(?:glpat|gldt)-[\w-]{20,}/y,
    /(?<![A-Za-z0-9])xox[abeoprs]-(?=[A-Za-z_-]{0,63}\d)[\w-]{10,}/y,
    /(?<![A-Za-z0-9])[rs]k_(?:live|test)_[A-Za-z0-9]{16,}/y,
    /(?<![A-Za-z0-9])sk-(?=[\w-]{0,63}\d)(?=[\w-]{0,63}[A-Z])(?=[\w-]{0,63}[a-z])[\w-]{20,}/y,
    /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36,}/y,
    /(?<![A-Za-z0-9])SG\.[\w-]{16,63}\.[\w-]{32,}/y,
  ]
  return sweep(text, at => {
    for (const each of judge) {
      each.lastIndex = at
      const found = each.exec(text)
      if (found !== null) return [at, at + found[0].length]
    }
    return undefined
  })
}

const twins: Record<string, (text: string) => Spans> = {
  email: emails,
  card: cards,
  'us-ssn': ssns,
  phone: phones,
  iban: ibans,
  jwt: jwts,
  'private-key': privateKeys,
  'cloud-key': cloudKeys,
}

const samples = [
  'bob@example.com',
  "jürgen.o'neil+x@müller.de",
  'a@b.co.uk',
  '4111 1111 1111 1111',
  '4111111111111111',
  '378282246310005',
  '3782-822463-10005',
  '6304 2737 3398',
  '630427373398',
  '123-45-6789',
  '123 45 6789',
  '123456789',
  '+1-202-555-0123',
  '(202) 555-0123',
  '001-518-640-0854',
  '+46 (0)8 928 571 38',
  '07700 063 966',
  '03.93.92.16.85',
  '0961-7596216',
  '905-674-3793x45',
  '467 3395',
  'GB29 NWBK 6016 1331 9268 19',
  'gb29nwbk60161331926819',
  'DE89370400440532013000',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def',
  'eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.',
  '-----BEGIN RSA PRIVATE KEY-----',
  '-----END RSA PRIVATE KEY-----',
  'AKIAIOSFODNN7EXAMPLE',
  `ghp_${'aB3'.repeat(12)}`,
  'sk_live_4eC39HqLyjWDarjtT1zdp7dc',
  'xoxb-1234567890-abc',
  `AIza${'Sy-_9'.repeat(7)}`,
  '550e8400-e29b-41d4-a716-446655440000',
  '192.0.2.17:8080',
  '2001:db8::8a2e:370:7334',
  '::ffff:192.0.2.1',
  '00:1b:44:11:3a:b7',
  'AB 12 34 56 C',
  '12345678Z',
  'X1234567L',
  'RSSMRA85T10A562S',
  '131052-308T',
  'AAAPL1234C',
  'S1234567D',
  '111.444.777-35',
  '12.ABC.345/01DE-35',
  '811228-9874',
  '1 84 12 76 451 089 46',
  'ssh://u:p4ss@host',
  'password=Tr0ub4dor&3xyz',
  '2024-01-31 12:34:56.789+00',
]
const pieces = [
  ' ',
  '  ',
  '-',
  '.',
  '/',
  '(',
  ')',
  '+',
  ':',
  ',',
  '\n',
  '\0',
  '_',
  '@',
  'x',
  "'",
  '&',
  '"',
  '=',
  'é',
  '字',
  '🔑',
  'phone',
  'message',
  'registered',
  'bsn',
  'token: ',
  '//',
  '::',
  'ssn',
  'card',
  'cards',
  'myCard',
  'Tel',
  'office',
  'ext',
  'eyJ',
  '-----BEGIN ',
  '-----END ',
  'PRIVATE KEY',
  'AKIA',
  'ghp_',
  'sk-',
  'SG.',
  'xn--',
  'com',
  'A',
  'b',
  '0',
  '00',
  '1',
  '4',
  '12',
  '202',
  '555',
  '0123',
  '4111',
  '1111',
]
const anyText = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...pieces) },
      { weight: 2, arbitrary: fc.constantFrom(...samples) },
      { weight: 1, arbitrary: fc.stringMatching(/^[0-9]{1,20}$/) },
      { weight: 1, arbitrary: fc.stringMatching(/^[0-9 ().+\-/]{1,24}$/) },
      { weight: 1, arbitrary: fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/) },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.constantFrom(...samples), fc.nat(40)).map(([s, n]) => s.slice(0, n)),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    ),
    { maxLength: 12 },
  )
  .map(parts => parts.join(''))

/** Those that have a twin; the others are held by the corpus of test/detectors. */
const twinned = Object.keys(twins)
const every = [...detectors.keys()]
const bySpan = (a: readonly [string, number, number], b: readonly [string, number, number]) =>
  a[1] - b[1] || a[2] - b[2] || (a[0] < b[0] ? -1 : 1)
const fast = (src: Uint8Array, start?: number, end?: number, names = every) =>
  findIn(names, src, start, end)
    .map(each => [each.dataClass, each.start - (start ?? 0), each.end - (start ?? 0)] as const)
    .sort(bySpan)
const slow = (latin1: string) =>
  twinned
    .flatMap(name => twins[name]!(latin1).map(([start, end]) => [name, start, end] as const))
    .sort(bySpan)

describe('finding values', () => {
  it('finds what the slow twin finds in any text', () => {
    fc.assert(
      fc.property(anyText, text => {
        const src = Buffer.from(text)
        expect(fast(src, undefined, undefined, twinned)).toEqual(slow(src.toString('latin1')))
      }),
      { numRuns: 6000 },
    )
  })

  it('hides a key that begins with the dashes that end another', () => {
    const text = `${'-----BEGIN RSA PRIVATE KEY-----'}${'-----END RSA PRIVATE KEY-----'}BEGIN RSA PRIVATE KEY-----`
    expect(fast(Buffer.from(text), undefined, undefined, ['private-key'])).toEqual([
      ['private-key', 0, 60],
      ['private-key', 55, 86],
    ])
    expect(slow(text)).toEqual(fast(Buffer.from(text), undefined, undefined, twinned))
  })

  it('finds the same whatever stands before and behind the cell', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (before, text, behind) => {
        const src = Buffer.from(before + text + behind)
        const start = Buffer.byteLength(before)
        const end = start + Buffer.byteLength(text)
        expect(fast(src, start, end)).toEqual(fast(Buffer.from(text)))
      }),
      { numRuns: 2000 },
    )
  })

  it('never splits a code point', () => {
    fc.assert(
      fc.property(anyText, text => {
        const src = Buffer.from(text)
        for (const [, start, end] of fast(src)) {
          expect(
            (src[start]! & 0xc0) === 0x80 || (src[end] !== undefined && (src[end] & 0xc0) === 0x80),
          ).toBe(false)
        }
      }),
    )
  })

  it('survives bytes that are not UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), src => {
        fast(src)
        expect(fast(src, undefined, undefined, twinned)).toEqual(
          slow(Buffer.from(src).toString('latin1')),
        )
      }),
    )
  })

  it.each(samples.slice(0, 7))('finds %s wherever it stands in a cell', value => {
    for (let pad = 0; pad < 12; pad++) {
      const src = Buffer.from(`${' '.repeat(pad)}${value}`)
      expect(fast(src).map(([, start, end]) => [start, end])).toContainEqual([pad, src.length])
    }
  })
})
