// Visits the parser's tree of one statement. What each node means is in the tables of expressions.ts, queries.ts and
// writes.ts; a node or a field in no table ends the analysis: nothing is ever skipped.
import { type Draft, Refusal } from '../draft.ts'
import { Scope } from '../scope.ts'
import { isEmpty, isTree, type Tree } from './syntax-tree.ts'
import type { Changing } from './writes.ts'

/** What happens to a field that holds something; `true`: it says nothing that matters. */
export type Fields = Readonly<Record<string, true | ((value: unknown, walk: Walk) => void)>>

export class Walk {
  readonly draft: Draft
  /** The default database: what names without one are in. */
  readonly database: string | undefined
  /** What the statement is called in operations on what it reads. */
  readonly verb: string
  scope: Scope | undefined
  /** While the tables of an UPDATE or DELETE are walked. */
  changing: Changing | undefined

  constructor(draft: Draft, verb: string, database: string | undefined) {
    this.draft = draft
    this.verb = verb
    this.database = database
  }

  /** Opens a level of query. */
  level(work: (scope: Scope) => void): void {
    const { scope, changing } = this
    const inner = new Scope(scope, scope)
    this.scope = inner
    this.changing = undefined
    work(inner)
    inner.settle(this.draft)
    this.scope = scope
    this.changing = changing
  }

  /** Walks what sees the CTEs of this level but not its relations. */
  apart(work: () => void): void {
    const { scope } = this
    const inner = new Scope(scope, scope?.outer)
    this.scope = inner
    work()
    inner.settle(this.draft)
    this.scope = scope
  }

  /** Visits the fields of a node: all that hold something must be known. */
  fields(node: unknown, type: string, known: Fields): void {
    if (!isTree(node)) throw unknown(type)
    for (const field in node) {
      const value = node[field]
      if (isEmpty(value)) continue
      const handler = Object.hasOwn(known, field) ? known[field] : undefined
      if (handler === undefined) throw unknown(`${type}.${field}`)
      if (handler !== true) handler(value, this)
    }
  }
}

export function unknown(what: string): Refusal {
  return new Refusal(
    'statement_unsupported',
    `the statement holds what is not understood (${what})`,
  )
}

export function eachOf(value: unknown, work: (each: unknown) => void): void {
  if (!Array.isArray(value)) throw unknown('a list that is none')
  for (const each of value) work(each)
}

/** A node's type and what it holds: `{ Type: fields }`, or `'Type'`. */
export function opened(value: unknown, of: string): readonly [type: string, held: unknown] {
  if (typeof value === 'string') return [value, undefined]
  const keys = isTree(value) ? Object.keys(value) : []
  const [type] = keys
  if (type === undefined || keys.length !== 1) throw unknown(of)
  return [type, (value as Tree)[type]]
}
