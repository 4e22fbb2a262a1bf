// What a session puts on record and counts: decisions, outcomes, answers as they were seen. Decides nothing. The
// entry of a decision is written at once; what nobody needs to wait for follows in `catchUp`.
import {
  type AccessDenied,
  type Decision,
  GatewayError,
  type JsonObject,
  type Principal,
  type Resource,
  type SessionId,
  type SessionMarks,
  type Statement,
} from '#model'
import type { AuditLog } from '#services/audit'
import type { SessionRecorder } from '#services/recording'
import type {
  KeptText,
  Outcome,
  OutputStream,
  Permit,
  RecordedAnswer,
  TerminalSize,
} from '../protocol/index.ts'
import type { SessionDeparture } from './departures.ts'
import { type Completed, Evidence } from './evidence.ts'
import type { KeptForms } from './kept-forms.ts'
import type { Counted } from './rates.ts'
import {
  answerEvent,
  type Later,
  outcomeEvent,
  permitEvent,
  type Stopped,
  stoppedEvent,
} from './recorded-events.ts'
import type { RunTotals } from './runs.ts'
import { MarksOfSession } from './session-marks.ts'
import { TypedInput } from './typed-input.ts'

/** Outcomes wait this long, or until there are so many, to go into the log as one entry. */
const MOST_OUTCOMES = 64
/** What waits for `catchUp` is bounded, whatever a protocol does. */
const MOST_LATER = 64
/** So much is worth catching up with: some statements after one another cost half of what each alone does. */
const WORTH_IT = 24
/** Of texts among it: the recorder takes so much at a time without falling behind. */
const MOST_LATER_CHARACTERS = 256 * 1024
/** Such pieces of output wait with the rest; longer ones are worth it by themselves. */
const SMALL_OUTPUT = 2 * 1024
/** Texts whose preparation is on record already, so that preparing them again is not. */
const MOST_PREPARED = 256

export interface SessionRecordParts {
  readonly id: SessionId
  readonly principal: Principal
  readonly resource: Resource
  readonly audit: AuditLog
  readonly recorder: SessionRecorder
  readonly run: RunTotals
  readonly now: () => number
  readonly onDecided?: (effect: 'permit' | 'deny' | 'held') => void
  /** Something in the answer of a statement was masked. */
  readonly onMasked?: () => void
}

export interface SessionCounts {
  readonly statements: number
  readonly denied: number
  readonly rows: number
  readonly bytes: number
}

export class SessionRecord {
  readonly evidence: Evidence
  /** Where permits go out together with those of other sessions. */
  departure: SessionDeparture | undefined
  readonly #parts: SessionRecordParts
  readonly #kept: KeptForms
  readonly #marks: MarksOfSession
  /** Undefined: what is typed is not kept. */
  readonly #typed: TypedInput | undefined
  readonly #prepared = new Map<string, number>()
  /** By the statement's entry, until its outcome is there. */
  readonly #disagreed = new Map<number, Set<string>>()
  #outcomes: Completed[] = []
  /** What is not in the recording yet, in order. */
  #later: Later[] = []
  #laterCharacters = 0
  #statements = 0
  #denied = 0
  #rows = 0
  #bytes = 0

  constructor(parts: SessionRecordParts, kept: KeptForms) {
    this.#parts = parts
    this.#kept = kept
    this.#marks = new MarksOfSession(parts.now())
    this.evidence = new Evidence(parts.id, parts.principal, parts.resource, parts.recorder.salt)
    if (parts.resource.recording.input) this.#typed = new TypedInput(parts.recorder)
    parts.recorder.bringsLate(() => this.catchUp())
  }

  get counts(): SessionCounts {
    return {
      statements: this.#statements,
      denied: this.#denied,
      rows: this.#rows,
      bytes: this.#bytes,
    }
  }

  /** When it asked, and what became of it. */
  marks(): SessionMarks {
    this.catchUp()
    return this.#marks.read()
  }

  /** The rules are others: what was prepared under the old ones is put on record again. */
  forgetPrepared(): void {
    this.#prepared.clear()
  }

  /** The index of the entry. */
  permitted(
    asked: Statement,
    decision: Decision,
    policySet: string,
    approval: JsonObject | undefined,
  ): number {
    const statement = this.#kept.of(asked)
    const { evidence, departure } = this
    const { audit, run, now } = this.#parts
    const made =
      approval === undefined
        ? evidence.permitted(statement, decision, policySet)
        : evidence.decided('statement.permitted', statement, decision, policySet, approval)
    const entry = departure === undefined ? audit.append(made) : departure.enter(made)
    this.#statements += 1
    run.statements += 1
    const { policies } = decision
    this.#doLater({ kind: 'permit', at: now(), entry, statement, policies })
    return entry
  }

  /** Preparing the same text again under the same rules is on record already. */
  prepared(asked: Statement, decision: Decision, policySet: string): number {
    const statement = this.#kept.of(asked)
    const known = this.#prepared.get(statement.text)
    if (known !== undefined) return known
    const index = this.#parts.audit.append(
      this.evidence.decided('statement.prepared', statement, decision, policySet),
    )
    if (this.#prepared.size >= MOST_PREPARED) {
      const oldest = this.#prepared.keys().next()
      if (!oldest.done) this.#prepared.delete(oldest.value)
    }
    this.#prepared.set(statement.text, index)
    return index
  }

  held(asked: Statement, decision: Decision, policySet: string, message: string): number {
    const statement = this.#kept.of(asked)
    const index = this.#parts.audit.append(
      this.evidence.decided('statement.held', statement, decision, policySet),
    )
    const { policies } = decision
    this.#stopped(index, statement, {
      effect: 'held',
      code: 'approval_required',
      policies,
      message,
    })
    return index
  }

  /** `masking`: which columns and classes a rule about hidden values refused it for. */
  denied(
    asked: Statement,
    decision: Decision,
    policySet: string,
    error: AccessDenied,
    masking?: JsonObject,
  ): number {
    const statement = this.#kept.of(asked)
    this.#denied += 1
    const entry = this.evidence.decided('statement.denied', statement, decision, policySet)
    const index = this.#parts.audit.append(masking === undefined ? entry : { ...entry, masking })
    const { code, message } = error
    this.#stopped(index, statement, { effect: 'deny', code, policies: decision.policies, message })
    return index
  }

  /** A refusal of what never became a statement. */
  refused(asked: string, error: GatewayError, kept?: KeptText): void {
    const text = this.#kept.text(asked, kept)
    this.#denied += 1
    const index = this.#parts.audit.append(this.evidence.refused(text, error))
    const { code, message } = error
    this.#stopped(index, text, { effect: 'deny', code, policies: [], message })
  }

  /** Values of these classes were masked although it is not agreed where they come from: said with the outcome. */
  disagreed(index: number, classes: readonly string[]): void {
    let known = this.#disagreed.get(index)
    if (known === undefined) {
      if (this.#disagreed.size >= MOST_OUTCOMES) this.#disagreed.clear()
      known = new Set()
      this.#disagreed.set(index, known)
    }
    for (const name of classes) known.add(name)
  }

  completed(permit: Permit, outcome: Outcome): void {
    const at = this.#parts.now()
    this.#rows += outcome.rows
    this.#bytes += outcome.bytes
    this.#parts.run.rows += outcome.rows
    this.#parts.run.bytes += outcome.bytes
    const entry = permit.auditIndex
    this.#typed?.end(entry)
    const disagreed = this.#disagreed.size === 0 ? undefined : this.#disagreed.get(entry)
    if (disagreed !== undefined) this.#disagreed.delete(entry)
    const statement =
      (outcome.masked?.size ?? 0) === 0 ? undefined : this.#kept.of(permit.statement)
    this.#doLater({ kind: 'outcome', at, entry, outcome, statement, disagreed })
  }

  /** A turn of the session is over: does what was put off when that is worth it, or somebody waits for it. */
  turnOver(): void {
    if (this.#later.length >= WORTH_IT || this.#parts.recorder.watched) this.catchUp()
  }

  /** Does what was put off. */
  catchUp(): void {
    if (this.#later.length === 0) return
    if (this.departure?.waits === true) this.#forgetLost(this.departure)
    const later = this.#later
    // First: what goes wrong in the recording ends the session, and its end catches up too.
    this.#later = []
    this.#laterCharacters = 0
    for (const each of later) this.#catchUpWith(each)
    if (this.#outcomes.length >= MOST_OUTCOMES) this.flush()
  }

  /** Writes the outcomes that wait. */
  flush(): void {
    this.catchUp()
    if (this.#outcomes.length === 0) return
    const outcomes = this.#outcomes
    this.#outcomes = []
    try {
      this.#parts.audit.append(this.evidence.completed(outcomes))
    } catch (error) {
      // Safe: the decisions are on record; the log has failed, so nothing more is permitted, and the
      // outcomes are tried again with the next ones (bounded).
      if (!(error instanceof GatewayError)) throw error
      this.#outcomes = outcomes.slice(-MOST_OUTCOMES)
    }
  }

  answer(permit: Permit, answer: RecordedAnswer): void {
    this.#doLater({ kind: 'answer', at: this.#parts.now(), entry: permit.auditIndex, answer })
  }

  /** In order with what waits: output follows its statement. */
  output(permit: Permit, stream: OutputStream, bytes: Uint8Array): Promise<void> | undefined {
    const { recorder, now } = this.#parts
    const entry = permit.auditIndex
    this.#typed?.shown(entry, bytes)
    if (bytes.length > SMALL_OUTPUT || recorder.watched) {
      this.catchUp()
      recorder.addOutput(now(), entry, stream, bytes)
    } else {
      // A copy: whoever sends it may write over it.
      const copy = Buffer.allocUnsafe(bytes.length)
      copy.set(bytes)
      this.#doLater({ kind: 'output', at: now(), entry, stream, bytes: copy })
    }
    return recorder.behind
  }

  input(permit: Permit, bytes: Uint8Array): void {
    this.#typed?.typed(permit.auditIndex, this.#parts.now(), bytes)
  }

  size(permit: Permit, { columns, rows, type }: TerminalSize): void {
    this.catchUp()
    const entry = permit.auditIndex
    this.#typed?.begin(entry)
    this.#parts.recorder.add({ kind: 'size', at: this.#parts.now(), entry, columns, rows, type })
  }

  note(text: string): void {
    this.catchUp()
    this.#parts.recorder.add({ kind: 'note', at: this.#parts.now(), text })
  }

  /** What never came on record did not happen: it is not recorded, and has no outcome. */
  #forgetLost(departure: SessionDeparture): void {
    try {
      departure.clear()
    } catch (error) {
      // Safe: whoever sends is told the same, and sends nothing.
      if (!(error instanceof GatewayError)) throw error
      this.#later = this.#later.filter(({ entry }) => !departure.isLost(entry))
    }
  }

  #doLater(what: Later): void {
    this.#later.push(what)
    if (what.kind === 'permit') this.#laterCharacters += what.statement.text.length
    else if (what.kind === 'output') this.#laterCharacters += what.bytes.length
    if (this.#later.length >= MOST_LATER || this.#laterCharacters > MOST_LATER_CHARACTERS)
      this.catchUp()
  }

  #catchUpWith(later: Later): void {
    const { recorder } = this.#parts
    const { at, entry } = later
    switch (later.kind) {
      case 'permit':
        this.#decided('permit', at)
        recorder.add(permitEvent(later), later.statement)
        return
      case 'answer':
        recorder.add(answerEvent(later))
        return
      case 'output':
        recorder.addOutput(at, entry, later.stream, later.bytes)
        return
      case 'outcome': {
        const { outcome, statement, disagreed } = later
        const event = outcomeEvent(later)
        recorder.add(event, statement)
        if (event.masked !== undefined) {
          this.#marks.add('masked', at)
          this.#parts.onMasked?.()
        }
        this.#outcomes.push({ index: entry, at, outcome, disagreed })
      }
    }
  }

  #decided(effect: Exclude<Counted, 'masked'>, at: number): void {
    this.#marks.add(effect, at)
    this.#parts.onDecided?.(effect)
  }

  /** What a reviewer watches for is in the recording at once. `asked` is a text where it became no statement. */
  #stopped(entry: number, asked: Statement | string, why: Stopped): void {
    this.#decided(why.effect, this.#parts.now())
    this.catchUp()
    const [said, statement] =
      typeof asked === 'string' ? [{ text: asked }, undefined] : [asked, asked]
    this.#parts.recorder.add(stoppedEvent(this.#parts.now(), entry, said, why), statement)
  }
}
