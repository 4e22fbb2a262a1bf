// What was sent upstream and the answer that is owed, in wire order. The upstream answers strictly in the
// order of what it was sent, so the head of the queue says what each answer belongs to.
import type { Analysis, SqlStatement } from '#engines/sql'
import type { Permit } from '#gateway'
import type { CopyOut } from './copy-out.ts'
import type { RowGuard } from './guard.ts'
import type { Definition } from './name-table.ts'
import type { Portal, Prepared } from './prepared.ts'

export type ExchangeKind = 'query' | 'parse' | 'bind' | 'describe' | 'execute' | 'close' | 'sync'

const NO_ANALYSIS: Analysis = { readable: true, statements: [] }

export class Exchange {
  readonly kind: ExchangeKind
  readonly permit: Permit | undefined
  /** Its statements, in order: each CommandComplete ends one. */
  readonly analysis: Analysis
  /** For what SQL's PREPARE and DECLARE in it stand for. */
  readonly text: string
  readonly segment: number
  index = 0
  /** Sent by us: the client sees nothing of the answer. */
  hidden = false
  /** This stands for a refused frame: the client sees these bytes in place of the upstream's error. */
  refusal: Uint8Array | undefined
  /** The name whose meaning hangs on the answer. */
  definition: Definition<Prepared> | Definition<Portal> | undefined
  portal: Portal | undefined
  prepared: Prepared | undefined
  guard: RowGuard | undefined
  /** How COPY OUT of each statement is rewritten. */
  copies: readonly (CopyOut | undefined)[] | undefined
  /** What follows names or settings must wait until this is answered. */
  changes = false
  /** The count of changed definitions when its statement was judged. */
  judgedAt: number | undefined
  /** The answer was longer than the permit allows: the rest is dropped. */
  limited = false
  /** True once it is answered, or skipped. */
  done = false
  /** What this one of ours was sent for: its outcome is known when this is answered. */
  behind: Exchange | undefined
  rows = 0
  bytes = 0
  masked: Map<string, number> | undefined
  errorCode: string | undefined
  failed = false

  constructor(kind: ExchangeKind, permit?: Permit, analysis = NO_ANALYSIS, text = '', segment = 0) {
    this.kind = kind
    this.permit = permit
    this.analysis = analysis
    this.text = text
    this.segment = segment
  }

  /** The statement whose answer is under way. */
  get statement(): SqlStatement | undefined {
    return this.analysis.statements[this.index]
  }
}

export class ExchangeQueue {
  // Slots, of which those from head to end are taken; the others hold nothing.
  readonly #slots: (Exchange | undefined)[] = []
  #head = 0
  #end = 0

  get length(): number {
    return this.#end - this.#head
  }

  get head(): Exchange | undefined {
    return this.#head === this.#end ? undefined : this.#slots[this.#head]
  }

  push(exchange: Exchange): void {
    this.#slots[this.#end++] = exchange
  }

  /** Puts one before all others: only for what must follow the exchange that has just ended. */
  pushFront(exchange: Exchange): void {
    if (this.#head > 0) {
      this.#slots[--this.#head] = exchange
      return
    }
    this.#slots.unshift(exchange)
    this.#end += 1
  }

  shift(): Exchange | undefined {
    if (this.#head === this.#end) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head += 1
    if (this.#head === this.#end) {
      this.#head = this.#end = 0
      // A long pipeline is over: its slots need not stay.
      if (this.#slots.length > 256) this.#slots.length = 0
    } else if (this.#head >= 64) {
      this.#slots.splice(0, this.#head)
      this.#end -= this.#head
      this.#head = 0
    }
    return item
  }

  /** Takes out all that an upstream skips after an error: everything before the next Sync. */
  skipToSync(onSkipped: (exchange: Exchange) => void): boolean {
    for (;;) {
      const head = this.head
      if (head === undefined) return false
      if (head.kind === 'sync') return true
      this.shift()
      onSkipped(head)
    }
  }

  *[Symbol.iterator](): Generator<Exchange> {
    for (let i = this.#head; i < this.#end; i++) yield this.#slots[i] as Exchange
  }
}
