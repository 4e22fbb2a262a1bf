// What a held statement would do, for whoever approves it: tables, estimates and the plan, asked of the server on a
// connection of our own. Nothing of the statement runs: no ANALYZE, and no plan where code of users is in reach, since a
// server works out while it plans what stands for a constant.
import type { MysqlAnalyser, MysqlAnalysis, MysqlReading } from '#engines/sql'
import type { Gateway, Session, UpstreamAccess } from '#gateway'
import {
  isGatewayError,
  type Preview,
  type PreviewTable,
  type Statement,
  UpstreamError,
} from '#model'
import { splitName } from './catalog-object.ts'
import { countability } from './countable.ts'
import { planText, readEstimate } from './preview-plan.ts'
import {
  countRows,
  END_LOOK,
  explain,
  LOOK,
  LOOK_AT_WRITE,
  limits as limited,
  prepared,
  type TableName,
  tables,
} from './preview-queries.ts'
import { QuestionRefused, Questions, type Row } from './questions.ts'
import type { MysqlSettings } from './settings.ts'
import { logIn, sayGoodbye } from './upstream.ts'

const PREVIEW_NAME = 'sallyport:preview'
const BOUNDS = { mostRows: 1_000, mostBytes: 1 << 20 }
const MOST_TABLES = 200
const MOST_COUNTED = 8
/** Values and text, as the server is sent them once more. */
const MOST_TEXT = 256 << 10

const RELATIONS: ReadonlySet<string> = new Set(['table', 'view', 'sequence'])
const PLANNABLE: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'REPLACE', 'UPDATE', 'DELETE'])

export interface PreviewerParts {
  readonly resource: Session<MysqlSettings>['resource']
  readonly analyser: MysqlAnalyser
  readonly server: Omit<MysqlReading, 'database'>
  readonly limits: Pick<Gateway['limits'], 'upstreamLoginMs'>
}

/** What the session alone knows of the objects that a statement names. */
export interface SessionSight {
  /** A temporary table may have taken its name. */
  mayBeTemporary(object: string): boolean
  /** A transaction can undo what is written to it. */
  undoes(object: string): boolean
}

export type Previewer = (
  statement: Statement,
  access: UpstreamAccess,
  sight: SessionSight,
) => Promise<Preview>

interface Table extends TableName {
  table: PreviewTable
  readonly small: boolean
  /** A change of its rows runs triggers or changes rows elsewhere. */
  readonly setsOff: boolean
}

/** Throws UpstreamError when the server cannot be asked at all. */
export function createPreviewer(parts: PreviewerParts): Previewer {
  return async (statement, access, sight) => {
    const database = statement.state?.['database']
    const login = await logIn(
      { ...access, resource: parts.resource },
      { database, programName: PREVIEW_NAME, capabilities: 0 },
      parts.limits,
    )
    const server = new Questions(login.socket)
    const timeOut = (): void => {
      server.fail(new UpstreamError('upstream_lost', 'The database did not answer in time.'))
      // Safe to ignore a failure: its own limits end it.
      login.cancel().catch(() => {})
    }
    access.signal.addEventListener('abort', timeOut)
    if (access.signal.aborted) timeOut()
    try {
      const found = await new Look(server, statement, parts, sight).preview(database)
      server.detach()
      sayGoodbye(login.socket)
      return found
    } catch (error) {
      login.socket.destroy()
      throw error
    } finally {
      access.signal.removeEventListener('abort', timeOut)
    }
  }
}

class Look {
  readonly #server: Questions
  readonly #statement: Statement
  readonly #parts: PreviewerParts
  readonly #sight: SessionSight

  constructor(server: Questions, statement: Statement, parts: PreviewerParts, sight: SessionSight) {
    this.#server = server
    this.#statement = statement
    this.#parts = parts
    this.#sight = sight
  }

  async preview(database: string | undefined): Promise<Preview> {
    const { analyser, server } = this.#parts
    const reading = { ...server, database }
    const analysis = analyser.analyse(this.#statement.text, reading)
    let known: readonly Table[] = []
    const told = (found: Partial<Preview>): Preview => ({
      tables: known.map(({ table }) => table),
      notes: this.#notes(known),
      ...found,
    })
    if (!analysis.readable) return told({ unavailable: 'The text cannot be planned.' })
    try {
      await this.#server.ask(limited(server))
      const found = await this.#tables()
      known = found.known
      await this.#countSmall(known)
      const unavailable = this.#whyNoPlan(analysis, found.unknown)
      return told(unavailable === undefined ? await this.#plan(analysis) : { unavailable })
    } catch (error) {
      // Safe: what is known by then is shown; the rest is said to be unknown.
      return told({ unavailable: inWords(error) })
    }
  }

  /** `unknown`: names that the server does not have, or that mean something in the session alone. */
  async #tables(): Promise<{
    readonly known: readonly Table[]
    readonly unknown: string | undefined
  }> {
    const touched = this.#statement.operations.filter(({ object }) => RELATIONS.has(object.kind))
    const names = [...new Set(touched.map(({ object }) => object.name))]
    const asked = names.slice(0, MOST_TABLES).flatMap(object => {
      const parts = splitName(object)
      return parts === undefined || this.#sight.mayBeTemporary(object) ? [] : [{ object, ...parts }]
    })
    const rows = asked.length === 0 ? [] : await this.#asked(LOOK, tables(asked))
    const known = rows.flatMap(([schema, name, type, many, small, triggers, cascades]): Table[] => {
      // (Where names have no case the server may write them in another one.)
      const same = asked.find(
        each => fold(each.schema) === fold(schema) && fold(each.name) === fold(name),
      )
      if (same === undefined) return []
      return [
        {
          schema: same.schema,
          name: same.name,
          small: small === '1',
          setsOff: triggers !== '0' || cascades !== '0',
          table: { name: same.object, kind: kindOf(type), exact: false, ...counted(many) },
        },
      ]
    })
    const found = new Set(known.map(({ table }) => table.name))
    return { known, unknown: names.find(name => !found.has(name)) }
  }

  /** Small tables are counted: their statistics are old or not there. */
  async #countSmall(known: readonly Table[]): Promise<void> {
    const small = known.filter(each => each.small).slice(0, MOST_COUNTED)
    if (small.length === 0) return
    try {
      for (const [at, rows] of await this.#asked(LOOK, countRows(small))) {
        const one = small[Number(at)]
        if (one !== undefined) one.table = { ...one.table, ...counted(rows), exact: true }
      }
    } catch (error) {
      // Safe: locked or gone, its statistics are shown instead. A connection that is lost fails the next question too.
      if (!(error instanceof QuestionRefused)) throw error
    }
  }

  /** In words, where the text itself or the session stands against planning it from outside. */
  #whyNoPlan({ statements }: MysqlAnalysis, unknown: string | undefined): string | undefined {
    const { operations, text, parameters = [] } = this.#statement
    const [only] = statements
    if (only === undefined) return 'The text cannot be planned.'
    if (statements.length > 1)
      return `The text holds ${statements.length} statements: what comes first may change what the others do.`
    if (!PLANNABLE.has(only.verb)) return `There are no plans for ${only.verb}.`
    for (const { action, object, flags } of operations) {
      if (action === 'execute')
        return `It calls ${object.name || 'code'} (${object.kind}), and planning could run that already.`
      if (flags.includes('dynamic') || flags.includes('server_files'))
        return 'What it runs is not known before it runs.'
      if (action === 'administer' || action === 'define' || object.kind === 'sequence')
        return 'Planning it could change something already.'
    }
    if (unknown !== undefined)
      return `${unknown} is new to the gateway, or there for the session alone.`
    let bytes = Buffer.byteLength(text)
    for (const { value } of parameters) bytes += value?.length ?? 0
    return bytes > MOST_TEXT ? 'It is too long to be planned once more.' : undefined
  }

  async #plan(analysis: MysqlAnalysis): Promise<Partial<Preview>> {
    const { operations, parameters = [] } = this.#statement
    const writes = operations.some(({ action }) => action === 'write')
    const question = explain(analysis.forward, this.#parts.server)
    const asked = parameters.length === 0 ? [question] : prepared(question, parameters)
    const rows = await this.#asked(writes ? LOOK_AT_WRITE : LOOK, ...asked)
    const plan = planText(rows)
    const most = writes ? readEstimate(rows) : undefined
    const guarded =
      countability(analysis, operations, object => this.#sight.undoes(object)).kind === 'countable'
    return {
      ...(plan === undefined ? { unavailable: 'The plan cannot be read.' } : { plan }),
      ...(most === undefined ? {} : { estimate: { rows: most, effect: 'changes', guarded } }),
    }
  }

  /** What the last of the questions is answered. */
  async #asked(begin: string, ...questions: readonly string[]): Promise<readonly Row[]> {
    let rows: readonly Row[] = []
    await this.#server.ask(begin)
    try {
      for (const question of questions) rows = await this.#server.ask(question, BOUNDS)
    } catch (error) {
      if (error instanceof QuestionRefused) await this.#server.ask(END_LOOK)
      throw error
    }
    await this.#server.ask(END_LOOK)
    return rows
  }

  #notes(known: readonly Table[]): string[] {
    const { inTransaction, operations, text } = this.#statement
    const notes: string[] = []
    const changed = new Set(
      operations.filter(({ action }) => action === 'write').map(({ object }) => object.name),
    )
    if (changed.size > 0)
      notes.push('The estimate is of the rows that it looks through: it may change fewer.')
    if (inTransaction === true)
      notes.push('What the open transaction of the session has changed already is not counted.')
    if (/@[\w$`'"]/.test(text)) notes.push('Variables of the session have no value in this plan.')
    for (const { table, setsOff } of known) {
      if (setsOff && changed.has(table.name))
        notes.push(
          `Changes of ${table.name} set off triggers or cascades; the estimate counts none of them.`,
        )
    }
    return notes
  }
}

function fold(name: string | null | undefined): string {
  return (name ?? '').toLowerCase()
}

function kindOf(type: string | null | undefined): string {
  if (type === 'VIEW' || type === 'SYSTEM VIEW') return 'view'
  return type === 'SEQUENCE' ? 'sequence' : 'table'
}

/** Nothing when the server says none, or no number. */
function counted(rows: string | null | undefined): { readonly rows?: number } {
  return rows != null && /^\d{1,15}$/.test(rows) ? { rows: Number(rows) } : {}
}

/** For the approver; the server's own words about the statement are hostile text like the plan. */
function inWords(error: unknown): string {
  if (error instanceof QuestionRefused) {
    if (TOO_LONG.has(error.serverCode)) return 'The database took too long.'
    if (LOCKED.has(error.serverCode)) return 'A table that it touches is locked.'
    return `The database does not plan it: ${error.said.replaceAll(/\s+/g, ' ').slice(0, 200)}`
  }
  // A bug is not passed over.
  if (!isGatewayError(error)) throw error
  return error instanceof UpstreamError
    ? error.message
    : 'The answer of the database cannot be read.'
}

/** MariaDB's, MySQL's, and that of a KILL. */
const TOO_LONG: ReadonlySet<number> = new Set([1969, 3024, 1317])
const LOCKED: ReadonlySet<number> = new Set([1205])
