// Visits every node of a statement. What each type means is in the tables of the files beside this one; a
// type or a field that no table knows ends the analysis: nothing is ever skipped.
import type { Action, Flag } from '#model'
import type { SqlStatement } from '../analysis.ts'
import type { SqlCategory } from '../categories.ts'
import { Draft, Refusal } from '../draft.ts'
import { Scope } from '../scope.ts'
import { expressionNodes } from './expressions.ts'
import { planStatement } from './lineage-statements.ts'
import { plainNodes, structFields } from './node-types.ts'
import { queryNodes } from './queries.ts'
import { relationNodes } from './relations.ts'
import { readsSensitiveColumns } from './sensitive-relations.ts'
import { statementNodes } from './statements.ts'
import { isTree, type Tree, typeOf } from './tree.ts'

export type Handler = (fields: Tree, walk: Walk) => void

/** What a relation that is met is used for. */
export interface Use {
  readonly action: Action
  readonly verb: string
  readonly flags: readonly Flag[]
  /** Where it does not follow from the rest. */
  readonly category?: SqlCategory | undefined
}

const READ: Use = { action: 'read', verb: 'SELECT', flags: [] }

const handlers = new Map<string, Handler>([
  ...plainNodes.map((type): [string, Handler] => [
    type,
    (fields, walk) => walk.children(type, fields),
  ]),
  ...Object.entries(statementNodes),
  ...Object.entries(queryNodes),
  ...Object.entries(relationNodes),
  ...Object.entries(expressionNodes),
])

/** So that where a text is too deep does not hang on the stack that happens to be left. */
const DEEPEST = 1_000
/**
 * Words of a text, once lists of the same are made short. What takes longest to read costs some 4 us a word on a slow
 * machine, and the event loop waits: a third of the 250 ms that a text may take. No text of fewer bytes has more.
 */
export const MOST_WORDS = 20_000

export class Walk {
  readonly draft = new Draft()
  #depth = 0
  scope: Scope | undefined
  /** The SELECT that is being walked, while it is the outermost query. */
  query: Tree | undefined
  use: Use = READ
  readonly withValues: boolean
  /** Words of code in strings (DO) that may be read yet, in all statements of the text. */
  readonly left: { words: number }

  /** `withValues`: what columns are compared with is kept in the plan. */
  constructor(withValues = false, left: { words: number } = { words: MOST_WORDS }) {
    this.withValues = withValues
    this.left = left
  }

  /** Visits a wrapped node. */
  node(value: unknown): void {
    const type = typeOf(value)
    if (type !== undefined && isTree(value)) {
      const fields = value[type]
      if (!isTree(fields)) throw unknown(type)
      if (++this.#depth > DEEPEST) {
        throw new Refusal('statement_unreadable', `the statement is over ${DEEPEST} levels deep`)
      }
      this.struct(type, fields)
      this.#depth--
      return
    }
    // `{}` is the grammar's null pointer.
    if (isTree(value) && Object.keys(value).length === 0) return
    if (value !== undefined) throw unknown('a bare field')
  }

  each(values: unknown): void {
    if (values === undefined) return
    if (!Array.isArray(values)) throw unknown('a list that is none')
    for (const value of values) this.node(value)
  }

  /** Visits the fields of a node whose type is known from elsewhere. */
  struct(type: string, fields: Tree): void {
    const handler = handlers.get(type)
    if (handler === undefined) throw unknown(type)
    handler(fields, this)
  }

  /** Visits all that a node holds, but the fields named. */
  children(type: string, fields: Tree, except?: readonly string[]): void {
    for (const field in fields) {
      const value = fields[field]
      if (typeof value !== 'object' || value === null) continue
      if (except?.includes(field)) continue
      if (Array.isArray(value)) this.each(value)
      else if (typeOf(value) !== undefined) this.node(value)
      else if (isTree(value)) this.#field(type, field, value)
    }
  }

  #field(type: string, field: string, value: Tree): void {
    if (Object.keys(value).length === 0) return
    const struct = structFields.get(`${type}.${field}`) ?? structFields.get(field)
    if (struct === undefined) throw unknown(`${type}.${field}`)
    this.struct(struct, value)
  }

  /** Opens a level of query: relations met in it are read. */
  level(work: (scope: Scope) => void): void {
    const { scope, use } = this
    const inner = new Scope(scope, scope)
    this.scope = inner
    this.use = READ
    work(inner)
    inner.settle(this.draft)
    this.scope = scope
    this.use = use
  }

  /** Walks what sees the CTEs of this level but not its relations (a CTE's query, a sub-query in FROM). */
  apart(work: () => void): void {
    const { scope } = this
    const inner = new Scope(scope, scope?.outer)
    this.scope = inner
    work()
    inner.settle(this.draft)
    this.scope = scope
  }

  /** The analysis of a statement inside this one (PREPARE, EXPLAIN, COPY, ...). */
  inner(value: unknown): SqlStatement {
    const walk = new Walk(this.withValues, this.left)
    const statement = walk.statement(value)
    if (walk.draft.literalsMatter) this.draft.literalsMatter = true
    return statement
  }

  statement(value: unknown): SqlStatement {
    const type = typeOf(value)
    if (type === undefined || !type.endsWith('Stmt')) throw unknown(type ?? 'a statement')
    this.node(value)
    const { draft } = this
    // What wraps another statement has made its plan from that one's.
    draft.planned ??= planStatement(value, this.withValues)
    if (draft.planned.literalsMatter) draft.literalsMatter = true
    return this.draft.finish(readsSensitiveColumns)
  }
}

function unknown(what: string): Refusal {
  return new Refusal(
    'statement_unsupported',
    `the statement holds what is not understood (${what})`,
  )
}
