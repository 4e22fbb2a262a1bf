// A command that was sent upstream and whose answer is owed. There is one at a time: the wire has no order but that.
import type { MysqlAnalysis, SqlStatement } from '#engines/sql'
import type { Permit } from '#gateway'
import { type Effects, effectsOf, runsOthers } from './effects.ts'
import type { RowGuard } from './guard.ts'
import type { Prepared } from './prepared.ts'

/**
 * What the answer looks like. `result`: OK, or rows, perhaps several times; `prepare`: a statement's id and columns;
 * `fields`: columns alone; `fetch`: rows alone; `plain`: OK; `end`: EOF.
 */
export type AnswerKind = 'result' | 'prepare' | 'fields' | 'fetch' | 'plain' | 'end'

export class Exchange {
  readonly kind: AnswerKind
  readonly permit: Permit | undefined
  readonly analysis: MysqlAnalysis | undefined
  readonly text: string
  /** Its rows are binary: those of `execute` and `fetch`. */
  prepared: Prepared | undefined
  /** The file of the client that the server may ask for, once. */
  file: string | undefined
  /** Sent by us: the client sees nothing of the answer. */
  hidden = false
  /** Before any text runs the session is pinned anew, or closed: how it reads them until then counts for nothing. */
  unread = false
  /** Called in place of going on, when a hidden one is answered. */
  onAnswer: ((ok: boolean) => void) | undefined
  /** What it runs under, or is a step of. */
  guard: RowGuard | undefined
  /** Of a hidden one: what the client may read of the server's error, and whether it told of warnings. */
  error: Uint8Array | undefined
  warned = false
  /** How often the server told of another default database, so far. */
  moved = 0
  /** The count of changed definitions when it was judged. */
  judgedAt = 0
  /** Of its results, which is under way. */
  index = 0
  /** The answer was longer than the permit allows: the rest is dropped. */
  limited = false
  /** Rows that more will follow, by FETCH. */
  cursor = false
  rows = 0
  bytes = 0
  masked: Map<string, number> | undefined
  errorCode: string | undefined
  #effects: Effects | undefined

  constructor(kind: AnswerKind, permit?: Permit, analysis?: MysqlAnalysis, text = '') {
    this.kind = kind
    this.permit = permit
    this.analysis = analysis
    this.text = text
  }

  /** What it may leave behind. */
  get effects(): Effects {
    this.#effects ??= effectsOf(this.permit?.statement.operations, this.analysis)
    return this.#effects
  }

  /** Which statement of the text the result under way belongs to; undefined where that cannot be told. */
  get statementIndex(): number | undefined {
    const statements = this.analysis?.statements
    if (statements === undefined) return undefined
    if (statements.length === 1) return this.index === 0 ? 0 : undefined
    // A procedure has as many results as it likes: those of others cannot be counted then.
    return runsOthers(statements) ? undefined : this.index
  }

  /** The same as the statement itself. */
  get statement(): SqlStatement | undefined {
    const index = this.statementIndex
    return index === undefined ? undefined : this.analysis?.statements[index]
  }
}
