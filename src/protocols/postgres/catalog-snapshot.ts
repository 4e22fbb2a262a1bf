// One reading of a server's catalog, and the answers that come from it. Pure.
import type { RelationName, ResolvedRelation, ResolvedRoutine, ResolvedRule } from '#engines/sql'
import type { ColumnName } from '#model'
import { columnKey as key } from './catalog-names.ts'
import { type OriginRows, Origins } from './catalog-origins.ts'
import { OwnCode, type OwnCodeRows } from './catalog-own-code.ts'
import { isView, Relation, type RelationRow } from './catalog-relation.ts'
import type { Routines } from './catalog-routines.ts'
import type { CatalogColumn, CatalogRelation, TextForm } from './catalog-types.ts'

/** Between parents and children that inherit, partitions too, the children are told by the parents. */
export interface CatalogRows extends Omit<OriginRows, 'children'> {
  readonly relations: readonly RelationRow[]
  readonly forms: ReadonlyMap<number, TextForm>
  /** Functions and operators of users. */
  readonly routines: Routines
  /** Relations to the functions of users that reading them may run: those in views, and those behind casts of their values. */
  readonly calls: ReadonlyMap<number, readonly number[]>
  /** ... of these, those behind casts. */
  readonly valueCalls: ReadonlyMap<number, readonly number[]>
  readonly rules: ReadonlyMap<number, readonly ResolvedRule[]>
  /** Relations with triggers of users. */
  readonly triggers: ReadonlySet<number>
  readonly ownCode: OwnCodeRows
  /** Types of users: name to schema to whether a cast to it runs no code of a user. */
  readonly namedTypes: ReadonlyMap<string, ReadonlyMap<string, boolean>>
  /** Schemas that the role may look into. */
  readonly usable: ReadonlySet<string>
  readonly searchPath: readonly string[] | undefined
  readonly user: string
}

/** With more columns than this, any may as well be meant. */
const MAX_EXPANDED = 10_000

export class CatalogSnapshot {
  readonly searchPath: readonly string[] | undefined
  readonly #rows: CatalogRows
  readonly #byOid = new Map<number, Relation>()
  readonly #byName = new Map<string, Relation[]>()
  readonly #byObject = new Map<string, Relation>()
  #listed: { readonly most: number; readonly columns: readonly ColumnName[] } | undefined
  readonly #origins: Origins
  readonly #ownCode: OwnCode

  constructor(rows: CatalogRows) {
    this.#rows = { ...rows, relations: [] }
    this.searchPath = rows.searchPath
    const children = childrenOf(rows.parents)
    this.#origins = new Origins({ ...rows, children }, this.#byOid)
    this.#ownCode = new OwnCode(rows.ownCode, rows.routines, {
      childrenOf: oid => children.get(oid) ?? [],
      viewedBy: oid => this.#viewedBy(oid),
    })
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

  /** Made once: a list is looked at again and again, and the same one says that nothing changed. */
  listed(most: number): readonly ColumnName[] {
    if (this.#listed?.most !== most) this.#listed = { most, columns: this.#list(most) }
    return this.#listed.columns
  }

  #list(most: number): readonly ColumnName[] {
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
    const answer: CatalogColumn = {
      own: { object: relation.object, column: column.name },
      typeOid: column.typeOid,
      ...this.#origins.of(relation, attnum),
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

  /** Functions that run when a value of the type comes in. */
  typeCode(typeOid: number): readonly ResolvedRoutine[] {
    return this.#ownCode.ofType(typeOid)
  }

  /** Functions behind casts that the server applies to values of built-in types unasked. */
  get unaskedCasts(): readonly ResolvedRoutine[] {
    return this.#ownCode.unasked
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
    if (!isView(relation)) return { object, kind, columns, ...code }
    const bases = new Map<string, ColumnName>()
    for (const attnum of relation.numbered().keys()) {
      // An error may quote what its conditions read.
      const { sources } = this.#origins.of(relation, attnum, false)
      if (sources === 'all') return { object, kind, columns, derivesFrom: 'all', ...code }
      for (const source of sources) if (source.object !== object) bases.set(key(source), source)
    }
    return bases.size === 0
      ? { object, kind, columns, ...code }
      : { object, kind, columns, derivesFrom: [...bases.values()], ...code }
  }

  /** What runs besides the statement itself. */
  #codeOf({
    oid,
  }: Relation): Pick<ResolvedRelation, 'rules' | 'calls' | 'valueCalls' | 'triggers' | 'ownCode'> {
    const rules = this.#rulesOf(oid)
    const calls = new Set<ResolvedRoutine>()
    this.#addCalls(oid, calls, new Set())
    const valueCalls = (this.#rows.valueCalls.get(oid) ?? [])
      .map(each => this.#rows.routines.get(each))
      .filter(each => each !== undefined)
    const ownCode = this.#ownCode.of(oid)
    return {
      ...(rules.length === 0 ? {} : { rules }),
      ...(ownCode === undefined ? {} : { ownCode }),
      ...(calls.size === 0 ? {} : { calls: [...calls] }),
      ...(valueCalls.length === 0 ? {} : { valueCalls }),
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
    const viewed = this.#viewedBy(relation)
    if (viewed === undefined || viewed.stored) return
    for (const each of viewed.relations) this.#addCalls(each, calls, seen)
  }

  /** Who writes to a view writes to what it shows, by the rules of that. */
  #rulesOf(relation: number, seen = new Set<number>()): readonly ResolvedRule[] {
    if (seen.has(relation)) return []
    seen.add(relation)
    const own = this.#rows.rules.get(relation) ?? []
    const viewed = this.#viewedBy(relation)
    if (viewed === undefined || viewed.stored) return own
    return [...own, ...viewed.relations.flatMap(each => this.#rulesOf(each, seen))]
  }

  #viewedBy(relation: number): { stored: boolean; relations: readonly number[] } | undefined {
    const found = this.#byOid.get(relation)
    if (found === undefined || !isView(found)) return undefined
    const dependencies = this.#rows.views.get(relation)?.dependencies.split(',') ?? []
    const relations = dependencies.map(each => Number(each.split(' ')[0]))
    return { stored: found.kind === 'materialized view', relations: [...new Set(relations)] }
  }
}

/** Parent to children (inheritance, partitions). */
function childrenOf(
  parents: ReadonlyMap<number, readonly number[]>,
): ReadonlyMap<number, readonly number[]> {
  const children = new Map<number, number[]>()
  for (const [child, of] of parents) {
    for (const parent of of) {
      const known = children.get(parent)
      if (known === undefined) children.set(parent, [child])
      else known.push(child)
    }
  }
  return children
}

function isTemporary({ schema }: { readonly schema: string }): boolean {
  return /^pg_temp_\d+$/.test(schema)
}
