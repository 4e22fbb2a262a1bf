// How large the client's terminal is: JSON objects, one behind the other. What goes on is written anew, and no oftener than a
// terminal can follow.
import { Buffer } from 'node:buffer'
import { ProtocolError } from '#model'
import { type Governor, nothingFromUpstream, type Ways } from './governor.ts'

/** A terminal's side, as records and screens can hold it. */
const LARGEST_SIDE = 1_000
/** Between two that are passed on: the last one counts. */
const RESIZE_MS = 50
const LONGEST = 256

export interface Size {
  readonly columns: number
  readonly rows: number
}

export class Resizes implements Governor {
  readonly #ways: Ways
  readonly #told: (size: Size) => void
  #text = ''
  #next: Size | undefined
  #timer: NodeJS.Timeout | undefined

  /** `told`: of each that is passed on. */
  constructor(ways: Ways, told: (size: Size) => void) {
    this.#ways = ways
    this.#told = told
  }

  fromClient(bytes: Buffer, last: boolean): void {
    // However much came at once, what is kept is the beginning of one object.
    this.#text += bytes.toString('latin1')
    for (;;) {
      const found = /^\s*(\{[^{}]{0,128}\})/.exec(this.#text)
      if (found === null) break
      this.#text = this.#text.slice(found[0].length)
      const size = sizeOf(found[1]!)
      if (size !== undefined) this.#next = size
    }
    this.#text = this.#text.trimStart()
    if (this.#text.length > LONGEST)
      throw new ProtocolError('protocol_violation', 'the size of a terminal is not one')
    if (this.#timer === undefined) this.#pass()
    if (last) {
      this.drop()
      this.#ways.toUpstream(Buffer.alloc(0), true)
    }
  }

  fromUpstream(bytes: Buffer, last: boolean): void {
    nothingFromUpstream(this.#ways, bytes, last)
  }

  flush(): void {}

  drop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #pass(): void {
    this.#timer = undefined
    const size = this.#next
    if (size === undefined) return
    this.#next = undefined
    this.#told(size)
    const text = JSON.stringify({ Width: size.columns, Height: size.rows })
    this.#ways.toUpstream(Buffer.from(`${text}\n`), false)
    this.#timer = setTimeout(() => this.#pass(), RESIZE_MS)
  }
}

/** Undefined: it is none, and nobody follows it. Names in any case, as the other end reads them. */
function sizeOf(text: string): Size | undefined {
  const side = (name: string) => {
    const found = new RegExp(`"${name}"\\s*:\\s*(\\d{1,5})\\s*[,}]`, 'i').exec(text)
    return Math.min(Number(found?.[1] ?? 0), LARGEST_SIDE)
  }
  const size = { columns: side('width'), rows: side('height') }
  return size.columns > 0 && size.rows > 0 ? size : undefined
}
