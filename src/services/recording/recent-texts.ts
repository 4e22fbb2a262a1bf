// Short texts that came lately. It may forget one that it should know, never the other way round. A `Map` would do, but for
// texts that mostly never come again: it puts each into V8's table of names, which costs as much as all else that is done to one.

const WAYS = 4
/** A power of two. */
const SETS = 128

export class RecentTexts {
  /** `WAYS` places for those of one hash. */
  readonly #places: (string | undefined)[] = new Array(SETS * WAYS).fill(undefined)
  #next = 0

  /** True when the text came lately; it has come now. */
  came(text: string): boolean {
    const first = (hashOf(text) & (SETS - 1)) * WAYS
    const places = this.#places
    for (let at = first; at < first + WAYS; at++) if (places[at] === text) return true
    this.#next = (this.#next + 1) % WAYS
    places[first + this.#next] = text
    return false
  }
}

/** Mixed at the end: texts of a program differ in a digit or two. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}
