// When a session asked and what became of it, in steps that double as it lives on: a bounded line of time however
// long or busy the session is. Without texts.
import type { SessionMarks } from '#model'
import type { Counted } from './rates.ts'

const FIRST_STEP_MS = 10
/** More than a screen can show apart. */
const MOST_STEPS = 256
const FIRST_STEPS = 16
const kinds: Readonly<Record<Counted, number>> = { permit: 0, held: 1, deny: 2, masked: 3 }
const KINDS = 4

export class MarksOfSession {
  readonly #startedAt: number
  #stepMs = FIRST_STEP_MS
  /** Grows with the session: most are short. */
  #counts = new Uint32Array(0)

  constructor(startedAt: number) {
    this.#startedAt = startedAt
  }

  add(what: Counted, at: number): void {
    // A clock that was set back still counts somewhere.
    let step = Math.max(0, Math.floor((at - this.#startedAt) / this.#stepMs))
    while (step >= MOST_STEPS) {
      this.#halve()
      step = Math.floor((at - this.#startedAt) / this.#stepMs)
    }
    if ((step + 1) * KINDS > this.#counts.length) this.#grow(step + 1)
    this.#counts[step * KINDS + kinds[what]]! += 1
  }

  read(): SessionMarks {
    const marks: (readonly [number, number, number, number, number])[] = []
    for (let step = 0; step * KINDS < this.#counts.length; step += 1) {
      const [permitted = 0, held = 0, denied = 0, masked = 0] = this.#counts.subarray(
        step * KINDS,
        (step + 1) * KINDS,
      )
      if (permitted + held + denied + masked > 0)
        marks.push([step, permitted, held, denied, masked])
    }
    return { stepMs: this.#stepMs, marks }
  }

  #halve(): void {
    const before = this.#counts
    this.#counts = new Uint32Array(before.length)
    for (let at = 0; at < before.length; at += 1) {
      const step = Math.floor(at / KINDS)
      this.#counts[Math.floor(step / 2) * KINDS + (at % KINDS)]! += before[at] ?? 0
    }
    this.#stepMs *= 2
  }

  #grow(steps: number): void {
    const room = Math.min(
      MOST_STEPS,
      Math.max(FIRST_STEPS, (this.#counts.length / KINDS) * 2, steps),
    )
    const grown = new Uint32Array(room * KINDS)
    grown.set(this.#counts)
    this.#counts = grown
  }
}
