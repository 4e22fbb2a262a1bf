// Builds the audit entries of a session: who, what, decision, why. No statement text and no value ever
// goes in: texts are in the recording, the log has a salted commitment to them.
import { hash } from 'node:crypto'
import { RecordForm } from '#engines/merkle'
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
import type { RecurringEntry } from '#services/audit'
import type { Outcome } from '../protocol/index.ts'

const MOST_LISTED = 32
/** Of one list of names, as it is written: a record holds several of them, and what is too long for it would be on no record at all. */
const MOST_LIST_BYTES = 4 * 1024
const MOST_RECURRING = 256
/** Forms are a kilobyte each, in every session. */
const MOST_FORMS = 16
const MOST_KEPT = 2 * 1024

/** The outcome of the statement whose entry is `index`. */
export interface Completed {
  readonly index: number
  readonly at: number
  readonly outcome: Outcome
  /** Classes that were masked although the server and the text do not agree where the values come from. */
  readonly disagreed: ReadonlySet<string> | undefined
}

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
  return { ip: origin.ip, port: origin.port, claimedClient: short(origin.client) }
}

/** A resource's name as somebody asked for it. It may be none of ours, of any length, and is on record all the same. */
export function askedName(name: string): string {
  return name.slice(0, 64).toWellFormed()
}

/** The constant parts of a session's entries, made once. */
export class Evidence {
  readonly #session: string
  readonly #principal: JsonObject
  readonly #target: JsonObject
  readonly #salt: string
  /** Of the text before: clients repeat themselves. */
  #committed: { readonly text: string; readonly hash: string } | undefined
  readonly #actions = new Recurring(actionKey, actionEntry)
  readonly #decisions = new Recurring(decisionKey, ({ decision, policySet }: Decided) =>
    decisionEntry(decision, policySet),
  )

  /** What this session runs again and again, by the operations that its statements share. */
  readonly #forms = new Map<Statement['operations'], PermittedForm>()

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

  /** A plain permit: nothing had to be done for it. The commonest entry by far. */
  permitted(
    statement: Statement,
    decision: Decision,
    policySet: string,
  ): AuditEntry | RecurringEntry {
    const { operations, functions } = statement
    if (decision.obligations.length > 0 || decision.code !== 'permitted')
      return this.decided('statement.permitted', statement, decision, policySet)
    const known = this.#forms.get(operations)
    if (
      known === undefined ||
      known.functions !== functions ||
      known.policySet !== policySet ||
      !sameNames(known.policies, decision.policies)
    ) {
      if (this.#forms.size >= MOST_FORMS) this.#forms.clear()
      const { policies } = decision
      this.#forms.set(operations, { functions, policySet, policies, form: undefined })
      // A form costs as much as four entries: many a session asks once.
      return this.decided('statement.permitted', statement, decision, policySet)
    }
    known.form ??= new RecordForm(
      this.entry('statement.permitted', {
        action: this.#actions.get(statement),
        decision: this.#decisions.get({ decision, policySet }),
      }),
    )
    return { form: known.form, commitment: this.commitment(statement) }
  }

  /** `commitment` stands apart from the parts that many statements share: those are written out only once. */
  decided(
    kind: AuditEntry['kind'],
    statement: Statement,
    decision: Decision,
    policySet: string,
    approval?: JsonObject,
  ): AuditEntry {
    return {
      kind,
      session: this.#session,
      principal: this.#principal,
      target: this.#target,
      action: this.#actions.get(statement),
      decision:
        approval === undefined
          ? this.#decisions.get({ decision, policySet })
          : { ...decisionEntry(decision, policySet), approval },
      details: { commitment: this.commitment(statement) },
    }
  }

  /** A refusal of something that never became a statement. */
  refused(text: string, error: GatewayError): AuditEntry {
    return this.entry('statement.denied', {
      action: { verbs: [], objects: [] },
      decision: { effect: 'deny', code: error.code, policies: [] },
      details: { commitment: this.#commit(text) },
    })
  }

  completed(outcomes: readonly Completed[]): AuditEntry {
    return this.entry('statement.completed', { result: { statements: outcomes.map(outcomeEntry) } })
  }

  /** SHA-256 of the session's salt, the text and its parameters: whoever has the recording can check it. */
  commitment(statement: Pick<Statement, 'text' | 'parameters'>): string {
    if (statement.parameters === undefined || statement.parameters.length === 0) {
      const { text } = statement
      if (text === this.#committed?.text) return this.#committed.hash
      const hash = this.#commit(text)
      // A long one in each of a thousand idle sessions would be too much to keep.
      if (text.length <= MOST_KEPT) this.#committed = { text, hash }
      return hash
    }
    let values = ''
    for (const { value } of statement.parameters) {
      values += value === null ? '\0-' : `\0+${view(value).toString('hex')}`
    }
    return this.#commit(statement.text + values)
  }

  #commit(text: string): string {
    return hash('sha256', this.#salt + text, 'hex')
  }
}

/** Its members are in the order in which records have them: putting them in order would cost more than the rest. */
function outcomeEntry({ index, at, outcome, disagreed }: Completed): JsonObject {
  const { bytes, errorCode, masked, rows, sent, status } = outcome
  const hid = masked !== undefined && masked.size > 0
  if (disagreed === undefined && errorCode === undefined && sent === undefined && !hid)
    return { at, bytes, entry: index, rows, status }
  return {
    at,
    bytes,
    ...(disagreed === undefined ? {} : { disagreed: [...disagreed] }),
    entry: index,
    ...(errorCode === undefined ? {} : { error: errorCode }),
    ...(hid ? { masked: Object.fromEntries(masked) } : {}),
    rows,
    ...(sent === undefined ? {} : { sent }),
    status,
  }
}

interface PermittedForm {
  readonly functions: Statement['functions']
  readonly policySet: string
  readonly policies: Decision['policies']
  /** Once they have come again. */
  form: RecordForm | undefined
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}

/** The same bytes, not a copy. */
export function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Small parts that recur: made, frozen and kept by what they are made from. Bounded; forgets all at once. */
class Recurring<From> {
  readonly #known = new Map<string, JsonObject>()
  readonly #keyOf: (from: From) => string
  readonly #make: (from: From) => JsonObject

  constructor(keyOf: (from: From) => string, make: (from: From) => JsonObject) {
    this.#keyOf = keyOf
    this.#make = make
  }

  get(from: From): JsonObject {
    const key = this.#keyOf(from)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#known.size >= MOST_RECURRING) this.#known.clear()
    const made = frozen(this.#make(from))
    this.#known.set(key, made)
    return made
  }
}

function actionKey({ operations, functions }: Statement): string {
  let key = ''
  for (const { action, verb, object, flags } of operations) {
    key += `${action}|${named(verb)}${named(object.name)}${flags.join(' ')};`
  }
  for (const name of functions) key += named(name)
  return key
}

function actionEntry({ operations, functions }: Statement): JsonObject {
  return {
    actions: listed(operations.map(operation => operation.action)),
    verbs: listed(operations.map(operation => operation.verb)),
    objects: listed(operations.map(operation => operation.object.name)),
    flags: listed(operations.flatMap(operation => operation.flags)),
    functions: listed(functions),
  }
}

interface Decided {
  readonly decision: Decision
  readonly policySet: string
}

function decisionKey({ decision, policySet }: Decided): string {
  let key = `${decision.effect}|${decision.code}|${policySet}|`
  for (const policy of decision.policies) key += named(policy)
  for (const { kind } of decision.obligations) key += `|${kind}`
  return key
}

function decisionEntry(decision: Decision, policySet: string): JsonObject {
  return {
    effect: decision.effect,
    code: decision.code,
    policies: decision.policies.slice(0, MOST_LISTED),
    policySet,
    ...(decision.obligations.length > 0
      ? { obligations: decision.obligations.map(obligation => obligation.kind) }
      : {}),
  }
}

/** With its length, so that no two lists of names share a key whatever the names hold. */
function named(name: string): string {
  return `${name.length}:${name}`
}

function frozen(value: JsonObject): JsonObject {
  for (const part of Object.values(value)) Object.freeze(part)
  return Object.freeze(value)
}

/** Cut where a pair of surrogates would be torn, the rest of it is replaced: a record holds well-formed text. */
function short(name: string): string {
  return name.slice(0, 128).toWellFormed()
}

/** Each name once, as many as there is room for: a statement may name thousands of tables, and no record would be worse. */
export function listed(names: readonly string[]): string[] {
  const all = [...new Set(names)]
  const shown: string[] = []
  let bytes = 0
  for (const name of all) {
    const cut = short(name)
    bytes += Buffer.byteLength(JSON.stringify(cut))
    if (shown.length === MOST_LISTED || bytes > MOST_LIST_BYTES) break
    shown.push(cut)
  }
  return shown.length === all.length ? shown : [...shown, `and ${all.length - shown.length} more`]
}
