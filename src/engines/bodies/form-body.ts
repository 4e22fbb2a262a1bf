// application/x-www-form-urlencoded: hidden fields by name, detectors on each value, percent signs undone. Held between
// chunks: the pair that is not whole yet.
import { Buffer } from 'node:buffer'
import { Backlog } from './backlog.ts'
import { BodyProblem, type BodyReader } from './body.ts'
import { Output } from './output.ts'
import { UNNAMED } from './rules.ts'
import { LONGEST_VALUE, type Values } from './values.ts'

const AND = 0x26
const EQUALS = 0x3d
const PERCENT = 0x25
const PLUS = 0x2b

export class FormBody implements BodyReader {
  readonly #values: Values
  readonly #backlog = new Backlog()
  readonly #out = new Output()
  #read = 0

  constructor(values: Values) {
    this.#values = values
  }

  write(chunk: Uint8Array): Uint8Array[] {
    const log = this.#backlog
    log.add(chunk)
    let from = log.from + this.#read
    for (
      let and = log.bytes.indexOf(AND, from);
      and >= 0 && and < log.to;
      and = log.bytes.indexOf(AND, from)
    ) {
      this.#pair(and)
      this.#out.pass(log.bytes, and, and + 1)
      from = and + 1
      log.from = from
    }
    this.#read = log.to - log.from
    if (this.#read > LONGEST_VALUE) throw new BodyProblem('too_long', 'A field is too long.')
    return this.#out.take()
  }

  end(): Uint8Array[] {
    this.#pair(this.#backlog.to)
    return this.#out.take()
  }

  /** The pair that ends at `to`. */
  #pair(to: number): void {
    const { bytes, from } = this.#backlog
    if (to <= from) return
    const values = this.#values
    const sign = bytes.subarray(from, to).indexOf(EQUALS)
    const nameEnd = sign < 0 ? to : from + sign
    const valueStart = Math.min(nameEnd + 1, to)
    const written = undo(bytes.subarray(from, nameEnd))
    const called = Buffer.from(lastName(written.toString('utf8')))
    const { names } = values.rules
    const entry = names.known(called, 0, called.length) ?? names.learn(called)
    values.place(UNNAMED, written.length).set(written)
    if (values.scanned(UNNAMED, written.length)) this.#replace(from, nameEnd)
    if (sign < 0) {
      this.#out.pass(bytes, this.#backlog.from, to)
      this.#backlog.from = to
      return
    }
    const value = undo(bytes.subarray(valueStart, to))
    values.place(entry, value.length).set(value, entry.context.length)
    const end = entry.context.length + value.length
    if (entry.elsewhere !== undefined) {
      if (!values.masked(entry.elsewhere, entry, end)) values.end = values.start
      this.#replace(valueStart, to)
    } else if (values.scanned(entry, end)) this.#replace(valueStart, to)
    this.#out.pass(bytes, this.#backlog.from, to)
    this.#backlog.from = to
  }

  /** The newest mask in place of `[start, end)`. */
  #replace(start: number, end: number): void {
    const log = this.#backlog
    const text = Buffer.from(this.#values.out.subarray(this.#values.start, this.#values.end))
    this.#out.pass(log.bytes, log.from, start)
    const encoded = Buffer.from(encodeURIComponent(text.toString('utf8')).replaceAll('%20', '+'))
    this.#out.pass(encoded, 0, encoded.length)
    log.from = end
  }
}

/** `user[card]` and `user.card` are called card. */
export function lastName(name: string): string {
  const parts = name.split(/[[\].]+/).filter(part => part !== '' && !/^\d+$/.test(part))
  return parts.at(-1) ?? name
}

function undo(bytes: Buffer): Buffer {
  const out = Buffer.alloc(bytes.length)
  let to = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    const hex = byte === PERCENT ? bytes.toString('latin1', i + 1, i + 3) : ''
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      out[to++] = Number.parseInt(hex, 16)
      i += 2
    } else out[to++] = byte === PLUS ? 0x20 : byte
  }
  return out.subarray(0, to)
}
