// One value at a time: what is done with it by its field, and what detectors find in it. Detectors read its name before
// it, as they would in the text: `ssn: 123456789`.
import { type CountingScanner, maskedBytes } from '#engines/masking'
import type { BodyRules, FieldPlan, NameEntry } from './rules.ts'

/** A value longer than this is not looked at: it is redacted. */
export const LONGEST_VALUE = 1024 * 1024

const KEPT_BYTES = 64 * 1024
// One set of scratch for all bodies: a value is masked in one go, and what is written is copied before the next.
let input = new Uint8Array(4 * 1024)
let output = new Uint8Array(maskedBytes(4 * 1024))

export class Values {
  readonly rules: BodyRules
  readonly scan: CountingScanner | undefined
  /** What the newest mask is: `[start, end)` of `out`. */
  out: Uint8Array = output
  start = 0
  end = 0
  readonly #found = new Map<string, number>()

  constructor(rules: BodyRules) {
    this.rules = rules
    this.scan = rules.takeScanner()
  }

  /** How many values were hidden, by class, since the last call. */
  drain(into: Map<string, number>): void {
    for (const [name, count] of this.#found) into.set(name, (into.get(name) ?? 0) + count)
    this.#found.clear()
    this.scan?.drain(into)
  }

  /** The body is through. */
  close(into: Map<string, number>): void {
    this.drain(into)
    if (this.scan !== undefined) this.rules.giveBack(this.scan)
  }

  count(dataClass: string): void {
    this.#found.set(dataClass, (this.#found.get(dataClass) ?? 0) + 1)
  }

  /** A place for a value of at most so many bytes behind its name; write it at the name's `context.length`. */
  place(entry: NameEntry, bytes: number): Uint8Array {
    const needed = entry.context.length + bytes
    if (input.length < needed || (input.length > KEPT_BYTES && needed <= KEPT_BYTES)) {
      const size = Math.max(needed, 4 * 1024)
      input = new Uint8Array(size)
      output = new Uint8Array(maskedBytes(size))
    }
    const context = entry.context
    for (let i = 0; i < context.length; i++) input[i] = context[i]!
    this.out = output
    return input
  }

  /** What detectors make of the value that was placed and ends at `to`; false: it stays as it is. */
  scanned(entry: NameEntry, to: number): boolean {
    const scan = this.scan
    if (scan === undefined) return false
    const from = entry.context.length
    const written = scan(input, 0, to, output, 0)
    if (written < 0) return false
    this.start = from
    this.end = written
    if (startsWith(output, written, entry.context)) return true
    // What was found begins in the name, which is written already.
    this.start = 0
    this.end = scan(input, from, to, output, 0)
    if (this.end < 0) this.redact()
    return true
  }

  /** The mask of the hidden field that was placed; false: nothing takes its place but null. */
  masked(plan: FieldPlan, entry: NameEntry, to: number): boolean {
    this.count(plan.dataClass)
    if (plan.kind === 'null') return false
    this.start = 0
    this.end = plan.write(input, entry.context.length, to, output, 0)
    return true
  }

  /** The mark of what cannot be looked at. */
  redact(): void {
    const { dataClass, write } = this.rules.redaction
    this.count(dataClass)
    this.start = 0
    this.end = write(input, 0, 0, output, 0)
    this.out = output
  }
}

function startsWith(bytes: Uint8Array, length: number, head: Uint8Array): boolean {
  if (length < head.length) return false
  for (let i = 0; i < head.length; i++) if (bytes[i] !== head[i]) return false
  return true
}
