// What the definitions of a catalog say: which relations and routines a view reads and runs, what its columns and generated ones
// are made of. Read by our own analyser when somebody asks, each once. Pure.
import type { ColumnOrigins, ResolvedRelation, ResolvedRoutine } from '#engines/sql'
import type { ColumnName, OutputLineage, Statement } from '#model'
import type { RelationRow } from './catalog-rows.ts'

type Column = NonNullable<ReturnType<ColumnOrigins['columnOf']>>

/** A relation, and what was found out about it. */
export interface Kept {
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

/** What definitions name. */
interface DefinedIn {
  relation(object: string): Kept | undefined
  routines(schema: string, name: string): readonly ResolvedRoutine[]
  /** A text as it would be judged in that database, its columns expanded. Undefined: it cannot be read. */
  statement(text: string, database: string): Statement | undefined
}

export class Definitions {
  readonly #catalog: DefinedIn

  constructor(catalog: DefinedIn) {
    this.#catalog = catalog
  }

  /** Where the values of that column come from; undefined where the relation has none of that name. */
  columnOf(kept: Kept, column: string): Column | undefined {
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

  /** The relations that a view reads, those of views in it included, and the functions of users that it calls. */
  viewed(kept: Kept, depth = 0): Viewed | undefined {
    const made = depth > DEEPEST ? undefined : this.#definitionOf(kept)
    if (made === undefined) return undefined
    const { schema } = kept.row
    const relations: Kept[] = []
    const calls: ResolvedRoutine[] = []
    for (const { object } of made.operations) {
      const found = this.#catalog.relation(object.name)
      if (found === undefined || found === kept) continue
      relations.push(found)
      if (found.row.kind !== 'view') continue
      const inner = this.viewed(found, depth + 1)
      relations.push(...(inner?.relations ?? []))
      calls.push(...(inner?.calls ?? []))
    }
    const written = made.functions.flatMap(name => {
      const dot = name.lastIndexOf('.')
      const [within, last] = dot === -1 ? [schema, name] : [name.slice(0, dot), name.slice(dot + 1)]
      return this.#catalog.routines(within, last)
    })
    return { relations, calls: [...new Set([...calls, ...written])] }
  }

  /** What each column of a view is made of, of tables only. */
  outputs(kept: Kept): readonly OutputLineage[] | 'all' {
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
      const made =
        definition === undefined ? undefined : this.#catalog.statement(definition, schema)
      kept.statement = made ?? 'unread'
    }
    return kept.statement === 'unread' ? undefined : kept.statement
  }

  #ofView(kept: Kept, at: number, own: ColumnName): Column {
    const outputs = this.outputs(kept)
    const output = outputs === 'all' ? undefined : outputs[at]
    if (output === undefined || output.how === 'unknown')
      return { sources: 'all', shape: 'computed' }
    const others = output.sources.filter(each => !same(each, own))
    return {
      sources: [own, ...others],
      shape: output.how === 'identity' && others.length < 2 ? 'same' : 'computed',
    }
  }

  #ofExpression({ row, object }: Kept, expression: string, own: ColumnName): Column {
    const made = this.#catalog.statement(
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
}

/** Views in views. */
const DEEPEST = 16

function same(one: ColumnName, other: ColumnName): boolean {
  return one.object === other.object && one.column === other.column
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
