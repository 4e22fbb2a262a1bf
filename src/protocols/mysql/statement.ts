// From a text to the Statement that the gateway judges. Names are resolved as the server would resolve them in this
// session; EXECUTE stands for what it runs. Decides nothing.
import {
  type ColumnOrigins,
  comparedValues,
  expandColumns,
  type MysqlAnalyser,
  type MysqlAnalysis,
  type MysqlReading,
  type Names,
  type OpenDefinitions,
  type RawOperation,
  type SqlStatement,
  toStatement,
} from '#engines/sql'
import { AccessDenied, type ComparedValue, type Parameter, type Statement } from '#model'
import type { Catalog } from './catalog-types.ts'
import { definedNames, readNames } from './defined-names.ts'
import { SessionNames } from './session-names.ts'

/** A text that is refused before anything is judged. */
export class UnreadableText extends AccessDenied {}

export interface Circumstances {
  readonly phase: 'prepare' | 'execute'
  readonly inTransaction: boolean
  /** Where its unqualified names are looked for. */
  readonly database: string | undefined
  readonly parameters?: readonly Parameter[]
}

/** A statement that is being made of a template. */
type Own = { -readonly [Part in keyof Statement]: Statement[Part] }

interface Template {
  readonly catalog: Catalog
  readonly version: number
  readonly database: string | undefined
  readonly statement: Statement
}

/** One memory for all sessions, by what texts share that differ in literals alone: it lives as long as the analyser keeps that. */
const templates = new WeakMap<
  MysqlAnalysis['statements'],
  { prepare?: Template; execute?: Template; numbers?: Template }
>()

/** Whose tables the catalog has, all of them. */
const complete = new WeakMap<MysqlAnalysis['statements'], Omit<Template, 'statement'>>()
const none: readonly never[] = []

export class StatementBuilder {
  readonly #analyser: MysqlAnalyser
  readonly #catalog: Catalog
  readonly #names = new SessionNames()
  readonly #own: OpenDefinitions | undefined
  reading: MysqlReading

  /** `own`: what this session itself is changing. */
  constructor(
    analyser: MysqlAnalyser,
    catalog: Catalog,
    reading: MysqlReading,
    own?: OpenDefinitions,
  ) {
    this.#own = own
    this.#analyser = analyser
    this.#catalog = catalog
    this.reading = reading
  }

  /** Names may mean temporary tables of this session: what the catalog says of them does not hold for it. */
  get hasShadows(): boolean {
    return this.#names.hasShadows
  }

  /** Throws UnreadableText. */
  analyse(text: string): MysqlAnalysis {
    const analysis = this.#analyser.analyse(text, this.reading)
    if (analysis.readable) return analysis
    throw new UnreadableText(analysis.code, analysis.message)
  }

  build(analysis: MysqlAnalysis, text: string, circumstances: Circumstances): Statement {
    const { phase, parameters, inTransaction, database } = circumstances
    const numbers = parameters?.some(isNumber) === true
    const { definitions } = this.#catalog
    const known = this.#template(analysis, text, phase, numbers, database)
    const turning =
      definesFirst(analysis, known) ||
      (!definitions.isQuiet(this.#own) &&
        definitions.mayTurn(readNames(known, this.#catalog), this.#own))
    const template = turning ? this.#unsure(analysis, text, phase, numbers, database) : known
    if (parameters === undefined && !inTransaction && template.text === text) {
      if (template.compared === undefined) return template
    }
    // (One spread at the head of a literal is a copy of a known form; further ones are loops over names.)
    const own: Own = { ...template, text }
    if (own.compared !== undefined) own.compared = () => this.#compared(text, phase, database)
    if (parameters !== undefined && parameters.length > 0) own.parameters = parameters
    if (inTransaction) own.inTransaction = true
    return own
  }

  /** Whether what the statement names has, or may have by what others do, another meaning than when it was judged. */
  mayDiffer(statement: Statement, judgedAt: number): boolean {
    const { definitions } = this.#catalog
    if (definitions.rests(judgedAt, this.#own)) return false
    return definitions.mayDiffer(readNames(statement, this.#catalog), judgedAt, this.#own)
  }

  /** It is being changed what it names, by others or by the text itself: what that means cannot be told before they are done. */
  #unsure(
    analysis: MysqlAnalysis,
    text: string,
    phase: Circumstances['phase'],
    numbers: boolean,
    database: string | undefined,
  ): Statement {
    return {
      ...this.#make(analysis, text, phase, numbers, database, true),
      mayDeriveFrom: 'all',
    }
  }

  /** Places of its statements that choose another default database, also by what they stand for. */
  moving({ statements }: MysqlAnalysis): readonly number[] {
    const found: number[] = []
    for (const [at, statement] of statements.entries()) {
      const { executes } = statement
      const named = executes === undefined ? undefined : this.#names.prepared(executes.name)
      if (moves(statement) || (named !== undefined && moves(named.statement))) found.push(at)
    }
    return found
  }

  /** The text is over: see `SessionNames.ran`. */
  ran(analysis: MysqlAnalysis, text: string, whole: boolean, warned: boolean): void {
    this.#names.ran(analysis, text, this.reading.database, whole, warned)
  }

  /** The server forgot all that the session had. */
  forget(): void {
    this.#names.forget()
  }

  /** A temporary table of the session may have that object's name. */
  mayBeTemporary(object: string): boolean {
    return this.#names.mayBeTemporary(object)
  }

  #template(
    analysis: MysqlAnalysis,
    text: string,
    phase: Circumstances['phase'],
    numbers: boolean,
    database: string | undefined,
  ): Statement {
    if (this.hasShadows || analysis.statements.some(refers))
      return this.#make(analysis, text, phase, numbers, database)
    let kept = templates.get(analysis.statements)
    if (kept === undefined) {
      kept = {}
      templates.set(analysis.statements, kept)
    }
    const catalog = this.#catalog
    const kind = numbers ? 'numbers' : phase
    const known = kept[kind]
    if (
      known !== undefined &&
      known.catalog === catalog &&
      known.version === catalog.version &&
      known.database === database
    )
      return known.statement
    const statement = this.#make(analysis, text, phase, numbers, database)
    kept[kind] = { catalog, version: catalog.version, database, statement }
    return statement
  }

  #make(
    analysis: MysqlAnalysis,
    text: string,
    phase: Circumstances['phase'],
    numbersBound: boolean,
    database: string | undefined,
    catalogUnknown = false,
  ): Statement {
    const state: Record<string, string> = database === undefined ? {} : { database }
    const made = toStatement(analysis, this.#namesIn(database), {
      text,
      phase,
      state,
      numbersBound,
      catalogUnknown,
      prepared: name => {
        const named = this.#names.prepared(name)
        // Its names keep to the database that it was prepared in: in another one what it runs is not told.
        if (named !== undefined && named.database !== database) return undefined
        if (named !== undefined) state[`prepared ${name}`] = named.text
        return named?.statement
      },
    })
    const statement = this.#catalog.expanded({ ...made, state })
    // (Of a template: which text it is for is not known yet.)
    return compares(statement) ? { ...statement, compared: () => 'unknown' } : statement
  }

  /** As the catalog has it; of temporary tables nothing is known. */
  columnOf(object: string, column: string): ReturnType<ColumnOrigins['columnOf']> {
    if (this.mayBeTemporary(object)) return undefined
    return this.#catalog.columnOf(object, column)
  }

  /** A transaction can undo what is written to that relation; of temporary tables nothing is known. */
  undoes(object: string): boolean {
    return !this.mayBeTemporary(object) && this.#catalog.undoes(object)
  }

  /** Tables and routines that the text names and the catalog does not have. */
  missing({ statements }: MysqlAnalysis): readonly string[] {
    const { database } = this.reading
    const catalog = this.#catalog
    const { version } = catalog
    const known = complete.get(statements)
    if (known?.version === version && known.catalog === catalog && known.database === database)
      return none
    const found: string[] = []
    for (const { operations, shadows } of statements) {
      for (const operation of operations) {
        const { relation } = operation
        if (this.#isUnknownRoutine(operation, database)) found.push(`${operation.object?.name}()`)
        if (relation === undefined || this.#catalog.knows(relation, database)) continue
        if (shadows.includes(relation.name) || this.#names.isShadow(relation.name)) continue
        found.push(`${relation.schema ?? database}.${relation.name}`)
      }
    }
    // (What a temporary table stands for is one session's own.)
    if (found.length === 0 && !this.hasShadows)
      complete.set(statements, { catalog, version, database })
    return found
  }

  /** One that somebody else has made since: what it does is not known. */
  #isUnknownRoutine(
    { action, category, object }: RawOperation,
    database: string | undefined,
  ): boolean {
    if (action !== 'execute' || category !== 'unknown') return false
    if (object?.kind !== 'function' && object?.kind !== 'procedure') return false
    const dot = object.name.lastIndexOf('.')
    const schema = dot === -1 ? undefined : object.name.slice(0, dot)
    const found = this.#catalog
      .names(database)
      .routines?.({ schema, name: object.name.slice(dot + 1) })
    return found?.length === 0
  }

  #namesIn(database: string | undefined): Names {
    const names = this.#catalog.names(database)
    if (!this.hasShadows) return names
    return {
      ...names,
      resolve: relation => {
        const { schema, name } = relation
        if (!this.#names.isShadow(name)) return names.resolve(relation)
        return [{ object: `${schema ?? database ?? ''}.${name}`, kind: 'table', columns: [] }]
      },
    }
  }

  /** What columns are compared with is in this very text: it is read again when somebody asks. */
  #compared(
    text: string,
    phase: Circumstances['phase'],
    database: string | undefined,
  ): readonly ComparedValue[] | 'unknown' {
    const again = this.#analyser.analyseWithValues(text, this.reading)
    if (!again.readable || again.statements.some(refers)) return 'unknown'
    const found = comparedValues(again, this.#namesIn(database), { text, phase })
    if (found === 'unknown') return found
    const all: ComparedValue[] = []
    for (const { columns, value } of found) {
      const expanded = expandColumns(columns, this.#catalog)
      if (expanded === 'unknown') return expanded
      all.push({ columns: expanded, value })
    }
    return all
  }
}

/** A column is compared with what the statement says itself. */
function compares({ lineage }: Statement): boolean {
  return (lineage ?? []).some(
    ({ probes }) => probes !== 'unknown' && probes.some(({ use }) => use === 'equality'),
  )
}

/** Held against text, a number fits more than one: it asks more than whether the column is equal to it. */
function isNumber({ type, value }: Parameter): boolean {
  return value !== null && !TEXTS.has(type)
}

const TEXTS: ReadonlySet<string> = new Set([
  ...['varchar', 'varString', 'string', 'enum', 'set', 'json', 'blob', 'tinyBlob', 'mediumBlob'],
  ...['longBlob', 'null'],
])

/** What stands behind a definition in one text reads what views show then, also those over the view that it names. */
function definesFirst(analysis: MysqlAnalysis, { operations }: Statement): boolean {
  return analysis.statements.length > 1 && definedNames(operations, analysis).length > 0
}

function moves({ settings }: SqlStatement): boolean {
  return settings.some(({ name }) => name === 'database')
}

function refers(statement: SqlStatement): boolean {
  return (
    statement.executes !== undefined ||
    (statement.prepares !== undefined && refers(statement.prepares.statement))
  )
}
