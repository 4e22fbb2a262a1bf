// What our annotations say, read strictly: a policy that bounds or delegates wrongly must not load.
//   @id("name")            required, unique
//   @reason("words")       shown to who is refused or held, and to the approver
//   @approvers("dba, sec") groups; one of their members approves        @quorum("2")    distinct people
//   @approvers("1 of dba, 2 of sec") so many of each group, each person for one of them
//   @within("15m")         how long the request stays open              @limit_rows("1000") @limit_bytes("1048576")

import type { ApprovalNeed } from '#model'

/** A policy's annotations, with defaults filled in. */
export interface Annotations {
  readonly reason: string | undefined
  readonly approvers: readonly string[]
  readonly quorum: number
  /** Where `@approvers` says how many of each group. */
  readonly needs?: readonly ApprovalNeed[]
  readonly withinMs: number
  readonly limitRows: number | undefined
  readonly limitBytes: number | undefined
}

export const DEFAULT_WITHIN_MS = 15 * 60_000
const LONGEST_WITHIN_MS = 7 * 24 * 3_600_000
const LARGEST_QUORUM = 10

const known = new Set([
  'id',
  'reason',
  'approvers',
  'quorum',
  'within',
  'limit_rows',
  'limit_bytes',
])

export const knownAnnotations: ReadonlySet<string> = known

/** Reads annotations; the problems found are sentences with the annotation's name. */
export function readAnnotations(raw: Readonly<Record<string, string>>): {
  annotations: Annotations
  problems: readonly { name: string; message: string }[]
} {
  const problems: { name: string; message: string }[] = []
  const read = <T>(name: string, parse: (text: string) => T | undefined, wanted: string) => {
    const text = raw[name]
    if (text === undefined) return undefined
    const value = parse(text)
    if (value === undefined) problems.push({ name, message: `@${name} must be ${wanted}` })
    return value
  }
  const needs =
    read(
      'approvers',
      parseNeeds,
      `group names with commas between them, or "1 of dba, 2 of security", ${LARGEST_QUORUM} people at most`,
    ) ?? []
  for (const name of Object.keys(raw)) {
    const meant = known.has(name) ? undefined : [...known].find(each => like(each) === like(name))
    // Cedar takes any name: a bound that nobody reads would look like one.
    if (meant !== undefined)
      problems.push({ name, message: `@${name} is not read: write @${meant}` })
  }
  const counted = raw['approvers'] !== undefined && COUNTED.test(raw['approvers'])
  const quorum =
    read('quorum', text => parseCount(text, LARGEST_QUORUM), `from 1 to ${LARGEST_QUORUM}`) ?? 1
  if (counted && raw['quorum'] !== undefined)
    problems.push({ name: 'quorum', message: '@quorum is said by @approvers already' })
  const annotations = {
    reason: read('reason', parseReason, 'one line of at most 500 characters'),
    approvers: needs.flatMap(({ groups }) => groups),
    quorum: counted ? needs.reduce((sum, { count }) => sum + count, 0) : quorum,
    ...(counted ? { needs } : {}),
    withinMs:
      read(
        'within',
        parseDuration,
        'a time such as "90s", "15m", "2h" or "1d", seven days at most',
      ) ?? DEFAULT_WITHIN_MS,
    limitRows: read('limit_rows', parseLimit, 'a whole number of rows, at least 1'),
    limitBytes: read('limit_bytes', parseLimit, 'a whole number of bytes, at least 1'),
  }
  return { annotations, problems }
}

/** The same for names that differ by case, an underscore or a plural. */
function like(name: string): string {
  return name.toLowerCase().replaceAll('_', '').replace(/s$/, '')
}

function parseReason(text: string): string | undefined {
  const words = text.trim()
  return words === '' || words.length > 500 || /\p{Cc}/u.test(words) ? undefined : words
}

const COUNTED = /^\s*\d+\s+of\s/

/** `dba, security`: one need of several groups. `1 of dba, 2 of security`: a need for each, all of them counted. */
function parseNeeds(text: string): readonly ApprovalNeed[] | undefined {
  const parts = text.split(',').map(part => part.trim())
  if (parts.some(part => part === '')) return undefined
  if (!parts.some(part => COUNTED.test(part))) return [{ groups: [...new Set(parts)], count: 1 }]
  const needs = parts.flatMap(part => {
    const [, count = '', group = ''] = /^(\d+)\s+of\s+(.+)$/.exec(part) ?? []
    const people = parseCount(count, LARGEST_QUORUM)
    return people === undefined ? [] : [{ groups: [group], count: people }]
  })
  const groups = new Set(needs.flatMap(need => need.groups))
  const people = needs.reduce((sum, { count }) => sum + count, 0)
  if (needs.length !== parts.length || groups.size !== parts.length) return undefined
  return people > LARGEST_QUORUM ? undefined : needs
}

function parseCount(text: string, most: number): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) && Number(text) <= most ? Number(text) : undefined
}

function parseLimit(text: string): number | undefined {
  const value = Number(text)
  return /^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(value) ? value : undefined
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

function parseDuration(text: string): number | undefined {
  const match = /^([1-9]\d{0,5})([smhd])$/.exec(text)
  const unit = UNITS.get(match?.[2] ?? '')
  if (match === null || unit === undefined) return undefined
  const value = Number(match[1]) * unit
  return value <= LONGEST_WITHIN_MS ? value : undefined
}
