// What happens when a bound was exceeded, by the rows of an answer or by the rows that a statement changed: the
// transaction must fail upstream too before the client may hear the end. Counts nothing itself.
import { AccessDenied } from '#model'
import type { Conversation } from './conversation.ts'
import { denial } from './denial.ts'
import { Exchange } from './exchange.ts'
import { commit, failingParse, failingQuery, rollback } from './stand-ins.ts'

const UNSEEN = new Uint8Array(0)

export class RowBounds {
  readonly #talk: Conversation

  constructor(talk: Conversation) {
    this.#talk = talk
  }

  /** The answer of a limited Execute is over although it was cancelled: the pipeline must fail all the same. */
  endLimited(exchange: Exchange): true {
    const talk = this.#talk
    talk.queue.shift()
    exchange.errorCode = '42501'
    const synced = [...talk.queue].some(({ kind }) => kind === 'sync')
    if (!synced) {
      talk.complete(exchange, 'failed')
      this.failPipeline(limitError())
      return true
    }
    // Only its Sync was let through: nothing but reading is committed by it. The outcome waits for it.
    talk.parts.toClient.own(limitError())
    exchange.failed = true
    const sync = talk.queue.head
    if (sync !== undefined) {
      sync.limited = true
      sync.failed = true
      sync.behind = exchange
    }
    return true
  }

  /** Makes the upstream fail the open pipeline; the client sees `refusal` in place of its error. */
  failPipeline(refusal: Uint8Array): void {
    const talk = this.#talk
    const exchange = new Exchange('parse')
    exchange.refusal = refusal
    talk.queue.push(exchange)
    talk.parts.toUpstream.own(failingParse)
    talk.skipping = 'upstream'
  }

  /**
   * Whether something of ours must still be answered before the client may hear that this is over: then its
   * ReadyForQuery takes the place of the one just read. The client pump waits meanwhile, so it is next in line.
   */
  goesOn(exchange: Exchange): boolean {
    const { guard } = exchange
    const inTransaction = this.#talk.status === 'T'
    if (guard === undefined) {
      if (!exchange.limited || !inTransaction) return false
      return this.#follow(exchange, failingQuery, UNSEEN)
    }
    const { toClient } = this.#talk.parts
    const exceeded = guard.exceeded && !exchange.failed
    if (exceeded) {
      exchange.failed = true
      exchange.errorCode = '42501'
      toClient.own(denial(guard.error()))
    }
    if (guard.own && this.#talk.status !== 'I') {
      return this.#follow(exchange, exchange.failed ? rollback : commit)
    }
    if (exceeded && inTransaction) return this.#follow(exchange, failingQuery, UNSEEN)
    if (!exchange.failed && guard.kept !== undefined) toClient.own(guard.kept)
    return false
  }

  /** `refusal`: what the client sees of the error that is expected (nothing, when it is empty). */
  #follow(exchange: Exchange, text: Uint8Array, refusal?: Uint8Array): true {
    const next = new Exchange('query')
    next.behind = exchange.behind ?? exchange
    next.refusal = refusal
    next.hidden = true
    this.#talk.queue.pushFront(next)
    this.#talk.parts.toUpstream.own(text)
    return true
  }
}

export function limitError(): Uint8Array {
  return denial(
    new AccessDenied(
      'limit_exceeded',
      'the answer is longer than the policy allows; the rest was not sent',
    ),
  )
}
