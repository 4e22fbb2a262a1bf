// How good the detectors are, on the labelled sentences of others and on cells that hold nothing.
// docs/detectors.md has the table; the floors here keep it true.
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { composeIBAN } from 'ibantools'
import { describe, expect, it } from 'vitest'
import { createMasking, detectors, findIn } from './index.ts'

const names = [...detectors.keys()]
const seen = (text: string) => {
  const bytes = Buffer.from(text)
  return findIn(names, bytes).map(({ dataClass, start, end }) => ({
    dataClass,
    start: bytes.toString('utf8', 0, start).length,
    end: bytes.toString('utf8', 0, end).length,
  }))
}

const FILE = resolve(
  import.meta.dirname,
  '../../../../shared/vectors/pii/data/synth_dataset_v2.json',
)
const LABELS: Record<string, string> = {
  EMAIL_ADDRESS: 'email',
  CREDIT_CARD: 'card',
  US_SSN: 'us-ssn',
  PHONE_NUMBER: 'phone',
  IBAN_CODE: 'iban',
}
interface Sentence {
  full_text: string
  spans: {
    entity_type: string
    entity_value: string
    start_position: number
    end_position: number
  }[]
}

function score(sentences: readonly Sentence[], wanted: string) {
  const tally = { found: 0, missed: 0, wrong: 0 }
  for (const { full_text: text, spans } of sentences) {
    const findings = seen(text).filter(each => each.dataClass === wanted)
    const used = new Set<unknown>()
    const points = Array.from(text)
    const offset = (at: number) => points.slice(0, at).join('').length
    for (const { entity_type: type, start_position, end_position } of spans) {
      if (LABELS[type] !== wanted) continue
      const [start, end] = [offset(start_position), offset(end_position)]
      const hit = findings.find(each => each.start <= start && each.end >= end)
      if (hit === undefined) tally.missed++
      else {
        tally.found++
        used.add(hit)
      }
    }
    tally.wrong += findings.filter(each => !used.has(each)).length
  }
  return {
    precision: tally.found / (tally.found + tally.wrong),
    recall: tally.found / (tally.found + tally.missed),
  }
}

describe.skipIf(!existsSync(FILE))(
  'on presidio-research’s sentences (left out when they are not there)',
  () => {
    const sentences: Sentence[] = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : []

    it.each([
      ['email', 0.99, 0.97],
      ['card', 0.99, 0.99],
      ['us-ssn', 0.99, 0.98],
      ['iban', 0.99, 0.98],
      // Seven of the 92 are national numbers with neither a trunk zero nor a word that names them.
      ['phone', 0.98, 0.92],
    ])('%s: precision at least %f, recall at least %f', (name, precision, recall) => {
      const result = score(sentences, name)
      expect(result.precision).toBeGreaterThanOrEqual(precision)
      expect(result.recall).toBeGreaterThanOrEqual(recall)
    })
  },
)

const hex = (i: number) => createHash('md5').update(String(i)).digest('hex')
const int = (i: number) => Number.parseInt(hex(i).slice(0, 12), 16)
const digits = (i: number, count: number) =>
  [...hex(i), ...hex(i + 0.5)]
    .map(c => Number.parseInt(c, 16) % 10)
    .join('')
    .slice(0, count)

describe('on made-up values in the places where values stand', () => {
  const checked = (head: string) => {
    for (let last = 0; ; last++) {
      const sum = [...`${head}${last}`].reverse().reduce((total, c, i) => {
        const n = i % 2 === 0 ? Number(c) : Number(c) * 2
        return total + (n > 9 ? n - 9 : n)
      }, 0)
      if (sum % 10 === 0) return `${head}${last}`
    }
  }
  const fours = (text: string, separator: string) => text.replace(/(.{4})(?=.)/g, `$1${separator}`)
  const part = (value: object | string) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  const makers: Record<string, (i: number) => string> = {
    email: i =>
      `${hex(i).slice(0, 1 + (i % 12))}.${i}@${['mail', 'xn--bcher-kva', 'sub.example'][i % 3]}.${['com', 'co.uk', 'museum'][i % 3]}`,
    card: i => {
      const [prefix = '', length = 16] = [
        ['4', 16],
        ['51', 16],
        ['2345', 16],
        ['6011', 16],
        ['3530', 16],
      ][i % 5] as [string, number]
      const value = checked(prefix + digits(i, length - prefix.length - 1))
      return [value, fours(value, ' '), fours(value, '-')][i % 3]!
    },
    'us-ssn': i => `${100 + (int(i) % 500)}-${10 + (i % 89)}-${1000 + (int(i) % 8999)}`,
    phone: i => {
      const line = `${200 + (int(i) % 700)} ${200 + (i % 700)} ${1000 + (int(i) % 8999)}`
      return [
        `+1 ${line}`,
        line.replaceAll(' ', '-'),
        `+44 7${digits(i, 9)}`,
        `+49 30 ${digits(i, 8)}`,
      ][i % 4]!
    },
    iban: i => {
      const [countryCode, bban] = [
        ['DE', digits(i, 18)],
        ['GB', `NWBK${digits(i, 14)}`],
        ['FR', digits(i, 23)],
      ][i % 3] as [string, string]
      const value = composeIBAN({ countryCode, bban }) ?? ''
      return i % 2 === 0 ? value : fours(value, ' ')
    },
    jwt: i =>
      `${part({ alg: 'RS256', kid: hex(i).slice(0, i % 9) })}.${part({ sub: i })}.${part(hex(i))}`,
    'private-key': i => {
      const label = ['', 'RSA ', 'EC ', 'OPENSSH ', 'ENCRYPTED '][i % 5]
      return `-----BEGIN ${label}PRIVATE KEY-----\\n${part(hex(i) + hex(i + 1))}\\n-----END ${label}PRIVATE KEY-----`
    },
    'cloud-key': i => {
      const body = hex(i).toUpperCase() + hex(i + 1)
      return [
        `AKIA${body.slice(0, 16)}`,
        `ghp_${body.slice(0, 36)}`,
        `sk_live_${body.slice(0, 24)}`,
        `xoxb-${digits(i, 11)}-${body.slice(0, 24)}`,
        `AIza${body.slice(0, 35)}`,
      ][i % 5]!
    },
  }
  const places = [
    (v: string) => v,
    (v: string) => `{"id":7,"value":"${v}","next":null}`,
    (v: string) => `17,${v},2024-01-31`,
    (v: string) => `2024-01-31T12:34:56Z level=info value=${v} took=12ms`,
    (v: string) => `| 12 | ${v} | ok |`,
    (v: string) => `Key (x)=(${v}) already exists.`,
    (v: string) => `«${v}»,\n${'字'.repeat(5)}`,
  ]

  it.each(Object.entries(makers))('finds each %s whole', (name, make) => {
    const missed: string[] = []
    let spilt = 0
    for (let i = 0; i < 400; i++) {
      const value = make(i)
      const text = places[i % places.length]!(value)
      const start = text.indexOf(value)
      const hit = seen(text).find(
        each => each.dataClass === name && each.start <= start && each.end >= start + value.length,
      )
      if (hit === undefined) missed.push(text)
      else if (hit.end - hit.start > value.length) spilt++
    }
    expect(missed).toEqual([])
    // Letters of any script belong to an address, so quotes above U+007F are hidden with it.
    expect(spilt).toBeLessThanOrEqual(name === 'email' ? 60 : 0)
  })
})

describe('on cells that hold nothing', () => {
  const classes = names.map(name => ({ name, columns: [], detect: name, mask: 'redact' as const }))
  const scanner = createMasking({ classes, tokenKey: new Uint8Array(32) }).scanner(names)!
  const out = Buffer.alloc(4096)
  const word = (i: number) => ['lorem', 'ipsum', 'Dolor', 'sit', 'AMET', 'consectetur'][i % 6]!
  const cells: Record<string, (i: number) => string> = {
    uuids: i => hex(i).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    digests: i => hex(i) + hex(i + 1),
    'hex words': i => hex(i).slice(0, 4 + (i % 24)),
    'base64 words': i => Buffer.from(hex(i), 'hex').toString('base64'),
    timestamps: i => new Date(int(i) / 50).toISOString(),
    'SQL timestamps': i =>
      new Date(int(i) / 50).toISOString().replace('T', ' ').replace('Z', '+00'),
    'unix milliseconds': i => String(1_600_000_000_000 + (int(i) % 2e11)),
    'unix microseconds': i => String(1_600_000_000_000_000 + int(i)),
    integers: i => String(int(i) % 10 ** (1 + (i % 12))),
    decimals: i => (int(i) / 1e6).toFixed(i % 9),
    amounts: i => (int(i) / 1e6).toLocaleString('en-US', { maximumFractionDigits: 2 }),
    words: i => Array.from({ length: 3 + (i % 9) }, (_, k) => word(int(i) + k)).join(' '),
    versions: i => `package@${i % 20}.${int(i) % 30}.${int(i) % 7}-beta.${i % 5}`,
    addresses: i => `${i % 256}.${int(i) % 256}.${int(i + 1) % 256}.${int(i + 2) % 256}`,
    identifiers: i => `ORD-${2000 + (i % 30)}-${String(int(i) % 1e6).padStart(6, '0')}`,
    paths: i => `/var/lib/${word(i)}/${hex(i).slice(0, 8)}/file_${i}.tar.gz`,
  }

  it.each(Object.entries(cells))('finds at most one in ten thousand %s', (_, make) => {
    let wrong = 0
    for (let i = 0; i < 10_000; i++) {
      const cell = Buffer.from(make(i))
      if (scanner(cell, 0, cell.length, out, 0) >= 0) wrong++
    }
    expect(wrong).toBeLessThanOrEqual(1)
  })
})

describe('next to a value', () => {
  it.each([
    ['a card with a wrong check digit', '4111 1111 1111 1112'],
    ['a card of no issuer', '9111 1111 1111 1111'],
    ['thirteen digits that nothing names', '4222222222222'],
    ['an SSN of an area that was never issued', '666-12-3456'],
    ['an SSN of group 00', '123-00-4567'],
    ['the tail of a longer number', '2270-66-1551'],
    ['an SSN with more behind it', '123-45-6789-1'],
    ['nine digits that nothing names', '123456789'],
    ['an IBAN with a wrong check', 'GB28NWBK60161331926819'],
    ['an IBAN of a wrong length', 'GB29NWBK6016133192681'],
    ['an address without a dot', 'bob@localhost'],
    ['a mention', 'ask @bob.smith about it'],
    ['three parts that are no token', 'eyJmb28iOjF9.abc.def'],
    ['a public key', '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----'],
    ['ten bare digits', '2025550123'],
    ['a calling code that does not exist', '+999 123 456 789'],
  ])('does not take %s for one', (_, text) => {
    expect(seen(text)).toEqual([])
  })

  it.each([
    ['us-ssn', 'my SSN is 123456789'],
    ['us-ssn', '{"socialSecurityNumber":"123456789"}'],
    ['card', 'card 4222222222222'],
    ['phone', '{"homePhone":"2025550123"}'],
    ['phone', '4673395 office'],
    ['cloud-key', '"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"'],
    ['cloud-key', 'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
    ['cloud-key', `DefaultEndpointsProtocol=https;AccountKey=${'Ab1/'.repeat(21)}ab==;`],
    ['cloud-key', `token sk-ant-api03-${'aB3_'.repeat(12)}`],
    ['cloud-key', `glpat-${'aB3-'.repeat(6)}`],
    ['cloud-key', `abc8Q~${'x.Y~'.repeat(8)}`],
    ['private-key', `AGE-SECRET-KEY-1${'Q5'.repeat(29)}`],
    [
      'private-key',
      '-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----',
    ],
  ])('takes the word of the text for a %s: %s', (name, text) => {
    expect(seen(text).map(each => each.dataClass)).toEqual([name])
  })
})
