// The statements of this moment, as a page can draw them: of thousands a second only some, and it knows how many that
// is. Denied and held ones come first. Knows no React and no DOM: events go in, lines come out a few times a second.
import type { LiveEvent } from '#contract'

/** Of one batch of the stream (a tenth of a second), so many ordinary ones are drawn. */
const DRAWN_PER_BATCH = 10
const NOTABLE_PER_BATCH = 40
const MOST_KEPT = 500
const PUBLISH_MS = 200
const WINDOW_MS = 2_000

export type Effect = 'permit' | 'held' | 'deny'

export interface Line {
  readonly seq: number
  readonly at: number
  readonly session: string | undefined
  readonly principal: string
  readonly resource: string
  readonly verbs: readonly string[]
  readonly objects: readonly string[]
  readonly effect: Effect
  readonly code: string | undefined
  /** Comes later, and changes in place: a line never moves because of it. */
  outcome?: {
    readonly ms: number
    readonly rows: number
    readonly masked: boolean
    readonly status: string
  }
}

export interface Shown {
  /** Newest first. */
  readonly lines: readonly Line[]
  /** All that came since the page opened, drawn or not. */
  readonly seen: number
  /** One in so many of the last moments is drawn; 1: all of them. */
  readonly oneIn: number
  /** Denied or held ones are among what is left out. */
  readonly leavesOut: boolean
}

const NOTHING: Shown = { lines: [], seen: 0, oneIn: 1, leavesOut: false }

interface Batch {
  readonly at: number
  readonly seen: number
  readonly drawn: number
  readonly leftOut: boolean
}

export class Statements {
  readonly #now: () => number
  readonly #later: (work: () => void, ms: number) => void
  readonly #watchers = new Set<() => void>()
  readonly #bySeq = new Map<number, Line>()
  /** Newest first, each: what is denied or held does not drown in the rest. */
  #ordinary: Line[] = []
  #notable: Line[] = []
  #batches: Batch[] = []
  #seen = 0
  /** Of what the stream told. */
  #first = Number.POSITIVE_INFINITY
  #last = -1
  #begun = false
  #turn = 0
  #shown = NOTHING
  #due = false

  constructor(
    now: () => number = Date.now,
    later: (work: () => void, ms: number) => void = (work, ms) => void setTimeout(work, ms),
  ) {
    this.#now = now
    this.#later = later
  }

  get shown(): Shown {
    return this.#shown
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** A batch, in order. What came already is passed over. */
  add(events: readonly LiveEvent[], missed = 0): void {
    const lines = events.filter(each => each.seq > this.#last).flatMap(each => lineOf(each) ?? [])
    this.#first = Math.min(this.#first, events[0]?.seq ?? Number.POSITIVE_INFINITY)
    this.#last = Math.max(this.#last, events.at(-1)?.seq ?? -1)
    const ordinary = lines.filter(({ effect }) => effect === 'permit')
    const notable = lines.filter(({ effect }) => effect !== 'permit')
    const drawn = [
      ...this.#some(ordinary, DRAWN_PER_BATCH),
      ...this.#some(notable, NOTABLE_PER_BATCH),
    ]
    this.#keep(drawn)
    for (const event of events) this.#outcomes(event)
    const seen = lines.length + missed
    this.#seen += seen
    this.#batches.push({
      at: this.#now(),
      seen,
      drawn: drawn.length,
      // Of what was missed nobody knows what it was.
      leftOut: missed > 0 || notable.length > NOTABLE_PER_BATCH,
    })
    this.#publishSoon()
  }

  /** What the page opens with, once: shown whole, behind what the stream told meanwhile. */
  begin(events: readonly LiveEvent[]): void {
    if (this.#begun) return
    this.#begun = true
    const before = events.filter(({ seq }) => seq < this.#first)
    this.#last = Math.max(this.#last, events.at(-1)?.seq ?? -1)
    const lines = before.flatMap(each => lineOf(each) ?? []).toReversed()
    for (const line of lines) this.#bySeq.set(line.seq, line)
    this.#ordinary.push(...lines.filter(({ effect }) => effect === 'permit'))
    this.#notable.push(...lines.filter(({ effect }) => effect !== 'permit'))
    for (const event of events) this.#outcomes(event)
    this.#publish()
  }

  /** Every n-th, so that so many are left; not always the first of a batch. */
  #some(lines: readonly Line[], most: number): readonly Line[] {
    const every = Math.ceil(lines.length / most)
    if (every <= 1) return lines
    this.#turn += 1
    return lines.filter((_, index) => (index + this.#turn) % every === 0)
  }

  #keep(drawn: readonly Line[]): void {
    for (const line of drawn) this.#bySeq.set(line.seq, line)
    const of = (effects: readonly Effect[]): Line[] =>
      drawn.filter(({ effect }) => effects.includes(effect)).toReversed()
    const [ordinary, notable] = [of(['permit']), of(['held', 'deny'])]
    for (const list of [this.#ordinary, this.#notable])
      for (const { seq } of list.slice(MOST_KEPT)) this.#bySeq.delete(seq)
    this.#ordinary = [...ordinary, ...this.#ordinary].slice(0, MOST_KEPT)
    this.#notable = [...notable, ...this.#notable].slice(0, MOST_KEPT)
    if (this.#bySeq.size > 3 * MOST_KEPT) this.#forget()
  }

  #forget(): void {
    this.#bySeq.clear()
    for (const line of [...this.#ordinary, ...this.#notable]) this.#bySeq.set(line.seq, line)
  }

  #outcomes({ outcomes }: LiveEvent): void {
    for (const { entry, at, rows, masked, status } of outcomes ?? []) {
      const line = this.#bySeq.get(entry)
      if (line !== undefined) line.outcome = { ms: Math.max(0, at - line.at), rows, masked, status }
    }
  }

  #publishSoon(): void {
    if (this.#due) return
    this.#due = true
    this.#later(() => {
      this.#due = false
      this.#publish()
    }, PUBLISH_MS)
  }

  #publish(): void {
    const since = this.#now() - WINDOW_MS
    this.#batches = this.#batches.filter(({ at }) => at >= since)
    const total = (of: (each: Batch) => number): number =>
      this.#batches.reduce((sum, each) => sum + of(each), 0)
    const [seen, drawn] = [total(each => each.seen), total(each => each.drawn)]
    this.#shown = {
      lines: [...this.#ordinary, ...this.#notable].sort((a, b) => b.seq - a.seq),
      seen: this.#seen,
      oneIn: seen <= drawn ? 1 : Math.max(2, Math.round(seen / Math.max(1, drawn))),
      leavesOut: this.#batches.some(({ leftOut }) => leftOut),
    }
    for (const watcher of this.#watchers) watcher()
    // Says that all are drawn again once the rush is over.
    if (seen > drawn) this.#publishSoon()
  }
}

const EFFECTS: Readonly<Record<string, Effect>> = {
  'statement.permitted': 'permit',
  'statement.held': 'held',
  'statement.denied': 'deny',
  'session.refused': 'deny',
}

function lineOf(event: LiveEvent): Line | undefined {
  const effect = EFFECTS[event.kind]
  if (effect === undefined) return undefined
  const { seq, at, session, principal = '', resource = '', code } = event
  const refused = event.kind === 'session.refused'
  return {
    seq,
    at,
    session,
    principal,
    resource,
    verbs: refused ? ['CONNECT'] : (event.verbs ?? []),
    objects: event.objects ?? [],
    effect,
    code,
  }
}
