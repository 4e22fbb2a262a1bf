// What an expression of a condition says of the rows that are written: whether it is about them at all, and whether two
// expressions are the same for each of them.

import type { Draft } from '../draft.ts'
import type { Constants } from './constants.ts'
import { isTree, listOf, nameOf, sameTree, someNode, type Tree, typeOf } from './tree.ts'

export interface Target {
  readonly alias: string
  readonly relation: string
}

export class TargetRows {
  readonly target: Target
  readonly #draft: Draft
  readonly #constants: Constants

  constructor(target: Target, draft: Draft, constants: Constants) {
    this.target = target
    this.#draft = draft
    this.#constants = constants
  }

  same(left: unknown, right: unknown): boolean {
    const [one, other] = [left, right].map(each => this.#constants.plain(each, this.target.alias))
    if (typeOf(one) !== typeOf(other)) return false
    if (this.#holdsConstant(one)) this.#draft.literalsMatter = true
    return sameTree(one, other)
  }

  #holdsConstant(value: unknown): boolean {
    return someNode([value], type => {
      this.#constants.spend()
      return type === 'A_Const' || type === 'ParamRef'
    })
  }

  /** True when a value of the target's row can be in the expression. */
  concern(value: unknown): boolean {
    return this.#mentions(value, false)
  }

  /** In a sub-query with a FROM of its own, an unqualified name is taken for one of its own. */
  #mentions(value: unknown, nested: boolean): boolean {
    if (!this.#constants.spend()) return false
    if (Array.isArray(value)) return value.some(each => this.#mentions(each, nested))
    if (!isTree(value)) return false
    for (const key in value) {
      const inner = value[key]
      if (key === 'ColumnRef' && isTree(inner)) {
        if (this.#isOfTarget(inner, nested)) return true
      } else if (key === 'CurrentOfExpr') {
        return true
      } else {
        const deeper =
          nested || (key === 'SelectStmt' && isTree(inner) && inner['fromClause'] !== undefined)
        if (this.#mentions(inner, deeper)) return true
      }
    }
    return false
  }

  #isOfTarget(columnRef: Tree, nested: boolean): boolean {
    const parts = listOf(columnRef['fields'])
    if (parts.length === 1) return !nested && typeOf(parts[0]) !== 'A_Star'
    return nameOf(parts.at(-2)) === this.target.alias
  }
}
