// Between a frame of the client and its permit: the text is read, made a statement, and authorised; the client's
// leg waits while a person is asked. Forwards nothing.
import type { Analysis } from '#engines/sql'
import type { Feed } from '#engines/wire'
import type { Permit } from '#gateway'
import { AccessDenied, type DataClass, isGatewayError, type Statement } from '#model'
import type { Conversation } from './conversation.ts'
import { joinedNames, namesUnderWay } from './defined-names.ts'
import type { Exchange } from './exchange.ts'
import { Hold } from './hold.ts'
import type { MessageFields } from './messages.ts'
import type { Pause } from './pause.ts'
import type { Portal } from './prepared.ts'
import type { Mode, Refusals } from './refusals.ts'
import { changesScope } from './scope.ts'
import { changesNames } from './session-names.ts'
import { UnreadableText } from './statement.ts'

export class Judge {
  readonly #talk: Conversation
  readonly #refusals: Refusals
  readonly #pause: Pause
  readonly #feed: Feed
  readonly #hold: Hold
  readonly #turn: (step: () => void) => void
  #held = false
  /** Of the statement at hand. */
  #judged: Analysis | undefined
  /** What waits for the catalog to be read because of other sessions. */
  #waited: Analysis | undefined
  /** ... because of relations that it does not know, and why that could not be. */
  #looked: Analysis | undefined
  #unread: unknown

  /** `say`, `turn`: as ClientPump has them. */
  constructor(
    talk: Conversation,
    refusals: Refusals,
    pause: Pause,
    feed: Feed,
    say: (notice: Uint8Array) => void,
    turn: (step: () => void) => void,
  ) {
    this.#talk = talk
    this.#refusals = refusals
    this.#pause = pause
    this.#feed = feed
    this.#hold = new Hold(say, talk.parts.preview)
    this.#turn = turn
  }

  /** A verdict is waited for. */
  get held(): boolean {
    return this.#held
  }

  /** The client left or cancelled: whoever is asked on its behalf need not answer. */
  abort(): void {
    this.#hold.abort()
  }

  /** Undefined: refused. */
  analyse(text: string, mode: Mode): Analysis | undefined {
    const { builder, session } = this.#talk.parts
    try {
      return builder.analyse(text)
    } catch (error) {
      // Safe: a text that cannot be read is refused; anything else is a bug and ends the session.
      if (!(error instanceof UnreadableText)) throw error
      this.#refusals.onRecord(() => session.refused(text, error), error, mode)
      return undefined
    }
  }

  /** Undefined: refused; `later`: the frame waits, untouched. `declared`: of a Parse, or of the one that the portal was bound from. */
  statement(
    analysis: Analysis,
    text: string,
    mode: Mode,
    declared?: { readonly parameterTypes: readonly number[] },
    portal?: Portal,
  ): Statement | undefined | 'later' {
    const talk = this.#talk
    talk.judgedAt = talk.parts.catalog.definitions.changes
    this.#judged = analysis
    try {
      const statement = talk.parts.builder.build(analysis, text, {
        phase: mode === 'extended' && portal === undefined ? 'prepare' : 'execute',
        inTransaction: talk.inTransaction,
        segment: talk.segment,
        catalogDirty: talk.catalogDirty && this.#mayMeanOther(analysis),
        parameters: portal?.parameters(),
        parameterTypes: declared?.parameterTypes,
        boundUnder: portal?.scope,
      })
      return this.#looksFor(analysis) ? 'later' : statement
    } catch (error) {
      // Safe: nothing of the frame was forwarded.
      if (!isGatewayError(error)) throw error
      this.#refusals.refuse(error, mode)
      return undefined
    }
  }

  /** Undefined: refused, or `later` is called when a person has decided. */
  authorize(statement: Statement, mode: Mode, later: (permit: Permit) => void): Permit | undefined {
    let verdict: Permit | Promise<Permit>
    try {
      verdict = this.#talk.parts.session.authorize(statement, this.#hold)
    } catch (error) {
      // Safe: the refusal is on record, or the log failed; either way nothing is forwarded.
      this.#refusals.refuse(error, mode)
      return undefined
    }
    if (!(verdict instanceof Promise)) return verdict
    this.#wait(verdict, mode, later)
    return undefined
  }

  #wait(verdict: Promise<Permit>, mode: Mode, later: (permit: Permit) => void): void {
    const talk = this.#talk
    this.#held = true
    this.#feed.blocked = true
    const go = (step: () => void): void =>
      this.#turn(() => {
        this.#held = false
        step()
        if (!this.#pause.on) this.#feed.resume()
      })
    verdict.then(
      permit => {
        this.#hold.reset()
        if (talk.ended || talk.skipping !== 'no') {
          // Meanwhile an earlier message of the pipeline failed: a server would have skipped this one.
          talk.parts.session.complete(permit, { status: 'cancelled', rows: 0, bytes: 0 })
          go(() => {})
          return
        }
        go(() => {
          if (!this.#turned(permit)) {
            later(permit)
            return
          }
          talk.parts.session.complete(permit, { status: 'cancelled', rows: 0, bytes: 0 })
          this.#refusals.refuse(new AccessDenied('approval_superseded', TURNED), mode)
        })
      },
      error => {
        const cancelled = this.#hold.aborted
        this.#hold.reset()
        go(() => {
          if (talk.skipping !== 'no') return
          if (cancelled) this.#refusals.say(CANCELLED, mode)
          else this.#refusals.refuse(error, mode)
        })
      },
    )
  }

  /** What was approved for one who may not see everything may read other columns by now. */
  #turned({ approved, statement }: Permit): boolean {
    const { parts, judgedAt } = this.#talk
    const judged = this.#judged
    if (!approved || judged === undefined || !parts.session.dataClasses.some(hasColumns))
      return false
    return parts.builder.mayDiffer(statement, judged, judgedAt)
  }

  /** Whether the names that the text refers to are known, and nothing sent before it can change how it is read. */
  settled(analysis: Analysis): boolean {
    const talk = this.#talk
    if (talk.changes > 0 || talk.cancelling !== undefined) return false
    if (this.#waitsForCatalog(analysis)) return false
    const { prepared } = talk.parts.names
    for (const { executes } of analysis.statements) {
      if (executes !== undefined && prepared.find(executes.name, talk.segment) === 'unsettled')
        return false
    }
    this.#waited = undefined
    return true
  }

  /**
   * What it names may have been made past the gateway: policies speak of it by its whole name, and it may run code. It is
   * looked for once. (What the session itself is making, no other connection sees yet.)
   */
  #looksFor(analysis: Analysis): boolean {
    const talk = this.#talk
    const { builder, catalog } = talk.parts
    const looked = this.#looked === analysis
    this.#looked = undefined
    if (builder.missing.length === 0 || talk.catalogDirty) return false
    if (looked) {
      const unread = this.#unread
      this.#unread = undefined
      if (unread !== undefined) throw unread
      return false
    }
    const reading = catalog.lookFor(builder.missing)
    if (reading === undefined) return false
    this.#looked = analysis
    talk.catalogReadings += 1
    const done = (unread?: unknown): void => {
      this.#unread = unread
      talk.catalogReadings -= 1
      talk.parts.wake()
    }
    reading.then(() => done(), done)
    return true
  }

  /** Since definitions were changed that the catalog has not read. */
  #mayMeanOther(analysis: Analysis): boolean {
    const { redefined, parts, segment } = this.#talk
    const { builder, catalog, scope } = parts
    const touched = redefined.touches(analysis, name => {
      const found = catalog.resolve(name, scope.path)
      return found.length > 0 && found.every(({ kind }) => kind === 'table')
    })
    if (touched) return true
    const runsCode = analysis.statements.some(({ operations }) =>
      operations.some(({ action }) => action === 'execute'),
    )
    return runsCode && redefined.touchesCode(builder.reads(analysis, { segment }))
  }

  /** What is asked of columns is told by the catalog: definitions that were changed are read before, once. */
  #waitsForCatalog(analysis: Analysis): boolean {
    const talk = this.#talk
    const { builder, catalog } = talk.parts
    if (talk.catalogReadings === 0 && !catalog.changing) return false
    if (!this.#asksOfCatalog(analysis)) return false
    if (talk.catalogReadings > 0) return this.#mayMeanOther(analysis)
    // Another session changed them. Others may go on changing them: then it is judged as far as it is known.
    if (this.#waited === analysis || !builder.mayBeOld(analysis, { segment: talk.segment }))
      return false
    this.#waited = analysis
    talk.catalogReadings += 1
    const done = (): void => {
      talk.catalogReadings -= 1
      talk.parts.wake()
    }
    catalog.fresh().then(done, done)
    return true
  }

  /** Where columns are masked, what a statement asks of them must be told by the catalog of its own time. */
  #asksOfCatalog({ statements }: Analysis): boolean {
    return (
      this.#talk.parts.session.dataClasses.some(hasColumns) &&
      statements.some(
        ({ changesCatalog, transaction }) => !changesCatalog && transaction === undefined,
      )
    )
  }

  /** True when it runs code that changes definitions. */
  #noteDefinitions({ analysis, segment }: Exchange): boolean {
    const { builder } = this.#talk.parts
    const byCode = builder.defines(analysis)
    let names = byCode
    let ends = false
    for (const statement of analysis.statements) {
      names = joinedNames(names, namesUnderWay(builder.effective(statement, segment)))
      ends ||= ENDS.has(statement.transaction)
    }
    if (ends || names.length > 0) this.#talk.defines(names, ends)
    return byCode.length > 0
  }

  /** Notes whether what comes after the exchange means something else once it has run. */
  noteChanges(exchange: Exchange): void {
    const talk = this.#talk
    const { builder, scope } = talk.parts
    const defined = this.#noteDefinitions(exchange)
    if (defined || builder.turns(exchange.analysis)) {
      exchange.changes = true
      talk.changes += 1
      return
    }
    for (const statement of exchange.analysis.statements) {
      const effective = builder.effective(statement, talk.segment)
      if (
        changesNames(statement) ||
        changesScope(effective) ||
        effective.changesCatalog ||
        (scope.dirty && statement.transaction !== undefined && statement.transaction !== 'begin')
      ) {
        exchange.changes = true
        talk.changes += 1
        return
      }
    }
  }
}

function hasColumns({ columns }: DataClass): boolean {
  return columns.length > 0
}

const TURNED =
  'what the text names was given another meaning while it waited: what was approved may not be what would run'

const ENDS: ReadonlySet<string | undefined> = new Set(['commit', 'rollback', 'prepare_transaction'])

const CANCELLED: MessageFields = [
  ['S', 'ERROR'],
  ['V', 'ERROR'],
  ['C', '57014'],
  ['M', 'canceling statement due to user request'],
  ['D', 'The request for approval was withdrawn.'],
]
