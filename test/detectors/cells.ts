// Cells that hold nothing to hide, of the kinds that tables and logs are full of, and the places where values stand.
import { createHash } from 'node:crypto'
import type { Die } from './values.ts'

const WORDS = [
  'lorem',
  'ipsum',
  'Dolor',
  'sit',
  'AMET',
  'consectetur',
  'order',
  'status',
  'total',
  'Müller',
]
const word = (die: Die) => die.of(WORDS)
const hex = (die: Die) =>
  createHash('md5')
    .update(String(die.below(2 ** 32)))
    .digest('hex')
const moment = (die: Die) => new Date(die.below(2 ** 31) * 1000 + die.below(1000))

export const cells: Readonly<Record<string, (die: Die) => string>> = {
  uuids: die => hex(die).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
  digests: die => hex(die) + hex(die),
  'hex words': die => hex(die).slice(0, 4 + die.below(24)),
  'HEX WORDS': die =>
    hex(die)
      .slice(0, 4 + die.below(24))
      .toUpperCase(),
  'base64 words': die => Buffer.from(hex(die), 'hex').toString('base64'),
  timestamps: die => moment(die).toISOString(),
  'SQL timestamps': die => moment(die).toISOString().replace('T', ' ').replace('Z', '+00'),
  'log lines': die =>
    `${moment(die).toISOString()} level=info id=${die.below(1e6)} took=${die.below(900)}ms ${word(die)} ${word(die)}`,
  'unix milliseconds': die => String(1_600_000_000_000 + die.below(2e11)),
  'unix microseconds': die => String(1_600_000_000_000_000 + die.below(2 ** 32) * 45),
  integers: die => die.digits(1 + die.below(12)).replace(/^0+(?=.)/, ''),
  'numbers of nine digits': die => die.digits(9),
  'numbers of ten digits': die => die.digits(10),
  'numbers of eleven digits': die => die.digits(11),
  'numbers of twelve digits': die => die.digits(12),
  'numbers of thirteen digits': die => die.digits(13),
  'amounts in threes': die =>
    `${1 + die.below(99)} ${die.digits(3)} ${die.digits(3)} ${die.digits(3)}`,
  decimals: die => (die.below(2 ** 32) / 1e4).toFixed(die.below(9)),
  amounts: die => (die.below(2 ** 32) / 100).toLocaleString('en-US', { maximumFractionDigits: 2 }),
  words: die => Array.from({ length: 3 + die.below(9) }, () => word(die)).join(' '),
  versions: die => `package@${die.below(20)}.${die.below(30)}.${die.below(9)}-beta.${die.below(5)}`,
  'order numbers': die => `ORD-${2000 + die.below(30)}-${die.digits(6)}`,
  'product codes': die =>
    `${die.text('ABCDEFGHJKLMNPQRSTUVWXYZ', 2 + die.below(3))}-${die.digits(3 + die.below(5))}`,
  paths: die => `/var/lib/${word(die)}/${hex(die).slice(0, 8)}/file_${die.below(999)}.tar.gz`,
  'JSON documents': die =>
    JSON.stringify({
      id: die.below(1e9),
      name: word(die),
      price: die.below(1e5) / 100,
      at: moment(die),
      ok: true,
    }),
  links: die => `https://www.example.com/${word(die)}/${die.below(1e6)}?page=${die.below(50)}#top`,
  coordinates: die => `${die.below(90)}.${die.digits(6)}, -${die.below(180)}.${die.digits(6)}`,
}

/** Those in which a sign stands between the name and the value. */
export const signedPlaces: readonly ((value: string, name: string) => string)[] = [
  (value, name) => `{"id":7,"${name}":"${value}","next":null}`,
  (value, name) => `level=info ${name}=${value} took=12ms`,
  (value, name) => `${name}: ${value}`,
  value => `Authorization: Bearer ${value}`,
]

/** Where a value stands; `name` is a column, a key or a word of the text. */
export const places: readonly ((value: string, name: string) => string)[] = [
  (value, name) => `{"id":7,"${name}":"${value}","next":null}`,
  (value, name) => `17,${name},${value},2024-01-31`,
  (value, name) => `2024-01-31T12:34:56Z level=info ${name}=${value} took=12ms`,
  (value, name) => `| 12 | ${name} | ${value} | ok |`,
  (value, name) => `Key (${name})=(${value}) already exists.`,
  (value, name) => `${name}: ${value}`,
  (value, name) => `His ${name} is ${value}, as I said.`,
]
