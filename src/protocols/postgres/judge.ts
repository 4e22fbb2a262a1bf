// Between a frame of the client and its permit: the text is read, made a statement, and authorised; the client's
// leg waits while a person is asked. Forwards nothing.
import type { Analysis } from '#engines/sql'
import type { Feed } from '#engines/wire'
import type { Permit } from '#gateway'
import { isGatewayError, type Statement } from '#model'
import type { Conversation } from './conversation.ts'
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
  /** What waits for the catalog to be read because of other sessions. */
  #waited: Analysis | undefined

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

  /** Undefined: refused. `declared`: of a Parse, or of the one that the portal was bound from. */
  statement(
    analysis: Analysis,
    text: string,
    mode: Mode,
    declared?: { readonly parameterTypes: readonly number[] },
    portal?: Portal,
  ): Statement | undefined {
    const talk = this.#talk
    try {
      return talk.parts.builder.build(analysis, text, {
        phase: mode === 'extended' && portal === undefined ? 'prepare' : 'execute',
        inTransaction: talk.inTransaction,
        segment: talk.segment,
        catalogDirty: talk.catalogDirty && this.#mayMeanOther(analysis),
        parameters: portal?.parameters(),
        parameterTypes: declared?.parameterTypes,
        boundUnder: portal?.scope,
      })
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
        go(() => later(permit))
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

  /** Since definitions were changed that the catalog has not read. */
  #mayMeanOther(analysis: Analysis): boolean {
    const { redefined, parts } = this.#talk
    const { catalog, scope } = parts
    return redefined.touches(analysis, name => {
      const found = catalog.resolve(name, scope.path)
      return found.length > 0 && found.every(({ kind }) => kind === 'table')
    })
  }

  /** What is asked of columns is told by the catalog: definitions that were changed are read before, once. */
  #waitsForCatalog(analysis: Analysis): boolean {
    const talk = this.#talk
    const { builder, catalog } = talk.parts
    if (talk.catalogReadings === 0 && !catalog.changing) return false
    if (!this.#asksOfCatalog(analysis)) return false
    if (talk.catalogReadings > 0) return this.#mayMeanOther(analysis)
    // Another session changed them. Others may go on changing them: then it is judged as far as it is known.
    if (this.#waited === analysis || !builder.mayBeOld(analysis, talk.segment)) return false
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
      this.#talk.parts.session.dataClasses.some(({ columns }) => columns.length > 0) &&
      statements.some(
        ({ changesCatalog, transaction }) => !changesCatalog && transaction === undefined,
      )
    )
  }

  /** Notes whether what comes after the exchange means something else once it has run. */
  noteChanges(exchange: Exchange): void {
    const talk = this.#talk
    const { builder, scope } = talk.parts
    if (builder.turns(exchange.analysis)) {
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

const CANCELLED: MessageFields = [
  ['S', 'ERROR'],
  ['V', 'ERROR'],
  ['C', '57014'],
  ['M', 'canceling statement due to user request'],
  ['D', 'The request for approval was withdrawn.'],
]
