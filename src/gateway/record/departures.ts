// Who may leave, and when: entries of statements that sessions decide in one turn of the loop go out with one write, and what
// they permit follows. A session that is alone with its statement does not wait for others: there is nothing to share.
import { Unavailable } from '#model'
import type { AuditLog, Batch } from '#services/audit'
import type { Departure } from '../protocol/index.ts'

type Entry = Parameters<AuditLog['enter']>[0]

/** Others asked lately: so many statements of one session in a row, and it counts as alone again. */
const LATELY = 16

/** The sessions of one log. */
export class Departures {
  readonly audit: AuditLog
  readonly #soon: (turnIsOver: () => void) => void
  #due: SessionDeparture[] = []
  #latest: SessionDeparture | undefined
  #company = 0

  /** `soon`: calls back behind all that the loop has read by then. */
  constructor(
    audit: AuditLog,
    soon: (turnIsOver: () => void) => void = turnIsOver => void setImmediate(turnIsOver),
  ) {
    this.audit = audit
    this.#soon = soon
  }

  /** Whether others share the way. */
  inCompany(departure: SessionDeparture): boolean {
    if (departure !== this.#latest) {
      this.#company = this.#latest === undefined ? 0 : LATELY
      this.#latest = departure
    } else if (this.#company > 0) this.#company -= 1
    return this.#company > 0
  }

  /** At the end of this turn. */
  add(departure: SessionDeparture): void {
    if (this.#due.length === 0) this.#soon(this.#turnIsOver)
    this.#due.push(departure)
  }

  forget(departure: SessionDeparture): void {
    if (this.#latest === departure) this.#latest = undefined
  }

  readonly #turnIsOver = (): void => {
    const due = this.#due
    this.#due = []
    for (const departure of due) departure.go()
  }
}

/** One session's. */
export class SessionDeparture implements Departure {
  readonly #departures: Departures
  readonly #depart: () => void
  /** What holds entries of ours that may not be on record. */
  #batch: Batch | undefined
  /** The number of the first of them. */
  #first = 0
  #due = false

  /** `depart`: sends what was held back, after `clear`. It may not throw. */
  constructor(departures: Departures, depart: () => void) {
    this.#departures = departures
    this.#depart = depart
  }

  /** Puts an entry on record, or among what `clear` will have put there. Throws Unavailable. */
  enter(entry: Entry): number {
    const { audit } = this.#departures
    if (this.#batch?.state === 'lost') throw lost()
    // While the log fails, a statement is refused by itself and its session goes on.
    if (audit.failed || !this.#departures.inCompany(this)) return audit.append(entry)
    const index = audit.enter(entry)
    if (this.#batch?.state !== 'waiting') {
      this.#batch = audit.batch
      this.#first = index
    }
    return index
  }

  get waits(): boolean {
    return this.#batch !== undefined
  }

  /** True for an entry that never came on record: what it was for did not happen, and its number is another's. */
  isLost(index: number): boolean {
    return this.#batch?.state === 'lost' && index >= this.#first
  }

  clear(): void {
    const batch = this.#batch
    if (batch === undefined) return
    if (batch.state === 'waiting') this.#departures.audit.flush()
    if (batch.state !== 'written') throw lost()
    this.#batch = undefined
  }

  leave(): void {
    if (this.#batch === undefined) this.#depart()
    else if (!this.#due) {
      this.#due = true
      this.#departures.add(this)
    }
  }

  /** For the end of the turn. */
  go(): void {
    this.#due = false
    this.#depart()
  }

  /** The session is over. */
  end(): void {
    this.#departures.forget(this)
  }
}

function lost(): Unavailable {
  return new Unavailable('audit_unavailable', 'The audit log cannot be written.')
}
