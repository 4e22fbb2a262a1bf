// Made-up values of each detector, and near misses that break one rule each. Written by each rule's own
// publication, on strings, without a line of the detectors: what both have wrong would pass unseen.
import { createHash } from 'node:crypto'

/** A die that falls the same on every machine. */
export class Die {
  #state: number

  constructor(seed: string) {
    this.#state = createHash('sha256').update(seed).digest().readUInt32LE(0)
  }

  below(n: number): number {
    // Mulberry32.
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * n)
  }

  of<Item>(items: ArrayLike<Item>): Item {
    return items[this.below(items.length)]!
  }

  text(alphabet: string, count: number): string {
    return Array.from({ length: count }, () => this.of(alphabet)).join('')
  }

  digits(count: number): string {
    return this.text('0123456789', count)
  }
}

export interface Values {
  /** A word of the texts in which it stands; absent: the value needs none. */
  readonly word?: string
  /** Whether a rule over its characters must hold: the stricter gate is for these. */
  readonly checked: boolean
  make(die: Die): string
  /** Like one, but for one rule. */
  miss(die: Die): string
}

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const two = (n: number) => String(n).padStart(2, '0')
const sum = (text: string, weights: readonly number[]) =>
  weights.reduce((total, weight, i) => total + Number(text[i]) * weight, 0)
const day = (die: Die) => ({ y: die.below(100), m: 1 + die.below(12), d: 1 + die.below(28) })

function luhnDigit(head: string): string {
  const total = [...head].reverse().reduce((all, c, i) => {
    const n = i % 2 === 0 ? Number(c) * 2 : Number(c)
    return all + (n > 9 ? n - 9 : n)
  }, 0)
  return String((10 - (total % 10)) % 10)
}

/** Tries until the rule gives a digit. */
function until<Value>(make: () => Value | undefined): Value {
  for (;;) {
    const value = make()
    if (value !== undefined) return value
  }
}

/** In one of the ways to write it: each 0 of the form is the next character. */
function written(value: string, form: string): string {
  let i = 0
  return form.replace(/0/g, () => value[i++]!)
}

/** Changes one digit or letter for another of its kind, at a place that the rule covers. */
function changed(value: string, die: Die, from = 0, to: number = value.length): string {
  const i = until(() => {
    const at = from + die.below(to - from)
    return /[0-9A-Za-z]/.test(value[at]!) ? at : undefined
  })
  const c = value[i]!
  const alphabet = /\d/.test(c) ? '0123456789' : /[A-Z]/.test(c) ? UPPER : UPPER.toLowerCase()
  const other = until(() => {
    const next = die.of(alphabet)
    return next === c ? undefined : next
  })
  return value.slice(0, i) + other + value.slice(i + 1)
}

/** A value, and the same with another check digit. */
function numbers(
  settings: { word?: string; forms: readonly string[]; check: readonly [from: number, to: number] },
  make: (die: Die) => string,
): Values {
  return {
    ...(settings.word === undefined ? {} : { word: settings.word }),
    checked: true,
    make: die => written(make(die), die.of(settings.forms)),
    miss: die => written(changed(make(die), die, ...settings.check), die.of(settings.forms)),
  }
}

const mod11to10 = (head: string) => {
  let product = 10
  for (const c of head) {
    const s = (Number(c) + product) % 10 || 10
    product = (s * 2) % 11
  }
  return String((11 - product) % 10)
}

// Verhoeff's tables, by the group's own multiplication.
const dihedral = (a: number, b: number) =>
  a < 5
    ? b < 5
      ? (a + b) % 5
      : ((a + b - 5) % 5) + 5
    : b < 5
      ? ((a - 5 - b + 5) % 5) + 5
      : (a - b + 5) % 5
const verhoeffDigit = (head: string) => {
  const start = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
  let check = 0
  for (const [i, c] of [...head].reverse().entries()) {
    let n = Number(c)
    for (let k = 0; k < (i + 1) % 8; k++) n = start[n]!
    check = dihedral(check, n)
  }
  return String(check < 5 ? (5 - check) % 5 : check)
}

export const values: Readonly<Record<string, Values>> = {
  email: {
    checked: false,
    make: die =>
      `${die.text('abcdefghij.klmnop', 1).replace('.', 'x')}${die.text('abcdefg_-0123', die.below(12))}${die.below(9)}@${die.of(['mail', 'sub.example', 'xn--bcher-kva'])}.${die.of(['com', 'co.uk', 'museum', 'de'])}`,
    miss: die =>
      die.of([`bob@localhost`, `@${die.text('abcdef', 6)}`, `${die.text('abc', 5)}@`, `a@b@1.2`]),
  },
  card: numbers(
    { forms: ['0000000000000000', '0000 0000 0000 0000', '0000-0000-0000-0000'], check: [15, 16] },
    die => {
      const prefix = die.of(['4', '51', '55', '2345', '6011', '3530'])
      const head = prefix + die.digits(15 - prefix.length)
      return head + luhnDigit(head)
    },
  ),
  phone: {
    checked: false,
    make: die =>
      die.of([
        () => `+1 ${200 + die.below(790)} ${200 + die.below(790)} ${die.digits(4)}`,
        () => `(${200 + die.below(790)}) ${200 + die.below(790)}-${die.digits(4)}`,
        () => `${200 + die.below(790)}-${200 + die.below(790)}-${die.digits(4)}`,
        () => `+44 7${die.digits(3)} ${die.digits(6)}`,
        () => `+49 30 ${die.digits(8)}`,
        () =>
          `+33 ${1 + die.below(9)} ${die.digits(2)} ${die.digits(2)} ${die.digits(2)} ${die.digits(2)}`,
        () =>
          `0${1 + die.below(8)}${1 + die.below(9)}${die.digits(2)} ${1 + die.below(9)}${die.digits(5)}`,
      ])(),
    miss: die =>
      die.of([
        () => `+999 ${die.digits(3)} ${die.digits(3)} ${die.digits(3)}`,
        () => `+1 ${die.digits(4)}`,
        () => `1${die.digits(2)}-${die.digits(3)}-${die.digits(4)}-${die.digits(2)}`,
        () => die.digits(10).replace(/^0/, '1'),
      ])(),
  },
  iban: {
    checked: true,
    make: die => iban(die),
    miss: die => changed(iban(die).replaceAll(' ', ''), die, 2, 4),
  },
  ip: {
    checked: false,
    make: die =>
      die.of([
        () => [1 + die.below(223), die.below(256), die.below(256), die.below(256)].join('.'),
        () =>
          `2001:db8:${Array.from({ length: 6 }, () => (1 + die.below(0xffff)).toString(16)).join(':')}`,
        () => `fe80::${(0x1000 + die.below(0xefff)).toString(16)}:${die.digits(3)}`,
        () => `::ffff:192.0.2.${die.below(256)}`,
      ])(),
    miss: die =>
      die.of([
        () => `${die.below(256)}.${256 + die.below(700)}.${die.below(256)}.${die.below(256)}`,
        () => `${die.below(20)}.${die.below(20)}.${die.below(20)}`,
        () => `1.3.6.1.4.1.${die.below(9999)}`,
        () => `${two(die.below(24))}:${two(die.below(60))}:${two(die.below(60))}`,
        () => `std::map${die.below(9)}`,
        () => Array.from({ length: 7 }, () => die.digits(4)).join(':'),
      ])(),
  },
  mac: {
    checked: false,
    make: die =>
      die.of([
        () => Array.from({ length: 6 }, () => die.text('0123456789abcdef', 2)).join(':'),
        () => Array.from({ length: 6 }, () => die.text('0123456789ABCDEF', 2)).join('-'),
        () => Array.from({ length: 3 }, () => die.text('0123456789abcdef', 4)).join('.'),
      ])(),
    miss: die =>
      die.of([
        () => Array.from({ length: 5 }, () => die.text('0123456789abcdef', 2)).join(':'),
        () => Array.from({ length: 8 }, () => die.text('0123456789abcdef', 2)).join(':'),
        () => `${die.text('0123456789abcdef', 2)}:${die.text('ghijk', 2)}:00:11:22:33`,
        () => die.text('0123456789abcdef', 12),
      ])(),
  },
  'us-ssn': {
    checked: false,
    make: die =>
      `${100 + die.below(500)}-${two(1 + die.below(99))}-${String(1 + die.below(9999)).padStart(4, '0')}`,
    miss: die =>
      die.of([
        () => `666-${two(1 + die.below(99))}-${1000 + die.below(9000)}`,
        () => `${100 + die.below(500)}-00-${1000 + die.below(9000)}`,
        () => `${100 + die.below(500)}-${two(1 + die.below(99))}-0000`,
        () => `000-12-${1000 + die.below(9000)}`,
        () => `${100 + die.below(500)}-${die.digits(3)}-${die.digits(4)}`,
      ])(),
  },
  'us-itin': {
    checked: false,
    make: die => `9${die.digits(2)}-${50 + die.below(16)}-${die.digits(4)}`,
    miss: die =>
      die.of([
        `9${die.digits(2)}-${two(die.below(50))}-${die.digits(4)}`,
        `9${die.digits(2)}-89-${die.digits(4)}`,
      ]),
  },
  'us-aba': numbers(
    { word: 'routing', forms: ['000000000', '0000-0000-0'], check: [8, 9] },
    die => {
      const head = `${die.of(['01', '02', '11', '12', '21', '26', '31', '32', '61', '72', '80'])}${die.digits(6)}`
      return head + ((10 - (sum(head, [3, 7, 1, 3, 7, 1, 3, 7]) % 10)) % 10)
    },
  ),
  'us-npi': numbers({ word: 'NPI', forms: ['0000000000'], check: [9, 10] }, die => {
    const head = `${die.of('12')}${die.digits(8)}`
    return head + luhnDigit(`80840${head}`)
  }),
  'uk-nino': {
    checked: false,
    make: die => {
      const pair = until(() => {
        const letters = die.text('ABCEGHJKLMNPRSTWXYZ', 2)
        return ['BG', 'GB', 'KN', 'NK', 'NT', 'TN', 'ZZ'].includes(letters) ? undefined : letters
      })
      const value = `${pair}${die.digits(6)}${die.of('ABCD')}`
      return written(value, die.of(['000000000', '00 00 00 00 0']))
    },
    miss: die =>
      die.of([
        () =>
          `${die.of(['BG', 'GB', 'KN', 'NK', 'NT', 'TN', 'ZZ', 'DA', 'QQ', 'AO'])}${die.digits(6)}A`,
        () => `AB${die.digits(6)}${die.of('EFGH')}`,
        () => `AB${die.digits(5)}A`,
      ])(),
  },
  'uk-nhs': numbers(
    { word: 'NHS', forms: ['0000000000', '000 000 0000', '000-000-0000'], check: [9, 10] },
    die =>
      until(() => {
        const head = `${die.of('4679')}${die.digits(8)}`
        const check = 11 - (sum(head, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)
        return check === 10 ? undefined : head + (check % 11)
      }),
  ),
  'de-steuer-id': numbers(
    { word: 'Steuer-ID', forms: ['00000000000', '00 000 000 000'], check: [10, 11] },
    die =>
      until(() => {
        const head = die.digits(10)
        const counts = [...'0123456789'].map(c => head.split(c).length - 1)
        const good =
          head[0] !== '0' && counts.filter(n => n > 1).length === 1 && Math.max(...counts) <= 3
        return good ? head + mod11to10(head) : undefined
      }),
  ),
  'fr-nir': {
    checked: true,
    make: die => nir(die, true),
    miss: die => nir(die, false),
  },
  'es-nif': {
    checked: true,
    make: die => nif(die, die.of(['dni', 'dash', 'nie'])),
    miss: die => changed(nif(die, 'dni'), die, 8, 9),
  },
  'it-cf': {
    checked: true,
    make: die => fiscal(die),
    miss: die => changed(fiscal(die), die, 15, 16),
  },
  'pl-pesel': numbers({ word: 'PESEL', forms: ['00000000000'], check: [10, 11] }, die => {
    const { y, m, d } = day(die)
    const head = `${two(y)}${two(m + die.of([0, 20]))}${two(d)}${die.digits(4)}`
    return head + ((10 - (sum(head, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10)
  }),
  'nl-bsn': numbers(
    { word: 'BSN', forms: ['000000000', '0000.00.000', '000 000 000'], check: [8, 9] },
    die =>
      until(() => {
        const head = `${1 + die.below(9)}${die.digits(7)}`
        const check = sum(head, [9, 8, 7, 6, 5, 4, 3, 2]) % 11
        return check === 10 ? undefined : head + check
      }),
  ),
  'se-personnummer': numbers({ forms: ['000000-0000'], check: [9, 10] }, die => {
    const { y, m, d } = day(die)
    const head = `${two(y)}${two(m)}${two(d + die.of([0, 60]))}${die.digits(3)}`
    return head + luhnDigit(head)
  }),
  'fi-hetu': {
    checked: true,
    make: die => hetu(die),
    miss: die => changed(hetu(die), die, 10, 11),
  },
  'in-aadhaar': numbers({ forms: ['0000 0000 0000', '0000-0000-0000'], check: [11, 12] }, die => {
    const head = `${2 + die.below(8)}${die.digits(10)}`
    return head + verhoeffDigit(head)
  }),
  'in-pan': {
    checked: false,
    make: die =>
      `${die.text(UPPER, 3)}${die.of('ABCFGHJLPT')}${die.of(UPPER)}${1000 + die.below(9000)}${die.of(UPPER)}`,
    miss: die =>
      die.of([
        () =>
          `${die.text(UPPER, 3)}${die.of('DEIKMNOQRSUVWXYZ')}${die.of(UPPER)}${1000 + die.below(9000)}${die.of(UPPER)}`,
        () =>
          `${die.text(UPPER, 4)}P${1000 + die.below(9000)}${die.of(UPPER)}`.replace(
            /^(...)./,
            '$1E',
          ),
        () => `ABCPE${die.digits(3)}F`,
      ])(),
  },
  'br-cpf': numbers({ forms: ['000.000.000-00'], check: [9, 11] }, die => {
    const head = die.digits(9)
    const first = ((sum(head, [10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10
    const second = ((sum(`${head}${first}`, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10
    return `${head}${first}${second}`
  }),
  'br-cnpj': numbers({ forms: ['00.000.000/0000-00'], check: [12, 14] }, die => {
    const head = die.below(2) === 0 ? die.digits(12) : die.text(`0123456789${UPPER}`, 12)
    const check = (text: string) => {
      const total = [...text]
        .reverse()
        .reduce((all, c, i) => all + (c.charCodeAt(0) - 48) * (2 + (i % 8)), 0)
      return total % 11 < 2 ? 0 : 11 - (total % 11)
    }
    const first = check(head)
    return `${head}${first}${check(`${head}${first}`)}`
  }),
  'au-tfn': numbers({ word: 'TFN', forms: ['000000000', '000 000 000'], check: [8, 9] }, die =>
    until(() => {
      const head = `${1 + die.below(9)}${die.digits(7)}`
      // The last weight is ten, which is -1 modulo 11.
      const check = sum(head, [1, 4, 3, 7, 5, 8, 6, 9]) % 11
      return check === 10 ? undefined : head + check
    }),
  ),
  'au-abn': numbers(
    { word: 'ABN', forms: ['00000000000', '00 000 000 000'], check: [10, 11] },
    die =>
      until(() => {
        const value = `${1 + die.below(9)}${die.digits(10)}`
        const less = `${Number(value[0]) - 1}${value.slice(1)}`
        return sum(less, [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) % 89 === 0 ? value : undefined
      }),
  ),
  'kr-rrn': numbers({ forms: ['000000-0000000'], check: [12, 13] }, die => {
    const { y, m, d } = day(die)
    const head = `${two(y)}${two(m)}${two(d)}${die.of('12')}${die.digits(5)}`
    return head + ((11 - (sum(head, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11)) % 10)
  }),
  'sg-fin': {
    checked: true,
    make: die => fin(die),
    miss: die => changed(fin(die), die, 8, 9),
  },
  jwt: {
    checked: false,
    make: die =>
      `${part({ alg: 'RS256', kid: die.digits(die.below(9)) })}.${part({ sub: die.digits(4) })}.${die.text(`${UPPER}abc_-12`, 43)}`,
    miss: die => `${part({ foo: die.digits(6) })}.${part({ sub: 1 })}.${die.text(UPPER, 20)}`,
  },
  'private-key': {
    checked: false,
    make: die => {
      const label = die.of(['', 'RSA ', 'EC ', 'OPENSSH ', 'ENCRYPTED '])
      return `-----BEGIN ${label}PRIVATE KEY-----\\n${part({ k: die.digits(30) })}\\n-----END ${label}PRIVATE KEY-----`
    },
    miss: die => `-----BEGIN PUBLIC KEY-----\\n${die.text(UPPER, 40)}\\n-----END PUBLIC KEY-----`,
  },
  'cloud-key': {
    checked: false,
    make: die => {
      const body = die.text(`${UPPER}0123456789`, 40)
      return die.of([
        `AKIA${body.slice(0, 16)}`,
        `ghp_${body.slice(0, 36)}`,
        `sk_live_${body.slice(0, 24)}`,
        `xoxb-${die.digits(11)}-${body.slice(0, 24)}`,
        `AIza${body.slice(0, 35)}`,
      ])
    },
    miss: die =>
      die.of([
        `AKIA${die.text(UPPER, 7)}`,
        `ghp_${die.digits(9)}`,
        `sk_live_${die.digits(5)}`,
        'xoxb-hello-world',
      ]),
  },
  'url-credentials': {
    checked: false,
    make: die =>
      `${die.text('abcdef', 4)}${die.digits(2)}:${die.text('abcdefXYZ0123456789!_%-', 4 + die.below(20))}`,
    miss: die =>
      die.of([
        `${die.text('abc', 5)}.example`,
        `user${die.below(9)}`,
        `host:${1000 + die.below(9000)}/x`,
      ]),
  },
  secret: {
    checked: false,
    make: die =>
      `${die.of('abcdefgh')}${die.below(10)}${until(() => {
        const text = die.text('abcdefghijklmnopqrstuvwxyz0123456789-_.~+/', 12 + die.below(30))
        return new Set(text).size >= 8 ? text : undefined
      })}`,
    miss: die =>
      die.of([
        'required',
        'expired',
        'changeme',
        'aaaaaaa1',
        '1234',
        'null',
        'aabbaabb1111aaaa',
        die.digits(12),
      ]),
  },
}

function iban(die: Die): string {
  const [country, bban] = die.of<[string, string]>([
    ['DE', die.digits(18)],
    ['GB', `NWBK${die.digits(14)}`],
    ['FR', die.digits(23)],
    ['NL', `ABNA${die.digits(10)}`],
  ])
  const value = BigInt(
    [...`${bban}${country}00`].map(c => (/\d/.test(c) ? c : String(c.charCodeAt(0) - 55))).join(''),
  )
  const text = `${country}${two(98 - Number(value % 97n))}${bban}`
  return die.below(2) === 0 ? text : text.replace(/(.{4})(?=.)/g, '$1 ')
}

function nir(die: Die, good: boolean): string {
  const department = die.of(['75', '13', '2A', '2B', '59'])
  const head = `${die.of('12')}${two(die.below(100))}${two(1 + die.below(12))}${department}${die.digits(3)}${die.digits(3)}`
  const value = BigInt(head.replace('2A', '19').replace('2B', '18'))
  const key = 97 - Number(value % 97n)
  const wrong = 1 + ((key + die.below(95)) % 97)
  return written(head + two(good ? key : wrong), '0 00 00 00 000 000 00')
}

function nif(die: Die, kind: 'dni' | 'dash' | 'nie'): string {
  const letters = 'TRWAGMYFPDXBNJZSQVHLCKE'
  if (kind === 'nie') {
    const lead = die.below(3)
    const rest = die.digits(7)
    return `${'XYZ'[lead]}${rest}${letters[Number(`${lead}${rest}`) % 23]}`
  }
  const value = die.digits(8)
  return `${value}${kind === 'dash' ? '-' : ''}${letters[Number(value) % 23]}`
}

function fiscal(die: Die): string {
  const head = `${die.text('BCDFGLMNPRST', 6)}${die.digits(2)}${die.of('ABCDEHLMPRST')}${two(1 + die.below(28) + die.of([0, 40]))}${die.of('ABCDEFGHIL')}${die.digits(3)}`
  const odd: Record<string, number> = {}
  const table = [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
  ]
  for (const [i, n] of table.entries()) {
    odd[UPPER[i]!] = n
    if (i < 10) odd[String(i)] = n
  }
  const total = [...head].reduce(
    (all, c, i) => all + (i % 2 === 0 ? odd[c]! : /\d/.test(c) ? Number(c) : c.charCodeAt(0) - 65),
    0,
  )
  return head + UPPER[total % 26]
}

function hetu(die: Die): string {
  const { y, m, d } = day(die)
  const date = `${two(d)}${two(m)}${two(y)}`
  const serial = String(2 + die.below(897)).padStart(3, '0')
  return `${date}${die.of('-A+YB')}${serial}${'0123456789ABCDEFHJKLMNPRSTUVWXY'[Number(date + serial) % 31]}`
}

function fin(die: Die): string {
  const kind = die.of('STFGM')
  const digits = die.digits(7)
  const total =
    sum(digits, [2, 7, 6, 5, 4, 3, 2]) + (kind === 'M' ? 3 : kind === 'T' || kind === 'G' ? 4 : 0)
  const rest = total % 11
  if (kind === 'M') return `${kind}${digits}${'KLJNPQRTUWX'[10 - rest]}`
  return `${kind}${digits}${(kind === 'S' || kind === 'T' ? 'JZIHGFEDCBA' : 'XWUTRQPNMLK')[rest]}`
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
