// What one session's statements are found by: their texts, tables, decisions, and the classes that were masked in their
// answers. A text that came before costs a look into a map; what is new waits here until it is taken to the store.
import { hash } from 'node:crypto'
import type { Operation } from '#model'
import { RecentTexts } from './recent-texts.ts'
import { VALUES, Wording } from './wording.ts'

export type Effect = 'permit' | 'held' | 'deny'

/** What a statement is about, beside its text. */
export interface Facts {
  readonly objects: readonly string[]
  readonly verbs: readonly string[]
}

/** A fact of the statements of one shape; what is asked together must be true of one shape. */
export interface FoundBy {
  readonly kind: 'table' | 'class' | 'decision'
  readonly value: string
  readonly shape: number
}

export interface Batch {
  readonly facts: readonly FoundBy[]
  readonly texts: readonly { readonly shape: number; readonly text: string }[]
}

/** Texts of a session that are known to be in the index. One more, and all are forgotten: they go in once again. */
const MOST_KNOWN = 512
const MOST_KNOWN_CHARACTERS = 128 * 1024
/** Statements that differ in tables or decision. What comes after those is found by its decision and its text. */
const MOST_SHAPES = 4_096
/** Of one text. */
const MOST_CHARACTERS = 8_192
/** A statement may name so many objects, each with so many characters. */
const MOST_OBJECTS = 200
const MOST_NAME = 1_000
/**
 * Texts of a program differ in their values: so many with the same words between them are kept whole, of the rest their values
 * alone. Other words are another text, so nothing that was said is out of sight.
 */
const MOST_WHOLE = 64
/** Texts without their values, and how many came of each. One more, and all are forgotten. */
const MOST_WORDINGS = 256
/** What is longer is known by its hash. */
const MOST_KEY = 256
/** Texts up to this are looked at for their values alone. */
const MOST_BUSY = 2 * MOST_KEY
/** Others came instead so often: they are looked at first from then on. */
const MOST_MISSED = 16
/** Between the texts of one row: nobody searches for it. */
const BETWEEN = '\u001f'

interface Shape {
  readonly number: number
  classes: Set<string> | undefined
  texts: string[]
}

/** Where a text belongs. */
interface Found {
  readonly about: unknown
  readonly effect: Effect
  readonly facts: Facts
  readonly shape: Shape
}

interface Busy extends Found {
  readonly wording: Wording
  /** Of its latest texts. */
  readonly values: RecentTexts
  /** Texts of other words, of which there are enough too, since the latest of these. */
  missed: number
}

export class SessionIndex {
  readonly #known: Record<Effect, Map<string, Shape>> = {
    permit: new Map(),
    held: new Map(),
    deny: new Map(),
  }
  readonly #shapes = new Map<string, Shape>()
  readonly #wordings = new Map<string, number>()
  /** Of the latest new text: mostly the next one is about the same. */
  #latest: Found | undefined
  /** Of whose words there are enough texts: what most texts of a program are. */
  #busy: Busy | undefined
  #facts: FoundBy[] = []
  #knownCharacters = 0
  #pendingCharacters = 0

  /** Characters that wait to be taken. */
  get pending(): number {
    return this.#pendingCharacters
  }

  get isEmpty(): boolean {
    return this.#pendingCharacters === 0 && this.#facts.length === 0
  }

  /** Gives the facts of a text that is new here: they go into the recording, from which this can be built again. */
  statement(
    text: string,
    effect: Effect,
    about: readonly Operation[] | Facts | undefined,
  ): Facts | undefined {
    const busy = this.#busyFor(text, effect, about)
    if (busy !== undefined) {
      const values = busy.wording.valuesOf(text)
      if (values !== undefined) return this.#addValues(busy, values)
    }
    const known = this.#known[effect]
    const key = keyOf(text)
    if (known.has(key)) return undefined
    const { facts, shape } = this.#about(effect, about)
    this.#knownCharacters += key.length
    if (this.#knownCharacters > MOST_KNOWN_CHARACTERS || known.size >= MOST_KNOWN) {
      for (const each of Object.values(this.#known)) each.clear()
      this.#knownCharacters = key.length
    }
    known.set(key, shape)
    this.#add(shape, this.#searchable(cleaned(text), { about, effect, facts, shape }))
    return facts
  }

  /** (The values of a long text would be too much to keep for being known.) */
  #busyFor(text: string, effect: Effect, about: unknown): Busy | undefined {
    const busy = this.#busy
    if (busy === undefined || busy.about !== about || busy.effect !== effect) return undefined
    return text.length <= MOST_BUSY ? busy : undefined
  }

  /** Mostly they are new; those of a text that came lately are there already. */
  #addValues(busy: Busy, values: string): Facts | undefined {
    busy.missed = 0
    if (busy.values.came(values)) return undefined
    this.#add(busy.shape, cleaned(values))
    return busy.facts
  }

  #add(shape: Shape, found: string): void {
    shape.texts.push(found)
    this.#pendingCharacters += found.length + 1
  }

  #about(
    effect: Effect,
    about: readonly Operation[] | Facts | undefined,
  ): { readonly facts: Facts; readonly shape: Shape } {
    const latest = this.#latest
    if (latest !== undefined && latest.about === about && latest.effect === effect) return latest
    const facts = factsOf(about)
    this.#latest = { about, effect, facts, shape: this.#shapeOf(effect, facts) }
    return this.#latest
  }

  #searchable(text: string, found: Found): string {
    const wording = keyOf(text.replace(VALUES, '?'), MOST_KEY)
    const before = this.#wordings.get(wording) ?? 0
    if (before === 0 && this.#wordings.size >= MOST_WORDINGS) this.#wordings.clear()
    if (before < MOST_WHOLE) {
      this.#wordings.set(wording, before + 1)
      return text
    }
    const values = text.match(VALUES)
    if (values === null) return text
    if (text.length <= MOST_KEY) this.#passedBusy(text, found)
    return values.join(' ')
  }

  /** A text had to be looked at as a whole though there are enough of its words. */
  #passedBusy(text: string, found: Found): void {
    const busy = this.#busy
    if (busy !== undefined && ++busy.missed < MOST_MISSED) return
    const wording = new Wording(text)
    this.#busy = { ...found, wording, values: new RecentTexts(), missed: 0 }
  }

  /** Values of these classes were masked in the answer to a permitted text. */
  masked(text: string, classes: Iterable<string>): void {
    const shape = this.#known.permit.get(keyOf(text)) ?? this.#busyShape(text)
    if (shape === undefined) return
    for (const value of classes) {
      if (shape.classes?.has(value)) continue
      shape.classes ??= new Set()
      shape.classes.add(value)
      this.#facts.push({ kind: 'class', value, shape: shape.number })
    }
  }

  #busyShape(text: string): Shape | undefined {
    const busy = this.#busy
    if (busy?.effect !== 'permit' || busy.wording.valuesOf(text) === undefined) return undefined
    return busy.shape
  }

  /** What waits, which waits no longer. */
  take(): Batch {
    const facts = this.#facts
    const texts: Batch['texts'][number][] = []
    for (const shape of this.#shapes.values()) {
      if (shape.texts.length === 0) continue
      texts.push({ shape: shape.number, text: shape.texts.join(BETWEEN) })
      shape.texts = []
    }
    this.#facts = []
    this.#pendingCharacters = 0
    return { facts, texts }
  }

  #shapeOf(effect: Effect, { objects }: Facts): Shape {
    const room = this.#shapes.size < MOST_SHAPES
    const key = keyOf(JSON.stringify(room ? [effect, ...objects] : [effect]), MOST_KEY)
    const known = this.#shapes.get(key)
    if (known !== undefined) return known
    const shape: Shape = { number: this.#shapes.size, classes: undefined, texts: [] }
    this.#shapes.set(key, shape)
    const { number } = shape
    this.#facts.push({ kind: 'decision', value: effect, shape: number })
    if (!room) return shape
    const names = new Set(objects.flatMap(name => [name, lastName(name)]))
    for (const value of names) this.#facts.push({ kind: 'table', value, shape: number })
    return shape
  }
}

/** What a store of texts does not take. */
const UNFIT = /[\0\ud800-\udfff]/

/** As the store takes it. */
function cleaned(text: string): string {
  const start = text.slice(0, MOST_CHARACTERS)
  return UNFIT.test(start) ? start.toWellFormed().replaceAll('\0', '\ufffd') : start
}

/** A long text is not kept for being known. */
function keyOf(text: string, most = MOST_CHARACTERS): string {
  return text.length <= most ? text : hash('sha256', text)
}

function factsOf(about: readonly Operation[] | Facts | undefined): Facts {
  if (about === undefined) return { objects: [], verbs: [] }
  if ('objects' in about) return about
  const objects = about.flatMap(({ object }) =>
    object.name === '' || object.kind === 'function'
      ? []
      : [object.name.slice(0, MOST_NAME).toWellFormed()],
  )
  return {
    objects: [...new Set(objects)].sort().slice(0, MOST_OBJECTS),
    verbs: [...new Set(about.map(({ verb }) => verb))].sort().slice(0, MOST_OBJECTS),
  }
}

/** `public.customers` is found by `customers` too. */
function lastName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}
