// One reading of a server's catalog, and the answers that come from it. Pure. Compact: a relation's columns
// stay one string until somebody asks for them, since most of a big catalog is never touched.
import type { RelationName } from '#engines/sql'
import type { ColumnName } from '#model'
import { COLUMN_SEPARATOR, unescapeName } from './catalog-queries.ts'
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
const MAX_DEPTH = 64

type Sources = { readonly names: Map<string, ColumnName>; computed: boolean; all: boolean }

class Relation implements CatalogRelation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly object: string
  readonly kind: RelationKind
  readonly answers = new Map<number, CatalogColumn>()
  readonly #text: string
  #byNumber: ReadonlyMap<number, { readonly name: string; readonly typeOid: number }> | undefined
  #columns: readonly string[] | undefined

  constructor(row: RelationRow) {
    this.oid = row.oid
    this.schema = row.schema
    this.name = row.name
    this.object = `${part(row.schema)}.${part(row.name)}`
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

  constructor(rows: CatalogRows) {
    this.#rows = { ...rows, relations: [] }
    this.searchPath = rows.searchPath
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
    const sources: Sources = { names: new Map(), computed: false, all: false }
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
    }
    return [...all.values()]
  }

  resolve(
    name: RelationName,
    searchPath: readonly string[] | undefined,
  ): readonly CatalogRelation[] {
    const candidates = this.#byName.get(name.name) ?? []
    if (name.schema !== undefined) {
      const { schema } = name
      return schema === 'pg_temp'
        ? candidates.filter(isTemporary)
        : candidates.filter(relation => relation.schema === schema)
    }
    if (searchPath === undefined || candidates.length === 0) return candidates
    // Which temporary schema is the session's own cannot be seen from here: each may be meant.
    const found: CatalogRelation[] = candidates.filter(isTemporary)
    const path = searchPath.map(schema => (schema === '$user' ? this.#rows.user : schema))
    for (const schema of path.includes('pg_catalog') ? path : ['pg_catalog', ...path]) {
      const match = candidates.find(relation => relation.schema === schema)
      if (match !== undefined) return [...found, match]
    }
    return found
  }

  /** Adds all columns that `attnum` of `relation` may come from, itself first. */
  #collect(relation: Relation, attnum: number, sources: Sources, depth: number): void {
    const column = relation.numbered().get(attnum)
    if (column === undefined || depth > MAX_DEPTH || sources.names.size > MAX_SOURCES) {
      sources.all = true // a reference that leads nowhere: the snapshot does not hold together
      return
    }
    const own = { object: relation.object, column: column.name }
    if (sources.names.has(key(own))) return
    sources.names.set(key(own), own)
    for (const parentOid of this.#rows.parents.get(relation.oid) ?? []) {
      const parent = this.#byOid.get(parentOid)
      // Inheritance goes by name (ALTER TABLE ... INHERIT); a column of the child's own has no parent.
      const parentNumber = parent?.numberOf(column.name)
      if (parent !== undefined && parentNumber !== undefined) {
        this.#collect(parent, parentNumber, sources, depth + 1)
      }
    }
    const isView = relation.kind === 'view' || relation.kind === 'materialized view'
    if (isView && !isSystem(relation)) this.#collectOfView(relation, attnum, sources, depth)
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

function key({ object, column }: ColumnName): string {
  return `${object}\u0000${column}`
}

function part(name: string): string {
  return /[."]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name
}

function isTemporary(relation: Relation): boolean {
  return /^pg_temp_\d+$/.test(relation.schema)
}

function isSystem(relation: Relation): boolean {
  return relation.schema === 'pg_catalog' || relation.schema === 'information_schema'
}
