// Definitions that the sessions of one database change: what has changed since when, and what is under way. A server lets a
// statement see them before it tells whoever changed them, so that what is under way counts too. Names only; no catalog, no clock.

/** Last names of relations; `all`: it cannot be told which. */
export type DefinedNames = readonly string[] | 'all'

/** The relations that a statement reads, views with what they show. */
export interface ReadNames {
  /** `all`: what one of them shows cannot be told. */
  readonly names: ReadonlySet<string> | 'all'
  /** Tables alone: what they are called may change, not what they show. */
  readonly tables: boolean
}

/** Of so many it is known what they changed: who asks about earlier ones is told that all has. */
const MOST_KEPT = 256
/** With more names than this, all are. */
const MOST_NAMES = 1_000

export class DefinitionLog {
  #changes = 0
  readonly #kept: DefinedNames[] = []
  readonly #open = new Set<OpenDefinitions>()
  readonly #listeners = new Set<(names: DefinedNames) => void>()

  /** How many changes there were: to ask later what has changed since. */
  get changes(): number {
    return this.#changes
  }

  /** For one session. */
  open(): OpenDefinitions {
    return new OpenDefinitions(this.#open)
  }

  changed(names: DefinedNames): void {
    if (names.length === 0) return
    this.#changes += 1
    this.#kept.push(names)
    if (this.#kept.length > MOST_KEPT) this.#kept.shift()
    for (const listener of this.#listeners) listener(names)
  }

  /** `listener` hears of each change. Answers what ends that. */
  listen(listener: (names: DefinedNames) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Nobody listens any more. */
  get unheard(): boolean {
    return this.#listeners.size === 0
  }

  /** Nothing has changed since then, and nobody but `own` may be changing anything at this moment. */
  rests(since: number, own?: OpenDefinitions): boolean {
    if (since !== this.#changes) return false
    for (const each of this.#open) if (each !== own && each.seen) return false
    return true
  }

  /** Whether any of it has another meaning than at `since`, or may have at this moment by what others do. */
  mayDiffer(read: ReadNames, since: number, own?: OpenDefinitions): boolean {
    const later = this.#changes - since
    if (later > this.#kept.length) return true
    for (let at = this.#kept.length - later; at < this.#kept.length; at++)
      if (touches(this.#kept[at] as DefinedNames, read, true)) return true
    for (const each of this.#open)
      if (each !== own && each.seen && touches(each.names, read, true)) return true
    return false
  }

  /** Whether others may give any of it another meaning while a statement waits for their locks. */
  mayTurn(read: ReadNames, own?: OpenDefinitions): boolean {
    for (const each of this.#open)
      if (each !== own && touches(each.names, read, each.seen)) return true
    return false
  }

  /** Nobody but `own` is changing anything. */
  isQuiet(own?: OpenDefinitions): boolean {
    for (const each of this.#open) if (each !== own) return false
    return true
  }
}

/** What one session is changing, from before it is sent until nobody can be surprised by it. */
export class OpenDefinitions {
  readonly #all: Set<OpenDefinitions>
  #names: DefinedNames = []
  #seen = false

  constructor(all: Set<OpenDefinitions>) {
    this.#all = all
  }

  get names(): DefinedNames {
    return this.#names
  }

  /** Others may see it by now. */
  get seen(): boolean {
    return this.#seen
  }

  /** `seen`: no transaction hides it from others. */
  begin(names: DefinedNames, seen: boolean): void {
    if (names.length === 0) return
    const all = names === 'all' || this.#names === 'all' ? 'all' : [...this.#names, ...names]
    this.#names = all === 'all' || all.length < MOST_NAMES ? all : [...new Set(all)]
    if (this.#names.length >= MOST_NAMES) this.#names = 'all'
    this.#seen ||= seen
    this.#all.add(this)
  }

  /** Its transaction may end. */
  show(): void {
    if (this.#names.length > 0) this.#seen = true
  }

  /** It has happened, or never will. */
  end(): void {
    this.#all.delete(this)
    this.#names = []
    this.#seen = false
  }
}

/** `strict`: other definitions than of relations count for what reads tables alone, too. */
function touches(defined: DefinedNames, read: ReadNames, strict: boolean): boolean {
  if (defined === 'all') return strict || !read.tables
  const { names } = read
  return names === 'all' ? defined.length > 0 : defined.some(name => names.has(name))
}

/** One log for each database, whatever names lead to it, while somebody listens. */
export class DefinitionLogs {
  readonly #byPlace = new Map<string, DefinitionLog>()

  at(place: string): DefinitionLog {
    let log = this.#byPlace.get(place)
    if (log === undefined) {
      for (const [key, each] of this.#byPlace) if (each.unheard) this.#byPlace.delete(key)
      log = new DefinitionLog()
      this.#byPlace.set(place, log)
    }
    return log
  }
}
