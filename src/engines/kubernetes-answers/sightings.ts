// Whether anything in a stretch of bytes says that a walk through its objects is worth while. It may say so of too much,
// never of too little.
import { Buffer } from 'node:buffer'

/** A text to look for, and which byte must stand `behind` it. */
interface Sign {
  readonly text: Buffer
  readonly behind: ReadonlySet<number>
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const ENDS = new Set([QUOTE, BACKSLASH])
/** `SecretList` too. */
const ENDS_OR_LIST = new Set([QUOTE, BACKSLASH, 0x4c])
/** A letter that is written as an escape may begin or end any of these words: `\u0053ecret`. */
const LETTERS = new Set(Buffer.from('4567'))

/** An object says that it is a Secret, or a list of them. */
export const SECRETS: readonly Sign[] = [
  { text: Buffer.from('Secret'), behind: ENDS_OR_LIST },
  { text: Buffer.from('\\u00'), behind: LETTERS },
]
export const CONFIG_MAPS: readonly Sign[] = [
  { text: Buffer.from('ConfigMap'), behind: ENDS_OR_LIST },
]
/** An object has data, whatever it is. */
export const DATA: readonly Sign[] = [
  { text: Buffer.from('"data"'), behind: new Set(Array.from({ length: 256 }, (_, byte) => byte)) },
  { text: Buffer.from('stringData'), behind: ENDS },
  { text: Buffer.from('binaryData'), behind: ENDS },
]

/** Stretches that are asked for one behind another cost one search together. */
export class Sightings {
  readonly #signs: readonly Sign[]
  #src: Uint8Array | undefined
  #bytes: Buffer = Buffer.alloc(0)
  readonly #next: number[]

  constructor(signs: readonly Sign[]) {
    this.#signs = signs
    this.#next = signs.map(() => -1)
  }

  /** Whatever comes next is new, though it may stand where something stood before. */
  forget(): void {
    this.#src = undefined
  }

  /** `fresh`: the bytes may be others than before, though they stand in the same place. */
  any(src: Uint8Array, start: number, end: number, fresh: boolean): boolean {
    if (fresh || src !== this.#src) {
      this.#src = fresh ? undefined : src
      this.#bytes = Buffer.from(src.buffer, src.byteOffset, fresh ? end : src.length)
      this.#next.fill(-1)
    }
    for (let i = 0; i < this.#signs.length; i++) {
      const { text, behind } = this.#signs[i]!
      for (let from = start; ; ) {
        let at = this.#next[i]!
        if (at < from) {
          at = this.#bytes.indexOf(text, from)
          if (at < 0) at = Infinity
          this.#next[i] = at
        }
        if (at >= end) break
        if (behind.has(this.#bytes[at + text.length] ?? QUOTE)) return true
        from = at + 1
      }
    }
    return false
  }
}
