// Keeps what was made from a text, bounded in entries and bytes. Two generations instead of a list in order
// of use: a hit is one look-up, and what was not asked for during a whole generation is dropped.
interface Kept<T> {
  readonly value: T
  readonly bytes: number
}

export class TextCache<T> {
  readonly #mostEntries: number
  readonly #mostBytes: number
  #young = new Map<string, Kept<T>>()
  #old = new Map<string, Kept<T>>()
  #youngBytes = 0
  #oldBytes = 0

  constructor(mostEntries: number, mostBytes: number) {
    // Both generations together stay within the bounds.
    this.#mostEntries = Math.floor(mostEntries / 2)
    this.#mostBytes = Math.floor(mostBytes / 2)
  }

  get(text: string): T | undefined {
    const young = this.#young.get(text)
    if (young !== undefined) return young.value
    const old = this.#old.get(text)
    if (old === undefined) return undefined
    this.#old.delete(text)
    this.#oldBytes -= old.bytes
    this.#add(text, old)
    return old.value
  }

  /** `bytes`: what the value costs besides the text. What is too large for the bounds is not kept. */
  set(text: string, value: T, bytes: number): void {
    const kept = { value, bytes: bytes + text.length * 2 }
    if (kept.bytes > this.#mostBytes / 4) return
    this.#add(text, kept)
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get bytes(): number {
    return this.#youngBytes + this.#oldBytes
  }

  #add(text: string, kept: Kept<T>): void {
    const full =
      this.#young.size + 1 > this.#mostEntries || this.#youngBytes + kept.bytes > this.#mostBytes
    if (full) {
      this.#old = this.#young
      this.#oldBytes = this.#youngBytes
      this.#young = new Map()
      this.#youngBytes = 0
    }
    if (this.#mostEntries < 1) return
    this.#young.set(text, kept)
    this.#youngBytes += kept.bytes
  }
}
