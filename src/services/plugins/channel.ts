// The memory that the gateway and a plugin's thread share: one question at a time, and its answer. Both sides use
// this file; nothing else passes between them.

/** What is asked. */
export const DETECT = 1
export const MASK = 2

/** How it went. */
export const DONE = 1
export const FAILED = 2

// Places in the control words.
const ASKED = 0
const ANSWERED = 1
const KIND = 2
const WHICH = 3
const LENGTH = 4
const STATUS = 5
const WORDS = 6

/** The longest value that a plugin is asked about; longer ones are redacted whole. */
export const MOST_BYTES = 1 << 20
/** An answer: a mask, or pairs of offsets. */
const ANSWER_BYTES = MOST_BYTES + 64
/** Answers mostly come within this: shorter than going to sleep and being woken. */
const SPINS = 4_000

export const createShared = () => new SharedArrayBuffer(WORDS * 4 + MOST_BYTES + ANSWER_BYTES)

export class Channel {
  readonly #control: Int32Array
  readonly question: Uint8Array
  readonly answer: Uint8Array

  constructor(shared: SharedArrayBuffer) {
    this.#control = new Int32Array(shared, 0, WORDS)
    this.question = new Uint8Array(shared, WORDS * 4, MOST_BYTES)
    this.answer = new Uint8Array(shared, WORDS * 4 + MOST_BYTES, ANSWER_BYTES)
  }

  /** The gateway's side: asks, and waits. The length of the answer; -1: it failed; -2: it did not come in time. */
  ask(kind: number, which: number, length: number, timeoutMs: number): number {
    const control = this.#control
    control[KIND] = kind
    control[WHICH] = which
    control[LENGTH] = length
    const turn = Atomics.add(control, ASKED, 1) + 1
    Atomics.notify(control, ASKED)
    for (let i = 0; i < SPINS; i++) if (Atomics.load(control, ANSWERED) === turn) break
    if (Atomics.load(control, ANSWERED) !== turn)
      Atomics.wait(control, ANSWERED, turn - 1, timeoutMs)
    if (Atomics.load(control, ANSWERED) !== turn) return -2
    return control[STATUS] === DONE ? (control[LENGTH] as number) : -1
  }

  /** The plugin's side: waits for a question, for ever, and answers it by what `reply` says. */
  serve(reply: (kind: number, which: number, length: number) => number): never {
    const control = this.#control
    let turn = 0
    for (;;) {
      for (let i = 0; i < SPINS && Atomics.load(control, ASKED) === turn; i++);
      Atomics.wait(control, ASKED, turn)
      turn = Atomics.load(control, ASKED)
      const length = reply(
        control[KIND] as number,
        control[WHICH] as number,
        control[LENGTH] as number,
      )
      control[STATUS] = length < 0 ? FAILED : DONE
      control[LENGTH] = length
      Atomics.store(control, ANSWERED, turn)
      Atomics.notify(control, ANSWERED)
    }
  }
}
