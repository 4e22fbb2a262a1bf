// Stays awake for a moment where an answer is about to come (docs/adr/0027). A process that sleeps in the kernel is woken
// late: on a virtual machine by tens of microseconds for each hop of a statement, more than all that is done for it. As a
// hypervisor polls before it halts: while that pays, for two hundred microseconds at most, and never in a crowd.

/** In ms. */
const FIRST = 0.15
const MOST = 0.2
const LEAST = 0.05
/** When it did not pay: so many writes go by before it is tried again. */
const REST = 200
/** Legs that were heard within so long are busy at the same time. */
const TOGETHER = 1
/** With more than one session busy, the loop hardly sleeps anyway. */
const CROWDED = 50

export interface Attentive {
  /** Milliseconds, with fractions. */
  readonly now: () => number
  /** Calls back behind the events that have come by then. */
  readonly soon: (again: () => void) => void
}

export class Attention {
  readonly #now: () => number
  readonly #soon: (again: () => void) => void
  #window = FIRST
  #rest = 0
  #until = 0
  #awake = false
  #paid = false
  /** The two legs that were heard last: those of one session, when nobody else is busy. */
  #one: object | undefined
  #other: object | undefined
  #oneAt = 0
  #otherAt = 0
  #crowdedUntil = 0

  constructor({ now, soon }: Attentive) {
    this.#now = now
    this.#soon = soon
  }

  /** Bytes came on this leg. */
  heard(leg: object): void {
    const now = this.#now()
    if (this.#awake && !this.#paid) {
      this.#paid = true
      this.#window = Math.min(this.#window * 1.5, MOST)
    }
    if (leg === this.#one) this.#oneAt = now
    else if (leg === this.#other) this.#otherAt = now
    else this.#meet(leg, now)
  }

  /** Bytes were sent: something comes back, soon or late. */
  spoke(): void {
    if (this.#window === 0) {
      this.#rest -= 1
      if (this.#rest > 0) return
      this.#window = FIRST
    }
    const now = this.#now()
    if (now < this.#crowdedUntil) return
    this.#until = now + this.#window
    this.#paid = false
    if (this.#awake) return
    this.#awake = true
    this.#soon(this.#look)
  }

  #meet(leg: object, now: number): void {
    if (now - this.#oneAt < TOGETHER && now - this.#otherAt < TOGETHER)
      this.#crowdedUntil = now + CROWDED
    if (this.#oneAt <= this.#otherAt) {
      this.#one = leg
      this.#oneAt = now
    } else {
      this.#other = leg
      this.#otherAt = now
    }
  }

  readonly #look = (): void => {
    if (!this.#paid && this.#now() < this.#until) {
      this.#soon(this.#look)
      return
    }
    this.#awake = false
    if (this.#paid) return
    this.#window *= 0.75
    if (this.#window >= LEAST) return
    this.#window = 0
    this.#rest = REST
  }
}

/** One for the process: it has one thread to keep awake. */
export const attention = new Attention({
  now: () => performance.now(),
  soon: again => void setImmediate(again),
})
