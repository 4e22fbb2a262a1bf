// Keeps what was made from texts by their shape: it stands for every text that differs in its values alone.
import { TextCache } from './cache.ts'
import { LiteralForm, literalFree } from './literal-free.ts'

export class ShapeCache<T> {
  readonly #cache: TextCache<T>
  readonly #names: '"' | '`'
  /** Of the shape that came twice in a row: a program's next text mostly has it too, which is seen without making its shape. */
  #latest: { readonly form: LiteralForm; readonly value: T } | undefined
  #before: string | undefined

  /** Bounds as `TextCache` has them; `names` as `literalFree`. */
  constructor(mostEntries: number, mostBytes: number, names: '"' | '`') {
    this.#cache = new TextCache(mostEntries, mostBytes)
    this.#names = names
  }

  get(text: string): T | undefined {
    if (this.#latest?.form.has(text) === true) return this.#latest.value
    const shape = literalFree(text, this.#names)
    const value = shape === undefined ? undefined : this.#cache.get(shape)
    if (shape === undefined || value === undefined) return undefined
    if (shape === this.#before) this.#latest = { form: new LiteralForm(shape), value }
    this.#before = shape
    return value
  }

  /** False for a text that has no shape. */
  set(text: string, value: T, bytes: number): boolean {
    const shape = literalFree(text, this.#names)
    if (shape === undefined) return false
    this.#cache.set(shape, value, bytes)
    // (It may stand for another value by now.)
    this.#latest = undefined
    return true
  }
}
