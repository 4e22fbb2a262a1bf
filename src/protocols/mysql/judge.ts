// Between a command and its permit: its text is read, made a statement and authorised, while the client's leg waits for the
// catalog or for a person. Forwards nothing.
import type { MysqlAnalysis, SqlStatement } from '#engines/sql'
import type { Permit } from '#gateway'
import {
  AccessDenied,
  type DataClass,
  type GatewayError,
  isGatewayError,
  type Statement,
} from '#model'
import type { Conversation } from './conversation.ts'
import { countability, onlyReads } from './countable.ts'
import { isTracking } from './effects.ts'
import { RowGuard } from './guard.ts'
import { Hold } from './hold.ts'
import { writeError } from './messages.ts'
import type { Refusals } from './refusals.ts'
import { UnreadableText } from './statement.ts'

export class Judge {
  readonly #talk: Conversation
  readonly #refusals: Refusals
  readonly #hold: Hold
  readonly #turn: (step: () => void) => void
  #held = false
  /** Tables that the catalog did not have even after it was read again. */
  readonly #missed = new Set<string>()

  /** `turn`: does a step later, as a turn of its own. */
  constructor(talk: Conversation, refusals: Refusals, turn: (step: () => void) => void) {
    this.#talk = talk
    this.#refusals = refusals
    this.#turn = turn
    const { builder, preview } = talk.parts
    this.#hold = new Hold(preview && ((statement, access) => preview(statement, access, builder)))
  }

  /** A person is asked, or the catalog is read. */
  get held(): boolean {
    return this.#held
  }

  /** The client left, or asked to stop: whoever is asked on its behalf need not answer. */
  abort(): void {
    this.#hold.abort()
  }

  /** Does it when the catalog tells of its own time, where what is asked hangs on that. */
  informed(step: () => void): void {
    if (this.#mustReadCatalog()) this.#afterCatalog(step)
    else this.#refusals.guarded(step)
  }

  /** Where columns are masked, what a text asks of them must be told by the catalog of its own time. */
  #mustReadCatalog(): boolean {
    const { catalog, session } = this.#talk.parts
    return catalog.stale && session.dataClasses.some(hasColumns)
  }

  /** `failed`: what is told when it cannot be read; `over`: the session ended meanwhile. */
  #afterCatalog(
    then: () => void,
    failed = (error: GatewayError): void => this.#refusals.refuse(error),
    over = (): void => {},
  ): void {
    const talk = this.#talk
    const { catalog } = talk.parts
    this.#held = true
    const go = (step: () => void): void => {
      if (talk.ended) {
        over()
        return
      }
      this.#turn(() => {
        this.#held = false
        step()
      })
    }
    catalog.fresh().then(
      () => go(() => this.#refusals.guarded(then)),
      error =>
        go(() => {
          // Safe: what cannot be told of its columns is refused.
          if (isGatewayError(error)) failed(error)
          else throw error
        }),
    )
  }

  /** True while the catalog is read again for tables that it does not have: once for each. */
  #missing(analysis: MysqlAnalysis, again: () => void): boolean {
    const { builder, catalog, session } = this.#talk.parts
    if (!session.dataClasses.some(hasColumns)) return false
    const missing = builder.missing(analysis)
    if (missing.length === 0) return false
    const unknown = missing.filter(name => !this.#missed.has(name))
    if (unknown.length === 0 || analysis.statements.every(({ changesCatalog }) => changesCatalog))
      return false
    if (this.#missed.size > 1_000) this.#missed.clear()
    for (const name of unknown) this.#missed.add(name)
    catalog.invalidate()
    this.#afterCatalog(again)
    return true
  }

  /** Reads a text and has it authorised; `permitted` is called once it may run, perhaps much later. */
  text(
    text: string,
    phase: 'prepare' | 'execute',
    permitted: (permit: Permit, analysis: MysqlAnalysis) => void,
  ): void {
    const talk = this.#talk
    const { builder, session } = talk.parts
    let analysis: ReturnType<typeof builder.analyse>
    try {
      analysis = builder.analyse(text)
    } catch (error) {
      // Safe: a text that cannot be read is refused; anything else is a bug and ends the session.
      if (!(error instanceof UnreadableText)) throw error
      this.#refusals.onRecord(() => session.refused(text, error), error)
      return
    }
    if (analysis.statements.length > 1 && analysis.statements.some(turnsTracking)) {
      const error = new AccessDenied(
        'setting_refused',
        'what the server tells of the session is set by a text of its own',
      )
      this.#refusals.onRecord(() => session.refused(text, error), error)
      return
    }
    const unasked = this.#cannotAsk(analysis, phase)
    if (unasked !== undefined) {
      this.#refusals.onRecord(() => session.refused(text, unasked), unasked)
      return
    }
    if (this.#missing(analysis, () => this.text(text, phase, permitted))) return
    const { inTransaction } = talk
    const { database } = builder.reading
    talk.judgedAt = talk.parts.catalog.definitions.changes
    const statement = builder.build(analysis, text, { phase, inTransaction, database })
    this.authorize(statement, analysis, permit => permitted(permit, analysis))
  }

  /** Why the file that a text names could not be asked for. */
  #cannotAsk(
    { statements }: MysqlAnalysis,
    phase: 'prepare' | 'execute',
  ): AccessDenied | undefined {
    if (statements.every(({ clientFile }) => clientFile === undefined)) return undefined
    if (phase === 'prepare')
      return new AccessDenied(
        'statement_unsupported',
        'LOAD DATA LOCAL is not prepared: send it as a text',
      )
    if (this.#talk.parts.localFiles) return undefined
    return new AccessDenied(
      'statement_unsupported',
      'LOAD DATA LOCAL: the client or the server did not say that it does that',
      {
        hint: 'turn it on in the client (--local-infile=1, local_infile=True, allowLocalInfile=true), and local_infile at the server',
      },
    )
  }

  /** Throws what refuses it, which is on record then. */
  authorize(
    statement: Statement,
    analysis: MysqlAnalysis,
    permitted: (permit: Permit) => void,
  ): void {
    const { session } = this.#talk.parts
    // (It throws what #command answers: the refusal is on record, or the log failed; nothing is forwarded.)
    const verdict = session.authorize(statement, this.#hold)
    const send = (permit: Permit): void => {
      if (permit.maxRows === undefined || onlyReads(statement.operations)) permitted(permit)
      else this.#bounded(permit, permit.maxRows, analysis, () => permitted(permit))
    }
    if (verdict instanceof Promise) this.#wait(verdict, send)
    else send(verdict)
  }

  /** Runs it under its bound; what nobody can hold to it is refused. The catalog is read again first: a table may be another by now. */
  #bounded(permit: Permit, most: number, analysis: MysqlAnalysis, send: () => void): void {
    const talk = this.#talk
    const { builder, catalog, session } = talk.parts
    const cancelled = (): void =>
      session.complete(permit, { status: 'cancelled', rows: 0, bytes: 0 })
    const refuse = (error: GatewayError): void => {
      cancelled()
      this.#refusals.refuse(error)
    }
    const begin = (): void => {
      const { operations } = permit.statement
      const counted = countability(analysis, operations, object => builder.undoes(object))
      const outdated = this.#outdated(permit)
      if (outdated !== undefined) refuse(outdated)
      else if (counted.kind === 'uncountable') refuse(uncountable(counted.why))
      else new RowGuard(talk, permit, most).begin(() => this.#outdated(permit), send)
    }
    catalog.invalidate()
    this.#afterCatalog(begin, refuse, cancelled)
  }

  /** Of a permit that was not used at once: why it no longer may be. */
  #outdated(permit: Permit): AccessDenied | undefined {
    if (this.#turned(permit)) return new AccessDenied('approval_superseded', TURNED)
    if (permit.current || this.#talk.parts.session.renew(permit) !== undefined) return undefined
    return new AccessDenied('approval_superseded', RULES_CHANGED)
  }

  #wait(verdict: Promise<Permit>, permitted: (permit: Permit) => void): void {
    const talk = this.#talk
    this.#held = true
    const go = (step: () => void): void =>
      this.#turn(() => {
        this.#held = false
        step()
      })
    verdict.then(
      permit => {
        this.#hold.reset()
        if (talk.ended) {
          talk.parts.session.complete(permit, { status: 'cancelled', rows: 0, bytes: 0 })
          return
        }
        go(() => {
          if (!this.#turned(permit)) {
            permitted(permit)
            return
          }
          talk.parts.session.complete(permit, { status: 'cancelled', rows: 0, bytes: 0 })
          this.#refusals.refuse(new AccessDenied('approval_superseded', TURNED))
        })
      },
      error => {
        const cancelled = this.#hold.aborted
        this.#hold.reset()
        go(() => {
          if (cancelled) this.#talk.say(writeError(INTERRUPTED))
          else if (isGatewayError(error)) this.#refusals.refuse(error)
          else throw error
        })
      },
    )
  }

  /** What was approved for one who may not see everything may read other columns by now. */
  #turned({ approved, statement }: Permit): boolean {
    const { parts, judgedAt } = this.#talk
    const masked = parts.session.dataClasses.some(hasColumns)
    return approved && masked && parts.builder.mayDiffer(statement, judgedAt)
  }
}

const TURNED =
  'what the text names was given another meaning while it waited: what was approved may not be what would run'
const RULES_CHANGED = 'The policy changed after this was approved.'
const INTERRUPTED = { code: 1317, state: '70100', message: 'Query execution was interrupted' }

function turnsTracking({ settings }: SqlStatement): boolean {
  return settings.some(isTracking)
}

function uncountable(why: string): AccessDenied {
  return new AccessDenied(
    'statement_unsupported',
    `the approval is bound to a number of rows, and it cannot be held to it: ${why}`,
    { hint: 'Whoever approves can allow it without a bound.' },
  )
}

function hasColumns({ columns }: DataClass): boolean {
  return columns.length > 0
}
