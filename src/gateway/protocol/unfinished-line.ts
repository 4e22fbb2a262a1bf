// When the unfinished last line of an output that goes on is let go. It waits for its rest, because a value that is cut in two
// would not be found; and not for long, because a prompt must be seen.

/** For its rest, while nothing comes. */
const QUIET_MS = 25
/** And when something comes all the time: a bar that grows, a host that says a letter now and then. */
const LONGEST_MS = 250
/** Who says so much meanwhile is in the middle of a long line: only what no value can reach into goes on. */
const BUSY_BYTES = 512

export interface HeldOutput {
  /**
   * Something is held, and who says it is listened to: it is quiet only then, and a client that does not read must not choose
   * where a line is cut.
   */
  waits(): boolean
  /** All of it goes on. */
  release(): void
  /** As much of it goes on as no value can reach into. */
  ease(): void
}

export class UnfinishedLine {
  readonly #output: HeldOutput
  #quiet: NodeJS.Timeout | undefined
  /** Runs while something is held. */
  #late: NodeJS.Timeout | undefined
  /** Since that began. */
  #bytes = 0

  constructor(output: HeldOutput) {
    this.#output = output
  }

  /** Call before what came is taken in, and `watch` behind. */
  came(bytes: number): void {
    clearTimeout(this.#quiet)
    this.#bytes += bytes
  }

  /** Call whenever something is held, or who says it is listened to again. */
  watch(): void {
    if (!this.#output.waits()) {
      this.rest()
      return
    }
    clearTimeout(this.#quiet)
    this.#quiet = setTimeout(() => {
      this.#output.release()
      this.watch()
    }, QUIET_MS)
    if (this.#late !== undefined) return
    this.#bytes = 0
    this.#late = setTimeout(() => {
      this.#late = undefined
      clearTimeout(this.#quiet)
      if (this.#bytes >= BUSY_BYTES) this.#output.ease()
      else this.#output.release()
      this.watch()
    }, LONGEST_MS)
  }

  /** Waits no more, and leaves no timer. */
  rest(): void {
    clearTimeout(this.#quiet)
    clearTimeout(this.#late)
    this.#late = undefined
  }
}
