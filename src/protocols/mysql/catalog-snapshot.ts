// One reading of a server's catalog, and what it answers: what names mean, where the values of columns come from, which code
// runs. Pure.
import {
  alike,
  type Code,
  type ColumnOrigins,
  expandColumns,
  expandLineage,
  isBeyondAscii,
  type MysqlAnalyser,
  type MysqlReading,
  mysqlNames,
  type Names,
  type RelationName,
  type ResolvedRelation,
  type ResolvedRoutine,
  toStatement,
} from '#engines/sql'
import type { ColumnName, Statement } from '#model'
import { Definitions, type Kept } from './catalog-definitions.ts'
import { NameKeys } from './catalog-keys.ts'
import { objectName } from './catalog-object.ts'
import { firing, Routines, type Trigger } from './catalog-routines.ts'
import type { CatalogRows } from './catalog-rows.ts'
import { isSystem } from './catalog-system.ts'

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

const none: readonly never[] = []

export class CatalogSnapshot implements ColumnOrigins {
  readonly #reading: CatalogReading
  readonly #relations = new Map<string, Kept>()
  readonly #byObject = new Map<string, Kept>()
  /** Keys with letters beyond ASCII. */
  readonly #odd: readonly string[]
  readonly #keys: NameKeys
  readonly #routines: Routines
  readonly #definitions: Definitions
  readonly #names = new Map<string | undefined, Names>()
  #listed: { readonly most: number; readonly columns: readonly ColumnName[] } | undefined

  constructor(rows: CatalogRows, reading: CatalogReading) {
    this.#reading = reading
    this.#keys = new NameKeys(reading.fold)
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
      this.#relations.set(this.#keys.relation(row.schema, row.name), kept)
      this.#byObject.set(object, kept)
    }
    this.#odd = [...this.#relations.keys()].filter(isBeyondAscii)
    this.#routines = new Routines(rows, this.#keys, (body, parameters, database) =>
      reading.codeOf(body, parameters, this.#readingIn(database)),
    )
    this.#definitions = new Definitions({
      relation: object => this.#byObject.get(object),
      routines: (schema, name) => this.#routines.named(schema, name),
      statement: (text, database) => this.#statement(text, database),
    })
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

  columnOf(object: string, column: string): ReturnType<ColumnOrigins['columnOf']> {
    const kept = this.#byObject.get(object)
    return kept === undefined ? undefined : this.#definitions.columnOf(kept, column)
  }

  /** All relations that a view reads; undefined where that cannot be told. */
  shownBy(view: string): readonly string[] | undefined {
    const kept = this.#byObject.get(view)
    return kept === undefined
      ? undefined
      : this.#definitions.viewed(kept)?.relations.map(each => each.object)
  }

  /** A transaction can undo what is written to that relation: of a view, to all that it reads. */
  undoes(object: string): boolean {
    const kept = this.#byObject.get(object)
    if (kept === undefined) return false
    if (kept.row.kind !== 'view') return kept.row.kind === 'table' && kept.row.transactional
    const tables = this.#definitions
      .viewed(kept)
      ?.relations.filter(({ row }) => row.kind !== 'view')
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

  #namesIn(database: string | undefined): Names {
    const routines = ({ schema, name }: RelationName): readonly ResolvedRoutine[] => {
      const within = schema ?? database
      return within === undefined ? [] : this.#routines.named(within, name)
    }
    return {
      rules: mysqlNames,
      resolve: ({ schema, name }) => {
        const within = schema ?? database
        if (within === undefined) return []
        const kept = this.#relations.get(this.#keys.relation(within, name))
        if (kept !== undefined) return [this.#resolved(kept)]
        const others = this.#alike(within, name)
        if (others.length > 0) return others.map(each => this.#resolved(each))
        // A temporary table, or one that is not shown to us: where it would be is known, what is in it is not.
        const object = objectName(this.#keys.folded(within), this.#keys.folded(name))
        return [{ object, kind: 'table', columns: [] }]
      },
      functions: name => routines(name).map(({ object }) => object),
      routines,
      withSearchPath: path => this.names(path),
      ...(database === undefined ? {} : { creationSchema: database }),
    }
  }

  /** Relations that a server without case in names of tables may take for it. */
  #alike(schema: string, name: string): readonly Kept[] {
    if (!this.#keys.folds(schema)) return none
    const key = this.#keys.relation(schema, name)
    const keys = isBeyondAscii(key) ? [...this.#relations.keys()] : this.#odd
    return keys.filter(each => alike(each, key)).flatMap(each => this.#relations.get(each) ?? none)
  }

  #resolved(kept: Kept): ResolvedRelation {
    kept.resolved ??= this.#resolve(kept)
    return kept.resolved
  }

  #resolve(kept: Kept): ResolvedRelation {
    const { row, object } = kept
    const { kind, columns, hidden, numeric } = row
    const viewed = kind === 'view' ? this.#definitions.viewed(kept) : undefined
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
    const outputs = this.#definitions.outputs(kept)
    const derivesFrom = outputs === 'all' ? outputs : outputs.flatMap(({ sources }) => sources)
    const told = outputs !== 'all' && outputs.every(({ how }) => how !== 'unknown')
    return {
      ...common,
      derivesFrom: told ? derivesFrom : 'all',
      ...(viewed === undefined || viewed.calls.length === 0 ? {} : { calls: viewed.calls }),
    }
  }

  /** Of a view: those of all that it reads, for it may be written through. */
  #triggersOf(kept: Kept): readonly Trigger[] {
    const { row } = kept
    if (row.kind !== 'view') return this.#routines.triggersOf(row.schema, row.name)
    return (this.#definitions.viewed(kept)?.relations ?? []).flatMap(each =>
      each.row.kind === 'view' ? [] : this.#triggersOf(each),
    )
  }

  #readingIn(database: string): MysqlReading {
    return { ...this.server, database }
  }

  /** A text of the catalog as it would be judged; its columns expanded. Undefined: it cannot be read. */
  #statement(text: string, database: string): Statement | undefined {
    const analysis = this.#reading.analyser.analyse(text, this.#readingIn(database))
    if (!analysis.readable || analysis.statements.length !== 1) return undefined
    const made = toStatement(analysis, this.names(database), { text, phase: 'execute' })
    return this.expanded(made)
  }
}
