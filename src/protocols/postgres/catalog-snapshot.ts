// One reading of a server's catalog, and the answers that come from it. Pure. Compact: a relation's columns
// stay one string until somebody asks for them, since most of a big catalog is never touched.
import {
  holdsAnyValue,
  type RelationName,
  type ResolvedRelation,
  type ResolvedRoutine,
  type ResolvedRule,
} from '#engines/sql'
import type { ColumnName } from '#model'
import { columnKey as key, qualifiedName } from './catalog-names.ts'
import { COLUMN_SEPARATOR, unescapeName } from './catalog-queries.ts'
import type { Routines } from './catalog-routines.ts'
import type { CatalogColumn, CatalogRelation, RelationKind, TextForm } from './catalog-types.ts'
import type { ViewColumns } from './view-columns.ts'

/** As RELATIONS answers it. */
export interface RelationRow {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: string
  readonly columns: string
}

export interface ViewRow {
  /** Undefined when its rule could not be read. */
  readonly columns: ViewColumns | undefined
  /** `RELATION ATTNUM` pairs and `f`, separated by commas. */
  readonly dependencies: string
}

export interface CatalogRows {
  readonly relations: readonly RelationRow[]
  readonly parents: ReadonlyMap<number, readonly number[]>
  readonly views: ReadonlyMap<number, ViewRow>
  readonly forms: ReadonlyMap<number, TextForm>
  /** `OID ATTNUM` of generated columns to the columns of their table that they are made of. */
  readonly generated: ReadonlyMap<string, readonly number[] | 'all'>
  /** Functions and operators of users. */
  readonly routines: Routines
  /** Views to the functions of users that they call. */
  readonly calls: ReadonlyMap<number, readonly number[]>
  readonly rules: ReadonlyMap<number, readonly ResolvedRule[]>
  /** Relations with triggers of users. */
  readonly triggers: ReadonlySet<number>
  /** Types of users: name to schema to whether a cast to it runs no code of a user. */
  readonly namedTypes: ReadonlyMap<string, ReadonlyMap<string, boolean>>
  /** Schemas that the role may look into. */
  readonly usable: ReadonlySet<string>
  readonly searchPath: readonly string[]
  readonly user: string
}

const kinds: Readonly<Record<string, RelationKind>> = {
  r: 'table',
  p: 'table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
  S: 'sequence',
}

/** A column that may come from more than this many may as well come from anywhere. */
const MAX_SOURCES = 2_000
const MAX_EXPANDED = 10_000
/** Partitions besides: a big table has thousands. */
const MAX_CHILDREN = 50_000
const MAX_DEPTH = 64

interface Sources {
  readonly names: Map<string, ColumnName>
  /** Columns that were followed, and in which direction. */
  readonly followed: Set<string>
  based: number
  children: number
  computed: boolean
  all: boolean
}

/**
 * Up: a child's value is one of the parent's. Down: reading a parent reads its children's rows. Never up and down again:
 * a child's rows are no sibling's.
 */
type Way = 'both' | 'up' | 'down'

class Relation implements CatalogRelation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly object: string
  readonly kind: RelationKind
  readonly answers = new Map<number, CatalogColumn>()
  resolved: ResolvedRelation | undefined
  readonly #text: string
  #byNumber: ReadonlyMap<number, { readonly name: string; readonly typeOid: number }> | undefined
  #columns: readonly string[] | undefined

  constructor(row: RelationRow) {
    this.oid = row.oid
    this.schema = row.schema
    this.name = row.name
    this.object = qualifiedName(row.schema, row.name)
    this.kind = kinds[row.kind] ?? 'table'
    this.#text = row.columns
  }

  get columns(): readonly string[] {
    this.#columns ??= [...this.numbered().values()].map(column => column.name)
    return this.#columns
  }

  numbered(): ReadonlyMap<number, { readonly name: string; readonly typeOid: number }> {
    if (this.#byNumber === undefined) {
      const map = new Map<number, { name: string; typeOid: number }>()
      for (const text of this.#text === '' ? [] : this.#text.split(COLUMN_SEPARATOR)) {
        const first = text.indexOf(' ')
        const second = text.indexOf(' ', first + 1)
        map.set(Number(text.slice(0, first)), {
          typeOid: Number(text.slice(first + 1, second)),
          name: unescapeName(text.slice(second + 1)),
        })
      }
      this.#byNumber = map
    }
    return this.#byNumber
  }

  numberOf(name: string): number | undefined {
    for (const [attnum, column] of this.numbered()) if (column.name === name) return attnum
    return undefined
  }
}

export class CatalogSnapshot {
  readonly searchPath: readonly string[]
  readonly #rows: CatalogRows
  readonly #byOid = new Map<number, Relation>()
  readonly #byName = new Map<string, Relation[]>()
  readonly #byObject = new Map<string, Relation>()
  /** Parent to children (inheritance, partitions). */
  readonly #children = new Map<number, number[]>()

  constructor(rows: CatalogRows) {
    this.#rows = { ...rows, relations: [] }
    this.searchPath = rows.searchPath
    for (const [child, parents] of rows.parents) {
      for (const parent of parents) {
        const known = this.#children.get(parent)
        if (known === undefined) this.#children.set(parent, [child])
        else known.push(child)
      }
    }
    for (const row of rows.relations) {
      const relation = new Relation(row)
      this.#byOid.set(relation.oid, relation)
      this.#byObject.set(relation.object, relation)
      const sameName = this.#byName.get(relation.name)
      if (sameName === undefined) this.#byName.set(relation.name, [relation])
      else sameName.push(relation)
    }
  }

  relation(oid: number): CatalogRelation | undefined {
    return this.#byOid.get(oid)
  }

  listed(most: number): readonly ColumnName[] {
    const found: ColumnName[] = []
    for (const { schema, kind, object, columns } of this.#byOid.values()) {
      if (kind === 'sequence' || schema === 'information_schema' || schema.startsWith('pg_'))
        continue
      for (const column of columns) {
        if (found.length >= most) return found
        found.push({ object, column })
      }
    }
    return found
  }

  textForm(typeOid: number): TextForm {
    return this.#rows.forms.get(typeOid) ?? 'within'
  }

  column(oid: number, attnum: number): CatalogColumn | undefined {
    const relation = this.#byOid.get(oid)
    if (relation === undefined) return undefined
    const known = relation.answers.get(attnum)
    if (known !== undefined) return known
    const column = relation.numbered().get(attnum)
    if (column === undefined) return undefined
    const sources: Sources = {
      names: new Map(),
      followed: new Set(),
      based: 0,
      children: 0,
      computed: false,
      all: false,
    }
    this.#collect(relation, attnum, sources, 0)
    const answer: CatalogColumn = {
      own: { object: relation.object, column: column.name },
      typeOid: column.typeOid,
      sources: sources.all ? 'all' : [...sources.names.values()],
      shape: sources.computed ? 'computed' : 'same',
    }
    relation.answers.set(attnum, answer)
    return answer
  }

  columnOf(object: string, column: string): CatalogColumn | undefined {
    const relation = this.#byObject.get(object)
    const attnum = relation?.numberOf(column)
    return relation === undefined || attnum === undefined
      ? undefined
      : this.column(relation.oid, attnum)
  }

  expand(columns: readonly ColumnName[] | 'all'): readonly ColumnName[] | 'all' {
    if (columns === 'all') return 'all'
    const all = new Map<string, ColumnName>()
    for (const name of columns) {
      all.set(key(name), name)
      const sources = this.columnOf(name.object, name.column)?.sources ?? []
      if (sources === 'all') return 'all'
      for (const source of sources) all.set(key(source), source)
      // Of so many, any may as well be meant: it is for what cannot be told anyhow.
      if (all.size > MAX_EXPANDED) return 'all'
    }
    return [...all.values()]
  }

  resolve(
    name: RelationName,
    searchPath: readonly string[] | undefined,
  ): readonly CatalogRelation[] {
    const candidates = this.#byName.get(name.name) ?? []
    return candidates.filter(this.#within(name.schema, searchPath))
  }

  /** As `resolve`, with the base columns that each may show. */
  resolved(
    name: RelationName,
    searchPath: readonly string[] | undefined,
  ): readonly ResolvedRelation[] {
    const found = (this.#byName.get(name.name) ?? []).filter(this.#within(name.schema, searchPath))
    return found.map(relation => {
      relation.resolved ??= this.#resolvedRelation(relation)
      return relation.resolved
    })
  }

  functions(name: RelationName, searchPath: readonly string[] | undefined): readonly string[] {
    return [...new Set(this.routines(name, searchPath).map(({ object }) => object))]
  }

  routines(
    name: RelationName,
    searchPath: readonly string[] | undefined,
  ): readonly ResolvedRoutine[] {
    return this.#rows.routines.named(name, this.#within(name.schema, searchPath))
  }

  operators(
    name: RelationName,
    searchPath: readonly string[] | undefined,
  ): readonly ResolvedRoutine[] {
    return this.#rows.routines.operators(name, this.#within(name.schema, searchPath))
  }

  isPlainType(name: RelationName, searchPath: readonly string[] | undefined): boolean {
    // A table's row type of that name may be the one that is meant.
    if (this.resolve(name, searchPath).length > 0) return false
    const mayBe = this.#within(name.schema, searchPath)
    const named = [...(this.#rows.namedTypes.get(name.name) ?? [])].filter(([schema]) =>
      mayBe({ schema }),
    )
    return named.length > 0 && named.every(([, plain]) => plain)
  }

  /** The first schema of the path that is there: where CREATE without a schema goes. */
  creationSchema(searchPath: readonly string[] | undefined): string | undefined {
    return searchPath
      ?.map(schema => (schema === '$user' ? this.#rows.user : schema))
      .find(schema => this.#rows.usable.has(schema))
  }

  /**
   * Whether something in a schema may be what a name means. Without a schema in the name: anything on the path, not
   * its first match alone, since which of two is first hangs on rights and on what was made a moment ago.
   * Which temporary schema is the session's own cannot be seen from here: each may be meant.
   */
  #within(
    schema: string | undefined,
    searchPath: readonly string[] | undefined,
  ): (candidate: { readonly schema: string }) => boolean {
    if (schema === 'pg_temp') return isTemporary
    if (schema !== undefined) return candidate => candidate.schema === schema
    if (searchPath === undefined) return () => true
    const path = new Set(searchPath.map(each => (each === '$user' ? this.#rows.user : each)))
    path.add('pg_catalog')
    return candidate => path.has(candidate.schema) || isTemporary(candidate)
  }

  #resolvedRelation(relation: Relation): ResolvedRelation {
    const { object, kind, columns } = relation
    const code = this.#codeOf(relation)
    // What a table's own columns come from is found for those that are named (`expand`).
    if (kind !== 'view' && kind !== 'materialized view') return { object, kind, columns, ...code }
    const bases = new Map<string, ColumnName>()
    for (const attnum of relation.numbered().keys()) {
      const sources = this.column(relation.oid, attnum)?.sources ?? 'all'
      if (sources === 'all') return { object, kind, columns, derivesFrom: 'all', ...code }
      for (const source of sources) if (source.object !== object) bases.set(key(source), source)
    }
    return bases.size === 0
      ? { object, kind, columns, ...code }
      : { object, kind, columns, derivesFrom: [...bases.values()], ...code }
  }

  /** What runs besides the statement itself. */
  #codeOf({ oid }: Relation): Pick<ResolvedRelation, 'rules' | 'calls' | 'triggers'> {
    const rules = this.#rows.rules.get(oid)
    const calls = new Set<ResolvedRoutine>()
    this.#addCalls(oid, calls, new Set())
    return {
      ...(rules === undefined ? {} : { rules }),
      ...(calls.size === 0 ? {} : { calls: [...calls] }),
      ...(this.#rows.triggers.has(oid) ? { triggers: true } : {}),
    }
  }

  /** Functions that reading it runs, and of what a view reads. A materialized view holds what was made before. */
  #addCalls(relation: number, calls: Set<ResolvedRoutine>, seen: Set<number>): void {
    if (seen.has(relation)) return
    seen.add(relation)
    for (const oid of this.#rows.calls.get(relation) ?? []) {
      const routine = this.#rows.routines.get(oid)
      if (routine !== undefined) calls.add(routine)
    }
    if (this.#byOid.get(relation)?.kind !== 'view') return
    for (const dependency of this.#rows.views.get(relation)?.dependencies.split(',') ?? []) {
      this.#addCalls(Number(dependency.split(' ')[0]), calls, seen)
    }
  }

  /** Adds all columns that `attnum` of `relation` may come from, itself first. */
  #collect(
    relation: Relation,
    attnum: number,
    sources: Sources,
    depth: number,
    way: Way = 'both',
  ): void {
    const column = relation.numbered().get(attnum)
    const many = way === 'down' ? ++sources.children > MAX_CHILDREN : ++sources.based > MAX_SOURCES
    if (column === undefined || depth > MAX_DEPTH || many) {
      sources.all = true // a reference that leads nowhere: the snapshot does not hold together
      return
    }
    const own = { object: relation.object, column: column.name }
    const name = key(own)
    if (sources.followed.has(`${way} ${name}`)) return
    sources.followed.add(`${way} ${name}`)
    sources.names.set(name, own)
    // Inheritance goes by name (ALTER TABLE ... INHERIT); a column of the child's own has no parent.
    const kin = (oids: readonly number[] | undefined, next: 'up' | 'down'): void => {
      for (const oid of oids ?? []) {
        const other = this.#byOid.get(oid)
        const number = other?.numberOf(column.name)
        if (other !== undefined && number !== undefined)
          this.#collect(other, number, sources, depth + 1, next)
      }
    }
    if (way !== 'down') kin(this.#rows.parents.get(relation.oid), 'up')
    if (way !== 'up') kin(this.#children.get(relation.oid), 'down')
    const madeOf = this.#rows.generated.get(`${relation.oid} ${attnum}`)
    if (madeOf !== undefined) {
      sources.computed = true
      if (madeOf === 'all') sources.all = true
      else for (const each of madeOf) this.#collect(relation, each, sources, depth + 1)
    }
    if (isSystem(relation)) {
      if (holdsAnyValue(relation.name, column.name)) sources.all = true
      return
    }
    const isView = relation.kind === 'view' || relation.kind === 'materialized view'
    if (isView) this.#collectOfView(relation, attnum, sources, depth)
  }

  #collectOfView(relation: Relation, attnum: number, sources: Sources, depth: number): void {
    const view = this.#rows.views.get(relation.oid)
    const column = view?.columns?.columns.get(attnum)
    if (column?.kind === 'constant') return
    if (column?.kind === 'plain') {
      const base = this.#byOid.get(column.oid)
      if (base === undefined) sources.all = true
      else this.#collect(base, column.attnum, sources, depth + 1)
      return
    }
    sources.computed = true
    if (view?.columns === undefined || view.columns.opaque) {
      sources.all = true // its rule could not be read, or it calls what may read anything
      return
    }
    const { dependencies } = view
    for (const dependency of dependencies === '' ? [] : dependencies.split(',')) {
      const [oidText, numberText] = dependency.split(' ')
      const base = this.#byOid.get(Number(oidText))
      if (oidText === 'f' || base === undefined) {
        sources.all = true // a function of a user's may read anything
        return
      }
      const number = Number(numberText)
      const numbers = view.columns.wholeRow || number === 0 ? [...base.numbered().keys()] : [number]
      for (const each of numbers) {
        if (each > 0) this.#collect(base, each, sources, depth + 1)
      }
    }
  }
}

function isTemporary({ schema }: { readonly schema: string }): boolean {
  return /^pg_temp_\d+$/.test(schema)
}

function isSystem(relation: Relation): boolean {
  return relation.schema === 'pg_catalog' || relation.schema === 'information_schema'
}
