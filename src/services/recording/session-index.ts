// What one session's statements are found by: their texts, tables, decisions, and the classes that were masked in their
// answers. A text that came before costs a look into a map; what is new waits here until it is taken to the store.
import { hash } from 'node:crypto'
import type { Operation } from '#model'

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
/** Numbers that stand alone, and what stands in quotes. */
const VALUES = /'(?:[^']|'')*'|\b\d[\d.]*\b/g
/** Texts without their values, and how many came of each. One more, and all are forgotten. */
const MOST_WORDINGS = 256
/** What is longer is known by its hash. */
const MOST_KEY = 256
/** Between the texts of one row: nobody searches for it. */
const BETWEEN = '\u001f'

interface Shape {
  readonly number: number
  classes: Set<string> | undefined
  texts: string[]
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
  #latest:
    | {
        readonly about: unknown
        readonly effect: Effect
        readonly facts: Facts
        readonly shape: Shape
      }
    | undefined
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
    const kept = text.slice(0, MOST_CHARACTERS).toWellFormed().replaceAll('\0', '\ufffd')
    const found = this.#searchable(kept)
    shape.texts.push(found)
    this.#pendingCharacters += found.length + 1
    return facts
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

  #searchable(text: string): string {
    const wording = keyOf(text.replace(VALUES, '?'), MOST_KEY)
    const before = this.#wordings.get(wording) ?? 0
    if (before === 0 && this.#wordings.size >= MOST_WORDINGS) this.#wordings.clear()
    if (before >= MOST_WHOLE) return text.match(VALUES)?.join(' ') ?? text
    this.#wordings.set(wording, before + 1)
    return text
  }

  /** Values of these classes were masked in the answer to a permitted text. */
  masked(text: string, classes: Iterable<string>): void {
    const shape = this.#known.permit.get(keyOf(text))
    if (shape === undefined) return
    for (const value of classes) {
      if (shape.classes?.has(value)) continue
      shape.classes ??= new Set()
      shape.classes.add(value)
      this.#facts.push({ kind: 'class', value, shape: shape.number })
    }
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
