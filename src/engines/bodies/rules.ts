// What is hidden in a body: fields by their name or by the way to them, and what detectors find in any value. Made once
// for what a principal may see, used for many bodies.
import { Buffer } from 'node:buffer'
import { foldName, type PointerPattern, type SeenName, type SeenNames } from '#engines/json'
import { type CellPlan, type CountingScanner, type Masker, maskedBytes } from '#engines/masking'

/** What is done with a field that is hidden; of several plans the first in order. */
export type FieldPlan = Extract<CellPlan, { readonly kind: 'null' | 'mask' }> & {
  readonly order: number
}

/** A class that is hidden wherever a field is called so, or where these ways lead. */
export interface HiddenFields {
  /** Letter case and separators do not matter; `*` stands for any text. */
  readonly names: readonly string[]
  readonly pointers: readonly PointerPattern[]
  /** A detector of the class looks for it in texts as well. */
  readonly detected: boolean
  readonly plan: Extract<CellPlan, { readonly kind: 'null' | 'mask' }>
}

/** Takes the place of what cannot be looked at. */
export interface Redaction {
  readonly dataClass: string
  readonly write: Masker
}

export interface PointerPart {
  readonly bytes: Buffer
  /** As a place in an array; -1: it is none. */
  readonly place: number
  readonly node: PointerNode
}

/** Where pointers lead on from. */
export interface PointerNode {
  readonly plan: FieldPlan | undefined
  readonly parts: readonly PointerPart[]
  readonly any: PointerNode | undefined
}

/** What is known of a field's name. */
export interface NameEntry extends SeenName {
  /** As UTF-8. */
  readonly text: Buffer
  readonly plan: FieldPlan | undefined
  /** The plan in a body that has no pointers: those that end in that name count too. */
  readonly elsewhere: FieldPlan | undefined
  /** No detector finds anything in it. */
  readonly clean: boolean
  /** What detectors read before a value of that name; nothing when they find something in the name itself. */
  readonly context: Uint8Array
  /** Itself as it is written, when nothing is known of it: readers may go over it. */
  readonly passed: Uint8Array | undefined
  /** Where the name is kept that came behind it of late; -1: nowhere. */
  behind: number
}

export interface BodyRules {
  /** Undefined: no pointer leads anywhere. */
  readonly pointers: PointerNode | undefined
  /** True when fields are hidden by name or pointer. */
  readonly byField: boolean
  /** Some of these are told by their field alone: no detector sees them in a text. */
  readonly byFieldAlone: boolean
  readonly redaction: Redaction
  readonly names: FieldNames
  /** For one body; `giveBack` when it is through. Undefined: there is no detector to ask. */
  takeScanner(): CountingScanner | undefined
  giveBack(scan: CountingScanner): void
}

const MOST_IDLE = 8

/** `fields`: the class that shows least first. */
export function createBodyRules(settings: {
  readonly fields: readonly HiddenFields[]
  readonly scanner: () => CountingScanner | undefined
  readonly redaction: Redaction
}): BodyRules {
  const { scanner, redaction } = settings
  const fields = settings.fields.map((each, order) => ({ ...each, plan: { ...each.plan, order } }))
  const idle: CountingScanner[] = []
  const paths = fields.flatMap(({ pointers, plan }) =>
    pointers.map(parts => ({ parts: [...parts], plan })),
  )
  return {
    pointers: paths.length === 0 ? undefined : nodeOf(paths),
    byField: fields.length > 0,
    byFieldAlone: fields.some(({ detected }) => !detected),
    redaction,
    names: new FieldNames(fields, scanner()),
    takeScanner() {
      const scan = idle.pop() ?? scanner()
      scan?.begin()
      return scan
    },
    giveBack(scan) {
      scan.drain(new Map())
      if (idle.length < MOST_IDLE) idle.push(scan)
    },
  }
}

interface Path {
  readonly parts: readonly (string | undefined)[]
  readonly plan: FieldPlan
}

function nodeOf(paths: readonly Path[]): PointerNode {
  const on = paths.filter(({ parts }) => parts.length > 0)
  const rest = (part: string | undefined): readonly Path[] =>
    on
      .filter(({ parts }) => parts[0] === part)
      .map(({ parts, plan }) => ({ parts: parts.slice(1), plan }))
  const any = rest(undefined)
  const named = [...new Set(on.map(({ parts }) => parts[0]))].filter(part => part !== undefined)
  return {
    plan: paths.find(({ parts }) => parts.length === 0)?.plan,
    parts: named.map(part => ({
      bytes: Buffer.from(part),
      place: /^(?:0|[1-9]\d{0,8})$/.test(part) ? Number(part) : -1,
      node: nodeOf(rest(part)),
    })),
    any: any.length === 0 ? undefined : nodeOf(any),
  }
}

const SLOTS = 512
/** Longer ones are looked at each time. */
const LONGEST_KEPT = 128
/** As far as any detector looks back. */
const CONTEXT_BYTES = 200
const NOTHING = Buffer.alloc(0)
const BETWEEN = Buffer.from(': ')

/** What stands for a value that has no name. */
export const UNNAMED: NameEntry = {
  text: NOTHING,
  plan: undefined,
  elsewhere: undefined,
  clean: true,
  context: NOTHING,
  passed: undefined,
  behind: -1,
}

/** Tells names that these keys hide: letter case and separators do not matter, `*` stands for any text. */
export function hidingNames(keys: readonly string[]): (name: string) => boolean {
  const folded = keys.map(fold)
  const exact = new Set(folded.filter(key => !key.includes('*')))
  const globs = folded.filter(key => key.includes('*')).map(glob)
  return name => {
    if (folded.length === 0) return false
    const plain = fold(name)
    return exact.has(plain) || globs.some(matches => matches(plain))
  }
}

/** Fields' names and what is known of them: a name that comes again costs a hash and a comparison. */
export class FieldNames implements SeenNames<NameEntry> {
  /** Stands for what is before the first name. */
  readonly first: NameEntry = { ...UNNAMED }
  readonly #exact = new Map<string, FieldPlan>()
  readonly #ends = new Map<string, FieldPlan>()
  readonly #globs: { readonly matches: (folded: string) => boolean; readonly plan: FieldPlan }[] =
    []
  readonly #kept: (NameEntry | undefined)[] = new Array(SLOTS).fill(undefined)

  readonly #scan: CountingScanner | undefined
  /** Some field is hidden by its name. */
  readonly #plans: boolean

  constructor(
    fields: readonly (HiddenFields & { plan: FieldPlan })[],
    scan: CountingScanner | undefined,
  ) {
    this.#scan = scan
    this.#plans = fields.length > 0
    for (const { names, pointers, plan } of fields) {
      for (const pointer of pointers) {
        const folded = fold(pointer.findLast(part => part !== undefined) ?? '')
        if (!this.#ends.has(folded)) this.#ends.set(folded, plan)
      }
      for (const name of names) {
        const folded = fold(name)
        if (folded.includes('*')) this.#globs.push({ matches: glob(folded), plan })
        else if (!this.#exact.has(folded)) this.#exact.set(folded, plan)
      }
    }
  }

  #planOf(folded: string): FieldPlan | undefined {
    return this.#exact.get(folded) ?? this.#globs.find(({ matches }) => matches(folded))?.plan
  }

  /** What is known of the name that stands at `[start, end)`; undefined: tell with `learn` what it says. */
  known(src: Uint8Array, start: number, end: number): NameEntry | undefined {
    const entry = this.#kept[slotOf(src, start, end)]
    return entry !== undefined && same(entry.text, src, start, end - start) ? entry : undefined
  }

  /** Which name is expected next. */
  behind({ behind }: NameEntry): NameEntry | undefined {
    return behind < 0 ? undefined : this.#kept[behind]
  }

  /** It came behind `before`. */
  follows(before: NameEntry, { text }: NameEntry): void {
    before.behind = text.length > LONGEST_KEPT ? -1 : slotOf(text, 0, text.length)
  }

  /** `name`: as UTF-8, whatever escapes it was written with. */
  learn(name: Uint8Array): NameEntry {
    // Bytes of its own: a view would keep the whole chunk that it came in.
    const text = Buffer.alloc(name.length)
    text.set(name)
    const entry = this.#describe(text)
    if (text.length <= LONGEST_KEPT) this.#kept[slotOf(text, 0, text.length)] = entry
    return entry
  }

  #describe(text: Buffer): NameEntry {
    const clean = this.#isClean(text)
    const folded = this.#plans ? fold(text.toString('utf8')) : ''
    const plan = this.#plans ? this.#planOf(folded) : undefined
    const end = this.#ends.get(folded)
    return {
      text,
      plan,
      elsewhere: plan === undefined || (end !== undefined && end.order < plan.order) ? end : plan,
      clean,
      context: clean ? contextOf(text) : NOTHING,
      passed: clean && plan === undefined && isPlain(text) ? text : undefined,
      behind: -1,
    }
  }

  #isClean(text: Buffer): boolean {
    this.#scan?.begin()
    const needed = maskedBytes(text.length)
    const out = needed > scratch.length ? Buffer.allocUnsafe(needed) : scratch
    return this.#scan === undefined || this.#scan(text, 0, text.length, out, 0) < 0
  }
}

/** What is written of a name that is looked at is of no use. */
const scratch = Buffer.alloc(maskedBytes(LONGEST_KEPT))

function contextOf(text: Buffer): Buffer {
  const from = Math.max(0, text.length - CONTEXT_BYTES)
  const context = Buffer.alloc(text.length - from + BETWEEN.length)
  context.set(from === 0 ? text : text.subarray(from))
  context.set(BETWEEN, text.length - from)
  return context
}

function slotOf(src: Uint8Array, start: number, end: number): number {
  let hash = end - start
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + src[i]!) | 0
  return (hash ^ (hash >>> 9) ^ (hash >>> 18)) & (SLOTS - 1)
}

function same(text: Uint8Array, src: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false
  for (let i = 0; i < length; i++) if (text[i] !== src[start + i]) return false
  return true
}

/** It stands in a text of JSON as it is. */
function isPlain(text: Uint8Array): boolean {
  return text.every(byte => byte >= 0x20 && byte < 0x80 && byte !== 0x22 && byte !== 0x5c)
}

const SEPARATORS = /[\s_\-.]+/g
const ASCII = /^[ -~]*$/

/** `card_number`, `cardNumber`, `Card-Number` and `card.number` are one name. */
function fold(name: string): string {
  const plain = name.replace(SEPARATORS, '')
  return ASCII.test(plain)
    ? plain.toLowerCase()
    : foldName(plain.normalize('NFKC')).replace(SEPARATORS, '')
}

/** `*` is any text, the empty one too. Greedy from the left, which is enough for stars alone. */
function glob(pattern: string): (name: string) => boolean {
  const pieces = pattern.split('*')
  const head = pieces[0] ?? ''
  const tail = pieces.at(-1) ?? ''
  const middle = pieces.slice(1, -1)
  return name => {
    if (name.length < head.length + tail.length) return false
    if (!name.startsWith(head) || !name.endsWith(tail)) return false
    let at = head.length
    for (const piece of middle) {
      const found = name.indexOf(piece, at)
      if (found < 0 || found + piece.length > name.length - tail.length) return false
      at = found + piece.length
    }
    return true
  }
}
