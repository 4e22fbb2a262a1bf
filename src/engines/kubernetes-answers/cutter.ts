// Cuts a stream of JSON texts into the parts that are judged one at a time: each element of a list, what stands around
// it, and texts that are no lists (an object, an event of a watch). It counts brackets and knows where strings end, and
// judges no syntax: what is changed in a part is read strictly, and what is not is its sender's.
import { Buffer } from 'node:buffer'
import { BodyProblem } from '#engines/bodies'

/** `head`: a list up to its first element; `tail`: from behind the last one; `between`: a comma, spaces. */
export type PartKind = 'whole' | 'head' | 'element' | 'tail' | 'between'

/** `[start, end)` of `src` is a part that is whole. `held`: these bytes are written over later. */
export type TakePart = (
  kind: PartKind,
  src: Uint8Array,
  start: number,
  end: number,
  held: boolean,
) => void

/** Decides at a list's head whether its elements come one by one; else the list is held whole. */
export type OpenList = (src: Uint8Array, start: number, end: number) => boolean

// Which bytes matter: within strings, between them, and where commas do too.
const TEXT = new Uint8Array(256).fill(1)
TEXT[0x22] = 0
TEXT[0x5c] = 0
const DEEP = new Uint8Array(256).fill(1)
for (const byte of Buffer.from('"{}[]')) DEEP[byte] = 0
const ELEMENTS = DEEP.slice()
ELEMENTS[0x2c] = 0

const LIST = /(?:^|[{,\s])"(?:items|rows)"\s*:\s*$/
/** As far as the name of a list may stand before its bracket. */
const LOOK_BACK = 64

export class Cutter {
  readonly #longest: number
  readonly #take: TakePart
  readonly #open: OpenList
  /** Where the part that is not whole yet begins: in `#held`, when that is not empty, else in the chunk. */
  #from = 0
  #held: Uint8Array = new Uint8Array(0)
  #holds = 0
  #depth = 0
  #string = false
  #escape = false
  /** Elements are cut; whether this text's were; and whether it was asked already, so that no text can ask again and again. */
  #cuts = false
  #cut = false
  #asked = false

  constructor(longest: number, take: TakePart, open: OpenList) {
    this.#longest = longest
    this.#take = take
    this.#open = open
  }

  write(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#from = 0
    this.#read(chunk)
    const left = chunk.length - this.#from
    if (left === 0) return
    if (this.#depth === 0 && !this.#string && this.#holds === 0 && isBlank(chunk, this.#from)) {
      this.#take('between', chunk, this.#from, chunk.length, false)
      return
    }
    this.#hold(chunk, chunk.length)
  }

  /** Nothing more comes. */
  end(): void {
    if (this.#depth > 0 || this.#string) throw new BodyProblem('malformed', 'The text has no end.')
    if (this.#holds === 0) return
    // A text that is no object: a number, a word.
    this.#take('whole', this.#held, 0, this.#holds, true)
    this.#holds = 0
  }

  #read(src: Uint8Array): void {
    const to = src.length
    let i = 0
    if (this.#escape) {
      this.#escape = false
      i = 1
    }
    for (;;) {
      if (this.#string) {
        while (i < to && TEXT[src[i]!] === 1) i++
        if (i >= to) return
        if (src[i] === 0x5c) {
          if (i + 1 >= to) {
            this.#escape = true
            return
          }
          i += 2
          continue
        }
        this.#string = false
        i++
        continue
      }
      const plain = this.#cuts && this.#depth === 2 ? ELEMENTS : DEEP
      while (i < to && plain[src[i]!] === 1) i++
      if (i >= to) return
      const byte = src[i]!
      i++
      if (byte === 0x22) this.#string = true
      else if (byte === 0x7b) this.#depth++
      else if (byte === 0x5b) this.#enterArray(src, i)
      else if (byte === 0x2c) this.#comma(src, i)
      else this.#leave(byte, src, i)
    }
  }

  /** Behind an opening bracket, at `i`. */
  #enterArray(src: Uint8Array, i: number): void {
    this.#depth++
    if (this.#depth !== 2 || this.#asked || !this.#isList(src, i - 1)) return
    this.#asked = true
    const [bytes, start, end] = this.#part(src, i)
    if (!this.#open(bytes, start, end)) return
    this.#cuts = true
    this.#cut = true
    this.#pass('head', src, i)
  }

  /** Behind a comma between elements. */
  #comma(src: Uint8Array, i: number): void {
    this.#pass('element', src, i - 1)
    this.#pass('between', src, i)
  }

  /** Behind a closing brace or bracket. */
  #leave(byte: number, src: Uint8Array, i: number): void {
    if (this.#cuts && this.#depth === 2) {
      if (byte !== 0x5d) throw new BodyProblem('malformed', 'A list ends as an object.')
      this.#pass('element', src, i - 1)
      this.#cuts = false
    }
    this.#depth--
    if (this.#depth < 0) throw new BodyProblem('malformed', 'It ends before it begins.')
    if (this.#depth > 0) return
    this.#pass(this.#cut ? 'tail' : 'whole', src, i)
    this.#cut = false
    this.#asked = false
  }

  /** True when the array that begins at `at` is what a list's elements stand in. */
  #isList(src: Uint8Array, at: number): boolean {
    const near = Buffer.from(
      src.buffer,
      src.byteOffset + Math.max(0, at - LOOK_BACK),
      Math.min(at, LOOK_BACK),
    )
    let before = near.toString('latin1')
    if (at < LOOK_BACK && this.#holds > 0) {
      // (What is held may end in bytes of this chunk.)
      const to = this.#holds - this.#from
      before =
        Buffer.from(this.#held.subarray(Math.max(0, to - LOOK_BACK), to)).toString('latin1') +
        before
    }
    return LIST.test(before)
  }

  /** The part that ends at `end` of the chunk, in one piece. */
  #part(src: Uint8Array, end: number): readonly [Uint8Array, number, number] {
    if (this.#holds === 0) return [src, this.#from, end]
    this.#hold(src, end)
    return [this.#held, 0, this.#holds]
  }

  #pass(kind: PartKind, src: Uint8Array, end: number): void {
    const [bytes, start, to] = this.#part(src, end)
    const held = bytes === this.#held
    this.#holds = 0
    this.#from = end
    if (to > start) this.#take(kind, bytes, start, to, held)
  }

  #hold(src: Uint8Array, end: number): void {
    const more = end - this.#from
    const needed = this.#holds + more
    if (needed > this.#longest)
      throw new BodyProblem('too_long', 'An object is longer than anybody may hold.')
    if (needed > this.#held.length) {
      const wider = new Uint8Array(Math.max(4096, needed, 2 * this.#held.length))
      wider.set(this.#held.subarray(0, this.#holds))
      this.#held = wider
    }
    this.#held.set(src.subarray(this.#from, end), this.#holds)
    this.#holds = needed
    this.#from = end
  }
}

function isBlank(src: Uint8Array, from: number): boolean {
  for (let i = from; i < src.length; i++) {
    const byte = src[i]!
    // (RFC 7464's separator too.)
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09 && byte !== 0x1e)
      return false
  }
  return true
}
