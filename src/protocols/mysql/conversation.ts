// What both legs of a session share: who it is, what is under way, and what the server's session has.
import type { OpenDefinitions } from '#engines/sql'
import type { Session } from '#gateway'
import { type CloseReason, type GatewayError, UpstreamError } from '#model'
import type { Outlet } from '#transport'
import type { Catalog } from './catalog-types.ts'
import type { Exchange } from './exchange.ts'
import type { RowGuard } from './guard.ts'
import type { LoginPacket } from './messages.ts'
import { status } from './numbers.ts'
import { packets } from './packets.ts'
import type { Prepared } from './prepared.ts'
import type { Previewer } from './preview.ts'
import type { StatementBuilder } from './statement.ts'

export interface ConversationParts {
  readonly session: Session
  readonly catalog: Catalog
  readonly builder: StatementBuilder
  /** What this session changes that others may see. */
  readonly definitions: OpenDefinitions
  readonly toClient: Outlet
  readonly toUpstream: Outlet
  readonly messageBytes: number
  /** The client's. */
  readonly capabilities: number
  /** The server may ask for the file that a text of the client's names. */
  readonly localFiles: boolean
  /** What was permitted is not on record yet: nothing of it has left. */
  readonly unrecorded: () => boolean
  /** What makes the server's session read texts as we do. */
  readonly pins: string
  /** The server's id of the session, and ours, for who asks to stop it. */
  readonly kill: (target: number) => 'done' | 'unknown'
  readonly cancelUpstream: () => Promise<void>
  /** What a held statement would do. Absent: nobody can be asked. */
  readonly preview?: Previewer | undefined
  /** Ends the session; `error` is what the client is told, where it can still be told. */
  readonly end: (reason: CloseReason, error?: GatewayError) => void
  /** Ends the session, and leaves its client to whoever asks it to prove this. */
  readonly handOver: (login: LoginPacket) => void
  /** Something was done that a leg may wait for. */
  readonly wake: () => void
}

export class Conversation {
  readonly parts: ConversationParts
  exchange: Exchange | undefined
  /** The server's, as it last said them. */
  flags: number = status.autocommit
  readonly prepared = new Map<number, Prepared>()
  /** The id of the statement that was prepared last, while it stands. */
  lastPrepared: number | undefined
  /** Of values that were sent ahead. */
  longBytes = 0
  /** The number of the next packet to the client. */
  sequence = 0
  /** Of the next packet that the server owes. */
  expected = 0
  /** The count of changed definitions when the statement at hand was judged. */
  judgedAt = 0
  /** Of the statement that is sent next. */
  guard: RowGuard | undefined
  /** What ran may have silenced what the server tells of its session: it is told to speak before anything else runs. */
  retrack = false
  /** A cancel of ours is under way: nothing new may be sent that it could hit. */
  cancelling: Promise<void> | undefined
  ended = false

  constructor(parts: ConversationParts) {
    this.parts = parts
  }

  /** True while locks may be held upstream on the client's behalf. */
  get inTransaction(): boolean {
    return (this.flags & status.inTransaction) !== 0
  }

  /** A payload of ours for the client, in order with the rest. */
  say(payload: Uint8Array): void {
    const bytes = packets(payload, this.sequence & 0xff)
    this.sequence += 1
    this.parts.toClient.own(bytes)
  }

  /** It is sent now. What others are answered from now on may rest on other definitions than it was judged by. */
  begin(exchange: Exchange): void {
    const { catalog, definitions } = this.parts
    exchange.judgedAt = this.judgedAt
    if (this.guard !== undefined) {
      exchange.guard = this.guard
      this.guard = undefined
    }
    const { redefines, defines } = exchange.effects
    if (redefines) catalog.invalidate()
    // (Definitions are in no transaction.)
    if (exchange.kind === 'result') definitions.begin(defines, true)
    this.exchange = exchange
  }

  /** A command of ours, or one that was rewritten. */
  ask(payload: Uint8Array, exchange: Exchange): void {
    const bytes = packets(payload, 0)
    this.expected = Math.floor(payload.length / 0xffffff) + 1
    this.begin(exchange)
    this.parts.toUpstream.own(bytes)
  }

  /** A command that no answer is owed for. */
  send(payload: Uint8Array): void {
    this.parts.toUpstream.own(packets(payload, 0))
  }

  /** The upstream sent what has no place here: the session is over. */
  distrust(what: string): false {
    this.parts.end(
      'upstream_left',
      new UpstreamError('upstream_lost', `the database sent ${what}`) satisfies GatewayError,
    )
    return false
  }

  /** Stops what runs upstream; later commands wait until the cancel can no longer hit them. */
  cancel(): void {
    if (this.cancelling !== undefined) return
    const done = (): void => {
      this.cancelling = undefined
      this.parts.wake()
    }
    // Safe to ignore a failure: the statement then runs to its end and its rows are dropped.
    this.cancelling = this.parts.cancelUpstream().then(done, done)
  }

  /** What the catalog says may not hold any more. */
  forgetChanged({ kind, effects }: Exchange): void {
    if (kind === 'result' && effects.redefines) this.parts.catalog.invalidate()
  }

  /** What was under way is over. */
  closeDefinitions(): void {
    const { catalog, definitions } = this.parts
    const { names } = definitions
    if (names.length === 0) return
    catalog.definitions.changed(names)
    definitions.end()
  }

  /** The same, where nobody is left who would have heard what became of it. */
  forgetDefinitions(): void {
    const { catalog, definitions } = this.parts
    if (definitions.names.length > 0) catalog.invalidate()
    this.closeDefinitions()
  }

  /**
   * Others changed what the exchange was judged by before it was answered, or are about to: the server may have run either.
   * Then nothing is known of its answer.
   */
  doubts({ permit, judgedAt }: Exchange): boolean {
    if (permit === undefined || !this.parts.builder.mayDiffer(permit.statement, judgedAt))
      return false
    permit.doubt()
    return true
  }

  /** The permit of what is under way is used up. */
  complete(exchange: Exchange, outcome: 'completed' | 'failed' | 'cancelled'): void {
    const { permit, rows, bytes, masked, errorCode } = exchange
    if (permit === undefined) return
    this.parts.session.complete(permit, { status: outcome, rows, bytes, errorCode, masked })
  }

  /** The rows of a cursor will not be asked for any more. */
  closeCursor(prepared: Prepared, outcome: 'completed' | 'failed' = 'completed'): void {
    const { cursor } = prepared
    if (cursor === undefined) return
    prepared.cursor = undefined
    const { permit, rows, bytes, masked } = cursor
    this.parts.session.complete(permit, { status: outcome, rows, bytes, masked })
  }

  /** Whatever is owed will not come: each permit's outcome goes on record. */
  completeAll(outcome: 'failed' | 'cancelled'): void {
    const { exchange } = this
    this.exchange = undefined
    // (What others may see is read again when the server has ended, too.)
    if (exchange !== undefined && this.parts.definitions.names.length === 0)
      this.forgetChanged(exchange)
    if (exchange?.guard !== undefined) exchange.guard.complete(outcome)
    else if (exchange !== undefined && exchange.kind !== 'fetch') this.complete(exchange, outcome)
    for (const prepared of this.prepared.values()) this.closeCursor(prepared)
  }
}
