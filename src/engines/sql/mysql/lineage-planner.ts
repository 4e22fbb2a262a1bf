// The parser's tree → plan of values (../lineage/plan.ts): what is shared while one statement is compiled. What each node
// means is in the files beside this one; a node that none of them knows ends it, and the plan is `unknown`.
import type { RelationName } from '../analysis.ts'
import {
  type Condition,
  type Expression,
  type FromItem,
  foldedName,
  type Query,
} from '../lineage/index.ts'
import { conditionsOf } from './lineage-conditions.ts'
import { expressionOf } from './lineage-expressions.ts'
import { fromItems } from './lineage-from.ts'
import { queryOf } from './lineage-queries.ts'
import { parameterPlaces, placeOf } from './parameter-places.ts'
import { isReserved } from './reserved-words.ts'
import { isTree, listOf, type Word, wordOf, wordsOf } from './syntax-tree.ts'

/** A plan of more nodes is not kept: the statement's lineage is unknown. */
const MOST_NODES = 30_000

/** Thrown inside the compiler only: the text is too large, or holds what a plan cannot say. */
export class Unplannable extends Error {}

/** What the row that would have been inserted is called in a plan. */
export const PROPOSED = 'excluded'

export const CONSTANT: Expression = { kind: 'constant' }

export interface PlanOptions {
  readonly flavour: 'mysql' | 'mariadb'
  /** The values that columns are compared with are kept. */
  readonly withValues?: boolean
}

export class Planner {
  readonly withValues: boolean
  nodes = 0
  /** How many of the expressions so far may fail by their values. */
  failures = 0
  /** The number of an output, or a name that is written as a string, was looked at. */
  literalsMatter = false
  /** WINDOW of the SELECT that is being compiled: names to PARTITION BY and ORDER BY. */
  windows: ReadonlyMap<string, readonly Expression[]> = new Map()
  /** In ON DUPLICATE KEY UPDATE: how the text calls the row that would have been inserted; empty: by `VALUES(a)` only. */
  inserted: string | undefined
  readonly #flavour: PlanOptions['flavour']
  /** Where the parameters stand in the text: the order of a tree is another. */
  readonly #places: readonly string[]

  constructor({ flavour, withValues }: PlanOptions, tree: unknown) {
    this.#flavour = flavour
    this.withValues = withValues === true
    this.#places = this.withValues ? parameterPlaces(tree) : []
  }

  /** Which parameter stands there, counted from 0. */
  parameterAt(span: unknown): number | undefined {
    const at = this.#places.indexOf(placeOf(span)?.key ?? '')
    return at === -1 ? undefined : at
  }

  count(): void {
    this.nodes += 1
    if (this.nodes > MOST_NODES) throw new Unplannable()
  }

  expression(value: unknown): Expression {
    return expressionOf(value, this)
  }

  expressions(values: unknown): readonly Expression[] {
    return listOf(values).map(each => expressionOf(each, this))
  }

  conditions(value: unknown): readonly Condition[] {
    return value === undefined || value === null ? [] : conditionsOf(value, this)
  }

  query(value: unknown): Query {
    return queryOf(value, this)
  }

  from(value: unknown): readonly FromItem[] {
    return fromItems(value, this)
  }

  /** A name that is no reserved word: the server reads that as something else. */
  name(value: unknown): string {
    const word = wordOf(value)
    if (word === undefined) throw new Unplannable()
    // `a AS 'b'`
    if (isTree(value) && value['quote_style'] === "'") this.literalsMatter = true
    return this.plain(word)
  }

  plain({ text, quoted }: Word): string {
    if (!quoted && isReserved(text, this.#flavour)) throw new Unplannable()
    return text
  }

  /** (Behind a dot any word is a name.) */
  path(value: unknown): readonly string[] {
    const words = wordsOf(value)
    const [first, ...others] = words ?? []
    if (first === undefined) throw new Unplannable()
    return [this.plain(first), ...others.map(({ text }) => text)]
  }

  relation(value: unknown): RelationName {
    const path = this.path(value)
    if (path.length > 2) throw new Unplannable()
    return { schema: path.length > 1 ? path[0] : undefined, name: path.at(-1) ?? '' }
  }
}

/** Names of columns are the same in upper and lower case, everywhere. */
export function columnName(name: string): string {
  return foldedName(name)
}
