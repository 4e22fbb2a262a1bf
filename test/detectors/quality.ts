// How good the detectors are: what each finds of values made for it, what it takes for one among near misses and the
// values of others, and what all of them see in cells that hold nothing. The same figures on every machine.
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { detectors, findIn } from '#engines/masking'
import { cells, places, signedPlaces as SIGNED } from './cells.ts'
import { Die, values } from './values.ts'

export const EACH = 2000
export const CELLS = 10_000

export interface Score {
  readonly detector: string
  readonly checked: boolean
  readonly corpus: string
  readonly labels: number
  readonly found: number
  readonly wrong: number
  /** Texts that were missed or taken wrongly, for whoever mends it. */
  readonly missed: readonly string[]
  readonly taken: readonly string[]
}

export const precision = ({ found, wrong }: Score) =>
  found + wrong === 0 ? 1 : found / (found + wrong)
export const recall = ({ found, labels }: Score) => found / labels

const names = [...detectors.keys()]

/** What the detectors named see in a text, by the bytes. */
function seen(text: string, which: readonly string[]) {
  return findIn(which, Buffer.from(text))
}

/** What a detector does not claim: each of these is a value of the other kind as well. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  // user:password@host.example is an address behind its colon.
  'url-credentials': ['email'],
  // 939 869 7599 is how Americans write telephone numbers.
  'uk-nhs': ['phone'],
}

function place(name: string, value: string, die: Die): string {
  if (name === 'url-credentials')
    return `postgres://${value}${value.includes(':') && !value.includes('/') ? '@' : '/'}db.example:5432/x`
  if (name === 'secret') {
    // Only right behind a name and a sign does a random text say that it is one.
    return die.of(SIGNED)(value, die.of(['password', 'api_key', 'client_secret', 'access_token']))
  }
  return die.of(places)(value, values[name]!.word ?? die.of(['value', 'field_7', 'note']))
}

/** Made-up values of one detector among near misses and the values of all others. */
export function scoreMade(name: string): Score {
  const known = scores.get(name) ?? measure(name)
  scores.set(name, known)
  return known
}

const scores = new Map<string, Score>()

function measure(name: string): Score {
  const own = values[name]!
  const die = new Die(`made ${name}`)
  const missed: string[] = []
  const taken: string[] = []
  for (let i = 0; i < EACH; i++) {
    const value = own.make(die)
    const text = place(name, value, die)
    const start = Buffer.byteLength(text.slice(0, text.indexOf(value)))
    const end = start + Buffer.byteLength(value)
    const findings = seen(text, [name])
    const hit = findings.find(each => each.start <= start && each.end >= end)
    if (hit === undefined) missed.push(text)
    for (const each of findings) if (each !== hit) taken.push(text)
    const near = place(name, own.miss(die), die)
    if (seen(near, [name]).length > 0) taken.push(near)
  }
  for (const [other, { make }] of Object.entries(values)) {
    if (other === name || ALSO[other]?.includes(name)) continue
    for (let i = 0; i < EACH / 20; i++) {
      const text = place(other, make(die), die)
      if (seen(text, [name]).length > 0) taken.push(text)
    }
  }
  return {
    detector: name,
    checked: own.checked,
    corpus: 'made up',
    labels: EACH,
    found: EACH - missed.length,
    wrong: taken.length,
    missed,
    taken,
  }
}

/** Of so many cells that hold nothing, how many any detector takes for something. */
export function falseAlarms(kind: string): readonly string[] {
  const known = alarmsOf.get(kind) ?? alarms(kind)
  alarmsOf.set(kind, known)
  return known
}

const alarmsOf = new Map<string, readonly string[]>()

function alarms(kind: string): readonly string[] {
  const die = new Die(`cells ${kind}`)
  const found: string[] = []
  for (let i = 0; i < CELLS; i++) {
    const cell = cells[kind]!(die)
    const [first] = seen(cell, names)
    if (first !== undefined) found.push(`${first.dataClass}: ${cell}`)
  }
  return found
}

const PRESIDIO = resolve(
  import.meta.dirname,
  '../../../shared/vectors/pii/data/synth_dataset_v2.json',
)
const LABELS: Readonly<Record<string, string>> = {
  EMAIL_ADDRESS: 'email',
  CREDIT_CARD: 'card',
  US_SSN: 'us-ssn',
  PHONE_NUMBER: 'phone',
  IBAN_CODE: 'iban',
  IP_ADDRESS: 'ip',
}

interface Sentence {
  readonly full_text: string
  readonly spans: readonly {
    readonly entity_type: string
    readonly start_position: number
    readonly end_position: number
  }[]
}

/** presidio-research's labelled sentences; none when they are not there. */
export function scoreSentences(): readonly Score[] {
  if (!existsSync(PRESIDIO)) return []
  const sentences: readonly Sentence[] = JSON.parse(readFileSync(PRESIDIO, 'utf8'))
  return Object.entries(LABELS).map(([label, name]) => scoreLabel(sentences, label, name))
}

function scoreLabel(sentences: readonly Sentence[], label: string, name: string): Score {
  const missed: string[] = []
  const taken: string[] = []
  let labels = 0
  for (const { full_text: text, spans } of sentences) {
    const points = Array.from(text)
    const offset = (at: number) => Buffer.byteLength(points.slice(0, at).join(''))
    const findings = seen(text, [name])
    const used = new Set<unknown>()
    for (const { entity_type: type, start_position: from, end_position: to } of spans) {
      if (type !== label) continue
      labels++
      const hit = findings.find(each => each.start <= offset(from) && each.end >= offset(to))
      if (hit === undefined) missed.push(text)
      else used.add(hit)
    }
    for (const each of findings) if (!used.has(each)) taken.push(text)
  }
  const checked = values[name]!.checked
  const found = labels - missed.length
  return {
    detector: name,
    checked,
    corpus: 'sentences',
    labels,
    found,
    wrong: taken.length,
    missed,
    taken,
  }
}
