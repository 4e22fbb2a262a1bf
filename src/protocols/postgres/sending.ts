// What both kinds of query do with a statement that was permitted: its COPY is planned, its bounds are noted, and
// it takes its place in the queue.
import { AccessDenied } from '#model'
import type { Conversation } from './conversation.ts'
import { copyOutsOf } from './copy-plan.ts'
import type { Exchange } from './exchange.ts'
import { F } from './messages.ts'
import type { Mode, Refusals } from './refusals.ts'

export class Sending {
  readonly #talk: Conversation
  readonly #refusals: Refusals
  /** An Execute with a limit on its answer: what must not run when it is exceeded waits for it. */
  #limited: Exchange | undefined

  constructor(talk: Conversation, refusals: Refusals) {
    this.#talk = talk
    this.#refusals = refusals
  }

  /** False: a COPY whose rows cannot be masked was refused. */
  prepareCopies(exchange: Exchange, mode: Mode): boolean {
    if (!copiesOut(exchange)) return true
    const talk = this.#talk
    exchange.copies = copyOutsOf(exchange, talk.parts, talk.catalogDirty, () =>
      talk.doubts(exchange),
    )
    if (exchange.copies.every(copy => copy?.runs !== false)) return true
    this.refuse(
      exchange,
      new AccessDenied(
        'statement_unsupported',
        'COPY in binary format of columns that are masked for you',
        { hint: 'Use the text or csv format.' },
      ),
      mode,
    )
    return false
  }

  /** Permitted, but it cannot be bounded as the approval demands. */
  refuseUncountable(exchange: Exchange, mode: Mode, status: 'cancelled' | 'failed'): void {
    this.refuse(
      exchange,
      new AccessDenied(
        'statement_unsupported',
        'the approval is bound to a number of rows, and the rows that this text changes cannot be counted',
        { hint: 'Send one INSERT, UPDATE, DELETE or MERGE by itself.' },
      ),
      mode,
      status,
    )
  }

  refuse(
    exchange: Exchange,
    error: AccessDenied,
    mode: Mode,
    status: 'cancelled' | 'failed' = 'cancelled',
  ): void {
    this.#talk.complete(exchange, status)
    this.#refusals.refuse(error, mode)
  }

  noteLimit(exchange: Exchange): void {
    const limit = exchange.permit?.limit
    if (limit?.rows !== undefined || limit?.bytes !== undefined) this.#limited = exchange
  }

  /** True when a frame of this type must not run if the limited answer before it turns out too long. */
  mustWait(type: number): boolean {
    const limited = this.#limited
    if (limited === undefined) return false
    if (limited.done) {
      this.#limited = undefined
      return false
    }
    return limited.kind === 'query' || type !== F.sync || this.#talk.segmentWrites
  }

  limitKnown = (): boolean => this.#limited?.done !== false
}

function copiesOut({ analysis }: Exchange): boolean {
  for (const { copy } of analysis.statements) if (copy?.to === 'stdout') return true
  return false
}
