// Where the values of a column may come from: the same column of parents and children, what a view shows, what a generated
// column is made of. Pure.
import { holdsAnyValue } from '#engines/sql'
import type { ColumnName } from '#model'
import { columnKey as key } from './catalog-names.ts'
import { isView, type Relation } from './catalog-relation.ts'
import type { CatalogColumn } from './catalog-types.ts'
import type { ViewColumns } from './view-columns.ts'
import type { SourceColumn } from './view-sources.ts'

export interface ViewRow {
  /** Undefined when its rule could not be read. */
  readonly columns: ViewColumns | undefined
  /** Of which columns it makes one of its own; undefined where that cannot be told. */
  readonly sourcesOf?: (attnum: number) => readonly SourceColumn[] | undefined
  /** `RELATION ATTNUM` pairs and `f`, separated by commas. */
  readonly dependencies: string
}

export interface OriginRows {
  readonly parents: ReadonlyMap<number, readonly number[]>
  readonly children: ReadonlyMap<number, readonly number[]>
  readonly views: ReadonlyMap<number, ViewRow>
  /** `OID ATTNUM` of generated columns to the columns of their table that they are made of. */
  readonly generated: ReadonlyMap<string, readonly number[] | 'all'>
}

/** A column that may come from more than this many may as well come from anywhere. */
const MAX_SOURCES = 2_000
/** Partitions besides: a big table has thousands. */
const MAX_CHILDREN = 50_000
const MAX_DEPTH = 64

interface Sources {
  readonly exact: boolean
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

export class Origins {
  readonly #rows: OriginRows
  readonly #byOid: ReadonlyMap<number, Relation>

  constructor(rows: OriginRows, byOid: ReadonlyMap<number, Relation>) {
    this.#rows = rows
    this.#byOid = byOid
  }

  /** `exact`: not with what a view's other columns and conditions read, where that can be told. */
  of(relation: Relation, attnum: number, exact = true): Pick<CatalogColumn, 'sources' | 'shape'> {
    const sources: Sources = {
      exact,
      names: new Map(),
      followed: new Set(),
      based: 0,
      children: 0,
      computed: false,
      all: false,
    }
    this.#collect(relation, attnum, sources, 0)
    return {
      sources: sources.all ? 'all' : [...sources.names.values()],
      shape: sources.computed ? 'computed' : 'same',
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
    if (way !== 'up') kin(this.#rows.children.get(relation.oid), 'down')
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
    if (isView(relation)) this.#collectOfView(relation, attnum, sources, depth)
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
    const made = sources.exact ? view?.sourcesOf?.(attnum) : undefined
    if (made !== undefined) {
      for (const each of made) {
        const base = this.#byOid.get(each.oid)
        if (base === undefined) sources.all = true
        else this.#collect(base, each.attnum, sources, depth + 1)
      }
      return
    }
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

function isSystem(relation: Relation): boolean {
  return relation.schema === 'pg_catalog' || relation.schema === 'information_schema'
}
