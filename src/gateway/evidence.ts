// Builds the audit entries of a session: who, what, decision, why. No statement text and no value ever
// goes in: texts are in the recording, the log has a salted commitment to them.
import { hash } from 'node:crypto'
import type {
  AuditEntry,
  Decision,
  GatewayError,
  JsonObject,
  Origin,
  Principal,
  Resource,
  Statement,
} from '#model'
import type { Outcome } from './session.ts'

const MOST_LISTED = 32

/** The principal, as every entry names it. */
export function principalEntry(principal: Principal): JsonObject {
  return frozen({
    id: principal.id,
    kind: principal.kind,
    issuer: principal.issuer,
    subject: principal.subject,
    actors: principal.actors.map(actor => actor.id),
    credential: { kind: principal.credential.kind, id: principal.credential.id },
    mfa: principal.mfa,
    run: principal.run,
  })
}

/** Where it comes from. The client's own name is a claim. */
export function sourceEntry(origin: Origin): JsonObject {
  return { ip: origin.ip, port: origin.port, claimedClient: origin.client.slice(0, 128) }
}

/** The constant parts of a session's entries, made once. */
export class Evidence {
  readonly #session: string
  readonly #principal: JsonObject
  readonly #target: JsonObject
  readonly #salt: string
  /** Statements of one shape share their operations array, so its rendering is made once. */
  readonly #actions = new WeakMap<readonly unknown[], JsonObject>()

  /** `salt` is the session's own, kept with the recording: without it a commitment tells nothing. */
  constructor(session: string, principal: Principal, resource: Resource, salt: string) {
    this.#session = session
    this.#principal = principalEntry(principal)
    this.#target = frozen({ resource: resource.name, protocol: resource.protocol })
    this.#salt = salt
  }

  entry(kind: AuditEntry['kind'], more: Partial<AuditEntry> = {}): AuditEntry {
    return {
      kind,
      session: this.#session,
      principal: this.#principal,
      target: this.#target,
      ...more,
    }
  }

  decided(
    kind: AuditEntry['kind'],
    statement: Statement,
    decision: Decision,
    policySet: string,
    approval?: JsonObject,
  ): AuditEntry {
    return this.entry(kind, {
      action: { ...this.#shape(statement), commitment: this.commitment(statement) },
      decision: {
        effect: decision.effect,
        code: decision.code,
        policies: decision.policies.slice(0, MOST_LISTED),
        policySet,
        ...(decision.obligations.length > 0
          ? { obligations: decision.obligations.map(obligation => obligation.kind) }
          : {}),
        ...(approval === undefined ? {} : { approval }),
      },
    })
  }

  /** A refusal of something that never became a statement. */
  refused(text: string, error: GatewayError): AuditEntry {
    return this.entry('statement.denied', {
      action: { verbs: [], objects: [], commitment: this.#commit(text) },
      decision: { effect: 'deny', code: error.code, policies: [] },
    })
  }

  completed(outcomes: readonly { index: number; at: number; outcome: Outcome }[]): AuditEntry {
    return this.entry('statement.completed', {
      result: {
        statements: outcomes.map(({ index, at, outcome }) => ({
          entry: index,
          at,
          status: outcome.status,
          rows: outcome.rows,
          bytes: outcome.bytes,
          ...(outcome.errorCode === undefined ? {} : { error: outcome.errorCode }),
          ...(outcome.masked === undefined || outcome.masked.size === 0
            ? {}
            : { masked: Object.fromEntries(outcome.masked) }),
        })),
      },
    })
  }

  /** SHA-256 of the session's salt, the text and its parameters: whoever has the recording can check it. */
  commitment(statement: Pick<Statement, 'text' | 'parameters'>): string {
    if (statement.parameters === undefined || statement.parameters.length === 0) {
      return this.#commit(statement.text)
    }
    let values = ''
    for (const { value } of statement.parameters) {
      values += value === null ? '\0-' : `\0+${Buffer.from(value).toString('hex')}`
    }
    return this.#commit(statement.text + values)
  }

  #commit(text: string): string {
    return hash('sha256', this.#salt + text, 'hex')
  }

  #shape(statement: Statement): JsonObject {
    const known = this.#actions.get(statement.operations)
    if (known !== undefined) return known
    const { operations } = statement
    const shape = frozen({
      actions: distinct(operations.map(operation => operation.action)),
      verbs: distinct(operations.map(operation => operation.verb)),
      objects: distinct(operations.map(operation => operation.object.name)),
      flags: distinct(operations.flatMap(operation => operation.flags)),
      functions: distinct(statement.functions),
    })
    this.#actions.set(operations, shape)
    return shape
  }
}

/** The log writes a part that is frozen throughout only once, however often it comes. */
function frozen<Part extends JsonObject>(part: Part): Part {
  for (const value of Object.values(part)) {
    if (typeof value !== 'object' || value === null) continue
    Object.freeze(value)
  }
  return Object.freeze(part)
}

function distinct(names: readonly string[]): string[] {
  const all = [...new Set(names)]
  // A record has a size limit; a statement that names thousands of tables says how many were left out.
  if (all.length <= MOST_LISTED) return all.map(name => name.slice(0, 128))
  return [
    ...all.slice(0, MOST_LISTED).map(name => name.slice(0, 128)),
    `and ${all.length - MOST_LISTED} more`,
  ]
}
