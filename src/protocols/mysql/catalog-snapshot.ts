// One reading of a server's catalog, and what it answers: which relations names mean, where the values of columns come
// from, which code runs. Views and generated columns are read by our own analyser, when somebody asks. Pure.
import {
  type Code,
  type ColumnOrigins,
  expandColumns,
  expandLineage,
  type MysqlAnalyser,
  type MysqlReading,
  mysqlNames,
  type Names,
  occasion,
  type RelationName,
  type ResolvedRelation,
  type ResolvedRoutine,
  toStatement,
} from '#engines/sql'
import type { ColumnName, OutputLineage, Statement } from '#model'
import { objectName } from './catalog-object.ts'
import type { CatalogRows, RelationRow } from './catalog-rows.ts'
import { foldsAlways, isSystem } from './catalog-system.ts'

/** How texts that the catalog keeps are read, and code of it. */
export interface CatalogReading {
  readonly analyser: MysqlAnalyser
  readonly flavour: MysqlReading['flavour']
  readonly version: number
  /** Names of tables have no case on that server. */
  readonly fold: boolean
  /** What code on the server does. */
  readonly codeOf: (
    body: string,
    parameters: readonly string[],
    reading: MysqlReading,
  ) => Code | 'unknown'
}

type Column = NonNullable<ReturnType<ColumnOrigins['columnOf']>>

interface Kept {
  readonly row: RelationRow
  readonly object: string
  /** What its columns are made of, once somebody has asked; while it is being found out `all`. */
  outputs: readonly OutputLineage[] | 'all' | undefined
  resolved: ResolvedRelation | undefined
  /** Of a view, what its definition does; `unread`: it cannot be read. */
  statement: Statement | 'unread' | undefined
  readonly generated: Map<string, Column>
}

/** What a view reads and runs. */
interface Viewed {
  readonly relations: readonly Kept[]
  readonly calls: readonly ResolvedRoutine[]
}

const nothing: readonly ResolvedRoutine[] = []

export class CatalogSnapshot implements ColumnOrigins {
  readonly #reading: CatalogReading
  readonly #relations = new Map<string, Kept>()
  readonly #byObject = new Map<string, Kept>()
  readonly #routines = new Map<string, ResolvedRoutine[]>()
  readonly #triggers = new Map<
    string,
    { readonly event: string; readonly runs: ResolvedRoutine }[]
  >()
  readonly #names = new Map<string | undefined, Names>()
  #listed: { readonly most: number; readonly columns: readonly ColumnName[] } | undefined

  constructor(rows: CatalogRows, reading: CatalogReading) {
    this.#reading = reading
    for (const row of rows.relations) {
      const object = objectName(row.schema, row.name)
      const kept: Kept = {
        row,
        object,
        outputs: undefined,
        resolved: undefined,
        statement: undefined,
        generated: new Map(),
      }
      this.#relations.set(this.#keyOf(row.schema, row.name), kept)
      this.#byObject.set(object, kept)
    }
    for (const { schema, name, body, parameters, definer } of rows.routines) {
      const routine = this.#routine(objectName(schema, name), schema, body, parameters, definer)
      push(this.#routines, `${this.#folded(schema)}\0${name}`, routine)
    }
    for (const { schema, table, name, event, body } of rows.triggers) {
      const runs = this.#routine(objectName(schema, name), schema, body, [], true)
      push(this.#triggers, this.#keyOf(schema, table), { event, runs })
    }
  }

  /** `database`: where unqualified names are looked for. */
  names(database: string | undefined): Names {
    let names = this.#names.get(database)
    if (names === undefined) {
      names = this.#namesIn(database)
      this.#names.set(database, names)
    }
    return names
  }

  get server(): Omit<MysqlReading, 'database'> {
    const { flavour, version } = this.#reading
    return { flavour, version }
  }

  /** Columns of tables and views, `most` at most, without those of the system itself. */
  listed(most: number): readonly ColumnName[] {
    if (this.#listed?.most !== most) this.#listed = { most, columns: this.#list(most) }
    return this.#listed.columns
  }

  #list(most: number): readonly ColumnName[] {
    const found: ColumnName[] = []
    for (const { row, object } of this.#relations.values()) {
      if (row.kind === 'sequence' || isSystem(row.schema)) continue
      for (const column of [...row.columns, ...row.hidden]) {
        if (found.length >= most) return found
        found.push({ object, column })
      }
    }
    return found
  }

  columnOf(object: string, column: string): Column | undefined {
    const kept = this.#byObject.get(object)
    if (kept === undefined) return undefined
    const own: ColumnName = { object: kept.object, column }
    const { row } = kept
    const at = row.columns.indexOf(column)
    if (at === -1 && !row.hidden.includes(column)) return undefined
    if (row.kind === 'view') return this.#ofView(kept, at, own)
    const expression = row.generated.get(column)
    if (expression === undefined) return { sources: [own], shape: 'same' }
    let known = kept.generated.get(column)
    if (known === undefined) {
      kept.generated.set(column, { sources: 'all', shape: 'computed' })
      known = this.#ofExpression(kept, expression, own)
      kept.generated.set(column, known)
    }
    return known
  }

  /** All relations that a view reads; undefined where that cannot be told. */
  shownBy(view: string): readonly string[] | undefined {
    const kept = this.#byObject.get(view)
    return kept === undefined ? undefined : this.#viewed(kept)?.relations.map(each => each.object)
  }

  /** A transaction can undo what is written to that relation: of a view, to all that it reads. */
  undoes(object: string): boolean {
    const kept = this.#byObject.get(object)
    if (kept === undefined) return false
    if (kept.row.kind !== 'view') return kept.row.kind === 'table' && kept.row.transactional
    const tables = this.#viewed(kept)?.relations.filter(({ row }) => row.kind !== 'view')
    return (
      tables !== undefined && tables.length > 0 && tables.every(each => this.undoes(each.object))
    )
  }

  /** The same statement, its columns with all that they come from. */
  expanded(statement: Statement): Statement {
    const { mayDeriveFrom, lineage } = statement
    const origins = mayDeriveFrom === 'all' ? 'all' : expandColumns(mayDeriveFrom, this)
    return {
      ...statement,
      mayDeriveFrom: origins === 'unknown' ? 'all' : origins,
      ...(lineage === undefined ? {} : { lineage: expandLineage(lineage, this) }),
    }
  }

  #folded(name: string): string {
    return this.#reading.fold ? name.toLowerCase() : name
  }

  #keyOf(schema: string, name: string): string {
    const table = foldsAlways(schema) ? name.toLowerCase() : this.#folded(name)
    const within = foldsAlways(schema) ? schema.toLowerCase() : this.#folded(schema)
    return `${within}\0${table}`
  }

  #namesIn(database: string | undefined): Names {
    const routines = ({ schema, name }: RelationName): readonly ResolvedRoutine[] => {
      const within = schema ?? database
      if (within === undefined) return nothing
      return this.#routines.get(`${this.#folded(within)}\0${name.toLowerCase()}`) ?? nothing
    }
    return {
      rules: mysqlNames,
      resolve: ({ schema, name }) => {
        const within = schema ?? database
        if (within === undefined) return []
        const kept = this.#relations.get(this.#keyOf(within, name))
        if (kept !== undefined) return [this.#resolved(kept)]
        // A temporary table, or one that is not shown to us: where it would be is known, what is in it is not.
        const object = objectName(this.#folded(within), this.#folded(name))
        return [{ object, kind: 'table', columns: [] }]
      },
      functions: name => routines(name).map(({ object }) => object),
      routines,
      withSearchPath: path => this.names(path),
      ...(database === undefined ? {} : { creationSchema: database }),
    }
  }

  #resolved(kept: Kept): ResolvedRelation {
    kept.resolved ??= this.#resolve(kept)
    return kept.resolved
  }

  #resolve(kept: Kept): ResolvedRelation {
    const { row, object } = kept
    const { kind, columns, hidden, numeric } = row
    const viewed = kind === 'view' ? this.#viewed(kept) : undefined
    const triggered = this.#triggersOf(kept)
    const common = {
      object,
      kind,
      columns,
      numeric,
      ...(hidden.length === 0 ? {} : { hidden }),
      ...(triggered.length === 0
        ? {}
        : { triggers: true, ownCode: (occasions: number) => firing(triggered, occasions) }),
    }
    if (kind !== 'view') return common
    const outputs = this.#outputs(kept)
    const derivesFrom = outputs === 'all' ? outputs : outputs.flatMap(({ sources }) => sources)
    const told = outputs !== 'all' && outputs.every(({ how }) => how !== 'unknown')
    return {
      ...common,
      derivesFrom: told ? derivesFrom : 'all',
      ...(viewed === undefined || viewed.calls.length === 0 ? {} : { calls: viewed.calls }),
    }
  }

  /** Of a view: those of all that it reads, for it may be written through. */
  #triggersOf(kept: Kept): readonly { readonly event: string; readonly runs: ResolvedRoutine }[] {
    const { row } = kept
    if (row.kind !== 'view') return this.#triggers.get(this.#keyOf(row.schema, row.name)) ?? []
    return (this.#viewed(kept)?.relations ?? []).flatMap(each =>
      each.row.kind === 'view' ? [] : this.#triggersOf(each),
    )
  }

  #routine(
    object: string,
    schema: string,
    body: string | undefined,
    parameters: readonly string[],
    definer: boolean,
  ): ResolvedRoutine {
    let known: Code | 'unknown' | undefined
    const code = (): Code | 'unknown' => {
      known ??=
        body === undefined
          ? 'unknown'
          : this.#reading.codeOf(body, parameters, this.#readingIn(schema))
      return known
    }
    return { object, definer, code, size: body?.length ?? 0, path: schema }
  }

  #readingIn(database: string): MysqlReading {
    return { ...this.server, database }
  }

  /** The relations that a view reads, those of views in it included, and the functions of users that it calls. */
  #viewed(kept: Kept, depth = 0): Viewed | undefined {
    const made = depth > DEEPEST ? undefined : this.#definitionOf(kept)
    if (made === undefined) return undefined
    const { schema } = kept.row
    const relations: Kept[] = []
    const calls: ResolvedRoutine[] = []
    for (const { object } of made.operations) {
      const found = this.#byObject.get(object.name)
      if (found === undefined || found === kept) continue
      relations.push(found)
      if (found.row.kind !== 'view') continue
      const inner = this.#viewed(found, depth + 1)
      relations.push(...(inner?.relations ?? []))
      calls.push(...(inner?.calls ?? []))
    }
    const written = made.functions.flatMap(name => {
      const dot = name.lastIndexOf('.')
      const [within, last] = dot === -1 ? [schema, name] : [name.slice(0, dot), name.slice(dot + 1)]
      return this.#routines.get(`${this.#folded(within)}\0${last.toLowerCase()}`) ?? []
    })
    return { relations, calls: [...new Set([...calls, ...written])] }
  }

  #ofView(kept: Kept, at: number, own: ColumnName): Column {
    const outputs = this.#outputs(kept)
    const output = outputs === 'all' ? undefined : outputs[at]
    if (output === undefined || output.how === 'unknown')
      return { sources: 'all', shape: 'computed' }
    const others = output.sources.filter(each => !same(each, own))
    return {
      sources: [own, ...others],
      shape: output.how === 'identity' && others.length < 2 ? 'same' : 'computed',
    }
  }

  /** What each column of a view is made of, of tables only. */
  #outputs(kept: Kept): readonly OutputLineage[] | 'all' {
    if (kept.outputs !== undefined) return kept.outputs
    // (A view that shows itself there is none of: should the catalog say so, nothing is known of it.)
    kept.outputs = 'all'
    const { columns } = kept.row
    const made = this.#definitionOf(kept)
    const [only, ...more] = made?.lineage ?? []
    const outputs = only === undefined || more.length > 0 ? 'unknown' : only.outputs
    kept.outputs = outputs === 'unknown' || outputs.length !== columns.length ? 'all' : outputs
    return kept.outputs
  }

  #definitionOf(kept: Kept): Statement | undefined {
    const { definition, schema } = kept.row
    if (kept.statement === undefined) {
      kept.statement = 'unread'
      const made = definition === undefined ? undefined : this.#statement(definition, schema)
      kept.statement = made ?? 'unread'
    }
    return kept.statement === 'unread' ? undefined : kept.statement
  }

  #ofExpression({ row, object }: Kept, expression: string, own: ColumnName): Column {
    const made = this.#statement(
      `SELECT (${expression}) FROM ${quoted(row.schema)}.${quoted(row.name)}`,
      row.schema,
    )
    const outputs = made?.lineage?.[0]?.outputs
    const output = outputs === undefined || outputs === 'unknown' ? undefined : outputs[0]
    if (output === undefined || output.how === 'unknown' || outputs?.length !== 1) {
      return { sources: 'all', shape: 'computed' }
    }
    // (Its expression can name no other table.)
    const sources = output.sources.filter(each => each.object === object)
    return { sources: [own, ...sources], shape: 'computed' }
  }

  /** A text of the catalog as it would be judged; its columns expanded. Undefined: it cannot be read. */
  #statement(text: string, database: string): Statement | undefined {
    const analysis = this.#reading.analyser.analyse(text, this.#readingIn(database))
    if (!analysis.readable || analysis.statements.length !== 1) return undefined
    const made = toStatement(analysis, this.names(database), { text, phase: 'execute' })
    return this.expanded(made)
  }
}

/** Views in views. */
const DEEPEST = 16

const events: Readonly<Record<string, number>> = {
  INSERT: occasion.insert,
  // (REPLACE, and ON DUPLICATE KEY UPDATE, are occasions of more than one.)
  UPDATE: occasion.update | occasion.insert,
  DELETE: occasion.delete | occasion.insert,
}

function firing(
  triggers: readonly { readonly event: string; readonly runs: ResolvedRoutine }[],
  occasions: number,
): readonly ResolvedRoutine[] {
  return triggers
    .filter(({ event }) => ((events[event] ?? -1) & occasions) !== 0)
    .map(({ runs }) => runs)
}

function same(one: ColumnName, other: ColumnName): boolean {
  return one.object === other.object && one.column === other.column
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
