// Asks protocols what held statements would do, for the eyes of approvers: off the path of the wait, one at a
// time for each resource, few at once, three seconds at most. Knows no wire; trusts no answer's size.
import { createHash } from 'node:crypto'
import {
  type AccessRequest,
  type AuditEntry,
  InvalidRequest,
  isGatewayError,
  type Preview,
  type Resource,
  type Statement,
} from '#model'
import type { Requests } from '#services/access'
import type { UpstreamAccess, Waiting } from '../protocol/index.ts'
import { requestEntry } from '../record/index.ts'

/** From its turn on. The protocol is asked to end a little earlier, with what it has by then. */
const MOST_MS = 3_000
const ASKED_TO_END_MS = 2_700
const MOST_AT_ONCE = 8
/** Of those that wait for their turn; an agent that asks a hundred things at once is not worth more. */
const MOST_WAITING = 32

const MOST_PLAN_BYTES = 32 * 1024
const MOST_TABLES = 32
const MOST_NOTES = 8
const MOST_NAME = 200
const MOST_WORDS = 400

export interface PreviewParts {
  readonly requests: Requests
  /** Puts an entry in the log and resolves when it is durable. */
  readonly append: (entry: AuditEntry) => Promise<void>
  /** A way to the resource that no session's end cuts. */
  readonly reach: (resource: Resource, signal: AbortSignal) => UpstreamAccess
  /** Something broke, for the operator's log. */
  readonly onTrouble: (error: unknown) => void
}

interface Look {
  readonly requests: AccessRequest[]
  readonly resource: Resource
  readonly statement: Statement
  readonly preview: NonNullable<Waiting['preview']>
}

interface Running {
  readonly look: Look
  done: Promise<void>
  /** Ends it at once, without an answer. */
  giveUp(): void
}

export class Previews {
  readonly #parts: PreviewParts
  readonly #waiting: Look[] = []
  /** Resources that are being asked. */
  readonly #running = new Map<string, Running>()
  #stopped = false

  constructor(parts: PreviewParts) {
    this.#parts = parts
  }

  /** The preview is added to the request when it is there. Never throws, and nothing waits for it. */
  ask(request: AccessRequest, resource: Resource, statement: Statement, waiting: Waiting): void {
    const preview = waiting.preview?.bind(waiting)
    if (preview === undefined || this.#stopped) return
    // Two policies that ask different people about one statement: it is looked at once.
    const looks = [...this.#waiting, ...[...this.#running.values()].map(({ look }) => look)]
    const same = looks.find(({ requests: [first] }) => first?.digest === request.digest)
    if (same !== undefined) {
      same.requests.push(request)
      return
    }
    if (this.#waiting.length >= MOST_WAITING) {
      void this.#add([request], nothing('Too many statements wait to be looked at.'))
      return
    }
    this.#waiting.push({ requests: [request], resource, statement: kept(statement), preview })
    this.#next()
  }

  /** Gives up what is under way and resolves when nothing is. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#waiting.length = 0
    const running = [...this.#running.values()]
    for (const { giveUp } of running) giveUp()
    await Promise.all(running.map(({ done }) => done))
  }

  #next(): void {
    for (;;) {
      if (this.#stopped || this.#running.size >= MOST_AT_ONCE) return
      const at = this.#waiting.findIndex(({ resource }) => !this.#running.has(resource.name))
      const [look] = at === -1 ? [] : this.#waiting.splice(at, 1)
      if (look === undefined) return
      this.#run(look)
    }
  }

  #run(look: Look): void {
    const ending = new AbortController()
    const { promise: late, resolve } = Promise.withResolvers<Preview>()
    const soon = setTimeout(() => ending.abort(), ASKED_TO_END_MS)
    const end = setTimeout(() => resolve(nothing('The system did not answer in time.')), MOST_MS)
    const running: Running = {
      look,
      done: Promise.resolve(),
      giveUp: () => {
        ending.abort()
        resolve(nothing('It was given up.'))
      },
    }
    this.#running.set(look.resource.name, running)
    running.done = this.#look(look, ending.signal, late)
      // Safe: a request without a preview is what it was before.
      .catch(error => this.#parts.onTrouble(error))
      .finally(() => {
        clearTimeout(soon)
        clearTimeout(end)
        ending.abort()
        this.#running.delete(look.resource.name)
        this.#next()
      })
  }

  async #look(look: Look, signal: AbortSignal, late: Promise<Preview>): Promise<void> {
    // What was decided while it waited for its turn needs no look.
    const [first] = look.requests
    if (first === undefined || (await this.#parts.requests.get(first.id)).state !== 'pending')
      return
    const access = this.#parts.reach(look.resource, signal)
    const asked = Promise.try(look.preview, look.statement, access).catch((error: unknown) => {
      // Safe: the approver reads that nothing is known; a bug is the operator's to read.
      if (!isGatewayError(error)) this.#parts.onTrouble(error)
      return nothing(isGatewayError(error) ? error.message : 'It could not be looked at.')
    })
    const preview = await Promise.race([asked, late])
    if (!this.#stopped) await this.#add(look.requests, bounded(preview))
  }

  async #add(requests: readonly AccessRequest[], preview: Preview): Promise<void> {
    const bound = defaultBound(preview)
    for (const { id } of requests) {
      try {
        const request = await this.#parts.requests.get(id)
        if (request.state !== 'pending') continue
        // On record before it can bound anything.
        await this.#parts.append(requestEntry('request.previewed', request, told(preview, bound)))
        await this.#parts.requests.apply(id, {
          kind: 'preview',
          preview,
          ...(bound === undefined ? {} : { defaultMaxRows: bound }),
        })
      } catch (error) {
        // Safe: decided, withdrawn or ended meanwhile, it needs no preview; whatever else broke, it has none.
        if (!(error instanceof InvalidRequest)) this.#parts.onTrouble(error)
      }
    }
  }
}

/** The bound that a yes carries when nobody names one: room for an estimate that is a little off. */
function defaultBound({ estimate }: Preview): number | undefined {
  if (estimate === undefined || estimate.effect !== 'changes' || !estimate.guarded) return undefined
  return Math.max(Math.ceil((estimate.rows * 12) / 10), estimate.rows + 10)
}

/** What was shown, for the record: a plan may hold values of the statement, so only a hash of it. */
export function previewHash(preview: Preview): string {
  return createHash('sha256').update(JSON.stringify(preview)).digest('hex')
}

function told(preview: Preview, bound: number | undefined): AuditEntry['details'] {
  return {
    preview: previewHash(preview),
    planned: (preview.plan ?? preview.changes) !== undefined,
    ...(preview.estimate === undefined
      ? {}
      : { rows: preview.estimate.rows, effect: preview.estimate.effect }),
    ...(bound === undefined ? {} : { defaultMaxRows: bound }),
  }
}

function nothing(unavailable: string): Preview {
  return { tables: [], unavailable, notes: [] }
}

/** The parameters of a statement are views that hold only while it is judged. */
function kept(statement: Statement): Statement {
  if (statement.parameters === undefined) return statement
  const parameters = statement.parameters.map(each => ({
    ...each,
    value: each.value === null ? null : Buffer.from(each.value),
  }))
  return { ...statement, parameters }
}

/** As much of it as a request may hold: the system that was asked may be hostile. */
function bounded(preview: Preview): Preview {
  const { tables, estimate, plan, changes, unavailable, notes } = preview
  const left = tables.length - MOST_TABLES
  return {
    tables: tables.slice(0, MOST_TABLES).map(({ name, kind, rows, exact, dependents }) => ({
      name: cut(name, MOST_NAME),
      kind: cut(kind, MOST_NAME),
      exact,
      ...(rows === undefined ? {} : { rows: count(rows) }),
      ...(dependents === undefined ? {} : { dependents: count(dependents) }),
    })),
    ...(estimate === undefined ? {} : { estimate: { ...estimate, rows: count(estimate.rows) } }),
    ...(plan === undefined ? {} : { plan: cutBytes(plan, 'the plan has') }),
    ...(changes === undefined ? {} : { changes: cutBytes(changes, 'there are') }),
    ...(unavailable === undefined ? {} : { unavailable: cut(unavailable, MOST_WORDS) }),
    notes: [
      ...notes.slice(0, MOST_NOTES).map(note => cut(note, MOST_WORDS)),
      ...(left > 0 ? [`${left} more tables are not listed.`] : []),
    ],
  }
}

function count(rows: number): number {
  return Number.isFinite(rows) ? Math.min(Math.max(Math.round(rows), 0), 2 ** 52) : 2 ** 52
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`
}

function cutBytes(text: string, words: string): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= MOST_PLAN_BYTES) return text
  const shown = bytes.subarray(0, MOST_PLAN_BYTES).toString('utf8')
  return `${shown}\n… CUT: ${words} ${bytes.length - MOST_PLAN_BYTES} more bytes`
}
