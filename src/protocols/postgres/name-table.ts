// What the names of prepared statements and portals mean, as exactly as the upstream knows them: a definition
// counts only when the upstream has confirmed it. A gateway that believes otherwise judges one statement
// and runs another: `Parse s1 (fails)`, `Bind s1`, `Execute` would run the older s1.

/** One definition of a name, or its removal (`value` undefined). */
export interface Definition<T> {
  readonly name: string
  readonly value: T | undefined
  /** The pipeline segment (from Sync to Sync) that it was sent in. */
  readonly segment: number
  state: 'pending' | 'done' | 'failed'
  /** What the name meant before: it comes back when this one fails. */
  previous: Definition<T> | undefined
}

export class NameTable<T> {
  readonly #latest = new Map<string, Definition<T>>()
  /** The empty name's: most clients use no other, and define it anew for each statement. */
  #unnamed: Definition<T> | undefined

  get size(): number {
    return this.#latest.size + (this.#unnamed === undefined ? 0 : 1)
  }

  /** A definition that was sent and is not confirmed. */
  define(name: string, value: T | undefined, segment: number): Definition<T> {
    const definition: Definition<T> = {
      name,
      value,
      segment,
      state: 'pending',
      previous: this.#get(name),
    }
    this.#set(name, definition)
    return definition
  }

  /**
   * What the name means to a frame of this segment. A pending definition of the same segment counts: when it
   * fails, the upstream skips the frame too. One of an earlier segment does not: `unsettled`, wait for it.
   */
  find(name: string, segment: number): T | undefined | 'unsettled' {
    let definition = this.#get(name)
    while (definition?.state === 'failed') definition = definition.previous
    if (definition === undefined) return undefined
    if (definition.state === 'pending' && definition.segment !== segment) return 'unsettled'
    return definition.value
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined
  }

  settle(definition: Definition<T>, succeeded: boolean): void {
    if (definition.state !== 'pending') return
    definition.state = succeeded ? 'done' : 'failed'
    if (succeeded) definition.previous = undefined
    const { name } = definition
    let latest = this.#get(name)
    if (latest === undefined) return
    while (latest?.state === 'failed') latest = latest.previous
    if (latest === undefined || (latest.state === 'done' && latest.value === undefined)) {
      this.delete(name)
    } else {
      this.#set(name, latest)
    }
  }

  /** A definition that is known to hold. */
  set(name: string, value: T): void {
    this.#set(name, { name, value, segment: 0, state: 'done', previous: undefined })
  }

  delete(name: string): void {
    if (name === '') this.#unnamed = undefined
    else this.#latest.delete(name)
  }

  /** Forgets what is settled; definitions that are still on their way stay. */
  clear(): void {
    if (this.#unnamed !== undefined && isForgotten(this.#unnamed)) this.#unnamed = undefined
    if (this.#latest.size === 0) return
    for (const [name, definition] of this.#latest) {
      if (isForgotten(definition)) this.#latest.delete(name)
    }
  }

  *values(): Generator<T> {
    if (this.#unnamed?.value !== undefined) yield this.#unnamed.value
    for (const { value } of this.#latest.values()) if (value !== undefined) yield value
  }

  #get(name: string): Definition<T> | undefined {
    return name === '' ? this.#unnamed : this.#latest.get(name)
  }

  #set(name: string, definition: Definition<T>): void {
    if (name === '') this.#unnamed = definition
    else this.#latest.set(name, definition)
  }
}

/** True for what is settled; of what is on its way, only the past is forgotten. */
function isForgotten<T>(definition: Definition<T>): boolean {
  if (definition.state !== 'pending') return true
  let oldest = definition
  while (oldest.previous?.state === 'pending') oldest = oldest.previous
  oldest.previous = undefined
  return false
}
