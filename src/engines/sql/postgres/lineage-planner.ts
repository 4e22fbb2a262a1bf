// AST → plan of values (../lineage/plan.ts): what is shared while one statement is compiled. What each type means is in
// the files beside this one; a node that none of them knows becomes `unknown`, never nothing.
import type { RelationName } from '../analysis.ts'
import type { Condition, Expression, FromItem, Query } from '../lineage/index.ts'
import { conditionsOf } from './lineage-conditions.ts'
import { expressionOf } from './lineage-expressions.ts'
import { fromItem } from './lineage-from.ts'
import { queryOf } from './lineage-queries.ts'
import { isTree, listOf, textOf } from './tree.ts'

/** A plan of more nodes is not kept: the statement's lineage is unknown. */
const MOST_NODES = 30_000

/** Thrown inside the compiler only: the text is too large, or means what a plan cannot say. */
export class Unplannable extends Error {}

export const CONSTANT: Expression = { kind: 'constant' }

export class Planner {
  /** The values that columns are compared with are kept. */
  readonly withValues: boolean
  nodes = 0
  /** How many of the expressions so far may fail by their values (lineage-failures.ts). */
  failures = 0
  /** The number of an output was looked at. */
  literalsMatter = false
  /** WINDOW of the SELECT that is being compiled: names to PARTITION BY and ORDER BY. */
  windows: ReadonlyMap<string, readonly Expression[]> = new Map()

  constructor(withValues = false) {
    this.withValues = withValues
  }

  count(): void {
    this.nodes += 1
    if (this.nodes > MOST_NODES) throw new Unplannable()
  }

  expression(value: unknown): Expression {
    return expressionOf(value, this)
  }

  expressions(values: unknown): readonly Expression[] {
    const all: Expression[] = []
    for (const each of listOf(values)) all.push(expressionOf(each, this))
    return all
  }

  conditions(value: unknown): readonly Condition[] {
    return value === undefined ? [] : conditionsOf(value, this)
  }

  query(value: unknown): Query {
    return queryOf(value, this)
  }

  from(value: unknown): FromItem {
    return fromItem(value, this)
  }

  /** PARTITION BY, ORDER BY and frame of a WindowDef, with those of the window that it names. */
  window(value: unknown): readonly Expression[] {
    if (!isTree(value)) return []
    const named = textOf(value['refname']) ?? textOf(value['name'])
    const base = named === undefined ? undefined : this.windows.get(named)
    const own = [
      ...this.expressions(value['partitionClause']),
      ...this.expressions(value['orderClause']),
    ]
    for (const bound of ['startOffset', 'endOffset']) {
      if (value[bound] !== undefined) own.push(this.expression(value[bound]))
    }
    return base === undefined ? own : [...base, ...own]
  }
}

/** A name in pg_catalog, or one without a schema: searched there first. */
export function isBuiltInName(parts: readonly string[]): boolean {
  return parts.length === 1 || (parts.length === 2 && parts[0] === 'pg_catalog')
}

export function nameFrom(parts: readonly string[]): RelationName {
  return { schema: parts.length > 1 ? parts.at(-2) : undefined, name: parts.at(-1) ?? '' }
}
