// What a session puts on record and counts: decisions, outcomes, answers as they were seen. Decides nothing.
import {
  type AccessDenied,
  type Decision,
  GatewayError,
  type JsonObject,
  type Principal,
  type Resource,
  type SessionId,
  type Statement,
} from '#model'
import type { AuditLog } from '#services/audit'
import type { SessionRecorder } from '#services/recording'
import { type Completed, Evidence } from './evidence.ts'
import type { RunTotals } from './facts.ts'
import type { Permit } from './permit.ts'
import type { Outcome, RecordedAnswer } from './session.ts'

/** Outcomes wait this long, or until there are so many, to go into the log as one entry. */
const MOST_OUTCOMES = 64
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
}

export interface SessionCounts {
  readonly statements: number
  readonly denied: number
  readonly rows: number
  readonly bytes: number
}

export class SessionRecord {
  readonly evidence: Evidence
  readonly #parts: SessionRecordParts
  readonly #prepared = new Map<string, number>()
  /** By the statement's entry, until its outcome is there. */
  readonly #disagreed = new Map<number, Set<string>>()
  #outcomes: Completed[] = []
  #statements = 0
  #denied = 0
  #rows = 0
  #bytes = 0

  constructor(parts: SessionRecordParts) {
    this.#parts = parts
    this.evidence = new Evidence(parts.id, parts.principal, parts.resource, parts.recorder.salt)
  }

  get counts(): SessionCounts {
    return {
      statements: this.#statements,
      denied: this.#denied,
      rows: this.#rows,
      bytes: this.#bytes,
    }
  }

  /** The rules are others: what was prepared under the old ones is put on record again. */
  forgetPrepared(): void {
    this.#prepared.clear()
  }

  /** The index of the entry. */
  permitted(
    statement: Statement,
    decision: Decision,
    policySet: string,
    approval: JsonObject | undefined,
  ): number {
    const entry = this.evidence.decided(
      'statement.permitted',
      statement,
      decision,
      policySet,
      approval,
    )
    const index = this.#parts.audit.append(entry)
    this.#statements += 1
    this.#parts.run.statements += 1
    this.#parts.onDecided?.('permit')
    this.#record(index, {
      ...textOf(statement),
      effect: 'permit',
      code: 'permitted',
      policies: decision.policies,
    })
    return index
  }

  /** Preparing the same text again under the same rules is on record already. */
  prepared(statement: Statement, decision: Decision, policySet: string): number {
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

  held(statement: Statement, decision: Decision, policySet: string, message: string): number {
    const index = this.#parts.audit.append(
      this.evidence.decided('statement.held', statement, decision, policySet),
    )
    this.#parts.onDecided?.('held')
    this.#record(index, {
      ...textOf(statement),
      effect: 'held',
      code: 'approval_required',
      policies: decision.policies,
      message,
    })
    return index
  }

  /** `masking`: which columns and classes a rule about hidden values refused it for. */
  denied(
    statement: Statement,
    decision: Decision,
    policySet: string,
    error: AccessDenied,
    masking?: JsonObject,
  ): number {
    this.#denied += 1
    const entry = this.evidence.decided('statement.denied', statement, decision, policySet)
    const index = this.#parts.audit.append(masking === undefined ? entry : { ...entry, masking })
    this.#parts.onDecided?.('deny')
    this.#record(index, {
      ...textOf(statement),
      effect: 'deny',
      code: error.code,
      policies: decision.policies,
      message: error.message,
    })
    return index
  }

  /** A refusal of what never became a statement. */
  refused(text: string, error: GatewayError): void {
    this.#denied += 1
    const index = this.#parts.audit.append(this.evidence.refused(text, error))
    this.#parts.onDecided?.('deny')
    this.#record(index, {
      text,
      effect: 'deny',
      code: error.code,
      policies: [],
      message: error.message,
    })
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
    this.#parts.recorder.add({
      kind: 'outcome',
      at,
      entry: permit.auditIndex,
      status: outcome.status,
      rows: outcome.rows,
      bytes: outcome.bytes,
      ...(outcome.errorCode === undefined ? {} : { errorCode: outcome.errorCode }),
    })
    const index = permit.auditIndex
    const disagreed = this.#disagreed.get(index)
    if (disagreed !== undefined) this.#disagreed.delete(index)
    this.#outcomes.push({ index, at, outcome, disagreed })
    if (this.#outcomes.length >= MOST_OUTCOMES) this.flush()
  }

  /** Writes the outcomes that wait. */
  flush(): void {
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
    this.#parts.recorder.add({
      kind: 'answer',
      at: this.#parts.now(),
      entry: permit.auditIndex,
      columns: answer.columns,
      rows: answer.rows,
      truncated: answer.truncated,
    })
  }

  note(text: string): void {
    this.#parts.recorder.add({ kind: 'note', at: this.#parts.now(), text })
  }

  #record(
    entry: number,
    event: {
      text: string
      parameters?: readonly (string | null)[]
      effect: 'permit' | 'deny' | 'held'
      code: string
      policies: readonly string[]
      message?: string
    },
  ): void {
    this.#parts.recorder.add({ kind: 'statement', at: this.#parts.now(), entry, ...event })
  }
}

function textOf(statement: Statement): { text: string; parameters?: readonly (string | null)[] } {
  if (statement.parameters === undefined || statement.parameters.length === 0)
    return { text: statement.text }
  return {
    text: statement.text,
    parameters: statement.parameters.map(({ value, format }) =>
      value === null
        ? null
        : Buffer.from(value)
            .toString(format === 'text' ? 'utf8' : 'hex')
            .slice(0, 1_000),
    ),
  }
}
