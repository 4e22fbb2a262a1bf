// What both pumps of one session share: the queue of answers that are owed, the transaction's state, the names,
// and the two outlets. Each field is written by one of the pumps; the comments say which.
import type { DefinedNames, OpenDefinitions } from '#engines/sql'
import type { Session } from '#gateway'
import { type CloseReason, type GatewayError, UpstreamError } from '#model'
import type { Outlet } from '#transport'
import type { Catalog } from './catalog-types.ts'
import { Exchange, ExchangeQueue } from './exchange.ts'
import type { TransactionStatus } from './messages.ts'
import type { Portal } from './prepared.ts'
import type { Previewer } from './preview.ts'
import { Redefined } from './redefined.ts'
import type { Scope } from './scope.ts'
import type { SessionNames } from './session-names.ts'
import type { StatementBuilder } from './statement.ts'

/**
 * Rows of COPY FROM STDIN: `none`; `expected`: a statement that may ask for them was sent; `open`: the upstream
 * asked; `tail`: it failed, and what the client still sends of it is dropped, as a server drops it.
 */
export type CopyInState = 'none' | 'expected' | 'open' | 'tail'

export interface ConversationParts {
  readonly session: Session
  readonly catalog: Catalog
  readonly toClient: Outlet
  readonly toUpstream: Outlet
  readonly names: SessionNames
  readonly scope: Scope
  readonly builder: StatementBuilder
  /** What this session changes that others may see. */
  readonly definitions: OpenDefinitions
  readonly preview?: Previewer | undefined
  readonly messageBytes: number
  readonly cancelUpstream: () => void | Promise<void>
  /** Ends the session; `error` is what the client is told, where it can still be told. */
  readonly end: (reason: CloseReason, error?: GatewayError) => void
  /** Something was done that a leg may wait for. */
  readonly wake: () => void
}

export class Conversation {
  readonly parts: ConversationParts
  readonly queue = new ExchangeQueue()
  /** Upstream pump: the last ReadyForQuery. */
  status: TransactionStatus = 'I'
  /** Client pump: counts Syncs sent upstream; names defined in an earlier one must be confirmed to count. */
  segment = 1
  /** Client pump: extended messages were sent since the last Sync. */
  segmentOpen = false
  /** Client pump: one of them runs a statement; it may be undone until the Sync. */
  segmentRuns = false
  /** Client pump: one of them does more than read. */
  segmentWrites = false
  /**
   * Both: client frames are dropped until Sync, because the upstream skips them too (`upstream`), or because
   * a refusal was given without asking it (`local`).
   */
  skipping: 'no' | 'upstream' | 'local' = 'no'
  copyIn: CopyInState = 'none'
  /** Exchanges under way that change names or settings: later frames wait until they are answered. */
  changes = 0
  /**
   * Upstream pump: definitions were changed (in this transaction, perhaps) that the catalog has not read yet: what a
   * view shows cannot be told, so it may be anything.
   */
  catalogDirty = false
  /** Which names they may have changed. */
  readonly redefined = new Redefined()
  /** Client pump: the count of changed definitions when the statement at hand was judged. */
  judgedAt = 0
  /** Readings of the catalog that somebody waits for: no transaction hides from it what was changed. */
  catalogReadings = 0
  /**
   * Both: grows when texts and names may mean something else than before. What was described under another value may
   * have been another table.
   */
  meaning = 0
  /** A cancel request of ours is under way: nothing new may be sent that it could hit. */
  cancelling: Promise<void> | undefined
  /** Portals whose statement is suspended: its outcome is on record when it ends. */
  readonly suspended = new Set<Portal>()
  ended = false

  constructor(parts: ConversationParts) {
    this.parts = parts
  }

  /** Nothing is owed and nothing is open upstream: an answer can be given without asking it. */
  get quiet(): boolean {
    return this.queue.length === 0 && !this.segmentOpen
  }

  /** True while locks may be held upstream on the client's behalf. */
  get inTransaction(): boolean {
    return this.status !== 'I' || this.segmentRuns
  }

  /** Client pump: a Sync, or a simple query, was sent. */
  closeSegment(): void {
    this.segment += 1
    this.segmentOpen = false
    this.segmentRuns = false
    this.segmentWrites = false
  }

  /** The upstream sent what has no place here: the session is over. */
  distrust(what: string): false {
    this.parts.end(
      'upstream_left',
      new UpstreamError('upstream_lost', `the database sent ${what}`) satisfies GatewayError,
    )
    return false
  }

  /** What the exchange changed has happened, or failed to: those who wait for it may go on. */
  changed(exchange: Exchange): void {
    if (!exchange.changes) return
    exchange.changes = false
    this.changes -= 1
    this.meaning += 1
  }

  /** Cancels what runs upstream; later intents wait until the cancel can no longer hit them. */
  cancel(): void {
    const cancelled = this.parts.cancelUpstream()
    if (!(cancelled instanceof Promise)) return
    const done = (): void => {
      this.cancelling = undefined
    }
    // Safe to ignore a failure: the statement then runs to its end and its rows are dropped.
    this.cancelling = cancelled.then(done, done)
  }

  /**
   * Others changed what the exchange was judged by before it was answered, or are about to: the server may have run either.
   * Then nothing is known of its answer but what the server says.
   */
  doubts({ permit, analysis, judgedAt }: Exchange): boolean {
    if (permit === undefined || judgedAt === undefined) return false
    if (!this.parts.builder.mayDiffer(permit.statement, analysis, judgedAt)) return false
    permit.doubt()
    return true
  }

  /** A statement that gives relations another meaning is sent. */
  defines(names: DefinedNames, endsTransaction: boolean): void {
    const { definitions } = this.parts
    if (names.length > 0) definitions.begin(names, !this.#inBlock())
    if (endsTransaction) definitions.show()
  }

  /** For certain, what is sent now is seen by nobody else before the client ends its transaction. */
  #inBlock(): boolean {
    if (this.status !== 'T') return false
    for (const { analysis } of this.queue)
      if (analysis.statements.some(({ transaction }) => transaction !== undefined)) return false
    return true
  }

  /** The exchange's permit is used up. */
  complete(exchange: Exchange, status: 'completed' | 'failed' | 'cancelled'): void {
    this.changed(exchange)
    exchange.done = true
    const { permit, portal } = exchange
    if (permit === undefined) return
    if (portal !== undefined && exchange.kind === 'execute') {
      if (this.suspended.size > 0) this.suspended.delete(portal)
      if (portal.completed) return
      portal.completed = true
    }
    const rows = exchange.rows + (exchange.kind === 'execute' ? (portal?.rows ?? 0) : 0)
    const bytes = exchange.bytes + (exchange.kind === 'execute' ? (portal?.bytes ?? 0) : 0)
    const { errorCode, masked } = exchange
    this.parts.session.complete(permit, { status, rows, bytes, errorCode, masked })
  }

  /** What a portal answered so far goes on record under its permit: another one takes over. */
  completePart(portal: Portal): void {
    const { permit, rows, bytes } = portal
    if (permit === undefined || portal.completed) return
    portal.rows = 0
    portal.bytes = 0
    this.parts.session.complete(permit, { status: 'completed', rows, bytes })
  }

  /** Portals are gone: what was suspended will not go on. */
  completeSuspended(): void {
    if (this.suspended.size === 0) return
    for (const portal of this.suspended) {
      const exchange = new Exchange('execute', portal.permit)
      exchange.portal = portal
      this.complete(exchange, 'completed')
    }
    this.suspended.clear()
  }
}
