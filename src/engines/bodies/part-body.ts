// Parts of a multipart body that are no bodies of their own: a form's field, and a part whose name is hidden.
import { Buffer } from 'node:buffer'
import { BodyProblem, type BodyReader } from './body.ts'
import { maskedMessage } from './messages.ts'
import type { FieldPlan, NameEntry } from './rules.ts'
import { LONGEST_VALUE, type Values } from './values.ts'

/** A text with its name before it, held whole. */
export class FieldPart implements BodyReader {
  readonly #values: Values
  readonly #entry: NameEntry
  #pieces: Buffer[] = []
  #length = 0

  constructor(values: Values, entry: NameEntry) {
    this.#values = values
    this.#entry = entry
  }

  write(chunk: Uint8Array): Uint8Array[] {
    this.#length += chunk.length
    if (this.#length > LONGEST_VALUE) throw new BodyProblem('too_long', 'A field is too long.')
    if (chunk.includes(0)) throw new BodyProblem('encoding', 'It is not a text: it holds a NUL.')
    this.#pieces.push(Buffer.from(chunk))
    return []
  }

  end(): Uint8Array[] {
    const bytes = Buffer.concat(this.#pieces)
    const values = this.#values
    const entry = this.#entry
    const plan = entry.elsewhere
    const text = plan === undefined ? bytes.toString('utf8') : ''
    if (/^\s*[[{]/.test(text)) {
      const masked = maskedMessage(values, text)
      if (masked !== undefined) return [Buffer.from(masked)]
    }
    values.place(entry, bytes.length).set(bytes, entry.context.length)
    const to = entry.context.length + bytes.length
    if (plan !== undefined) {
      if (!values.masked(plan, entry, to)) return []
    } else if (!values.scanned(entry, to)) return [bytes]
    return [Buffer.from(values.out.subarray(values.start, values.end))]
  }
}

/** A hidden one that is no text: goes whole, whatever it holds. */
export class HiddenPart implements BodyReader {
  readonly #rest: Uint8Array[]

  constructor(values: Values, plan: FieldPlan, isJson: boolean) {
    values.count(plan.dataClass)
    this.#rest = isJson ? [Buffer.from('null')] : []
  }

  write(): Uint8Array[] {
    return []
  }

  end(): Uint8Array[] {
    return this.#rest
  }
}

/** One that nobody here reads, and that holds nothing to hide: the operator says so. */
export const clearPart: BodyReader = {
  write: chunk => [chunk],
  end: () => [],
}
