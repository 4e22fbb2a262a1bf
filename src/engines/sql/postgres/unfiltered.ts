// Does a condition narrow the rows that are written? Sees through what is always true (constants.ts folds).
// In doubt it says no: a condition that does not depend on the target's rows takes all of them or none.

import type { Draft } from '../draft.ts'
import { Comparisons } from './comparisons.ts'
import { Constants, truthOf } from './constants.ts'
import { type Target, TargetRows } from './target-rows.ts'
import { fieldsOf, isTree, listOf, namesOf, type Tree, textOf, typeOf } from './tree.ts'

/** True when a condition (undefined: none) is true for every row of the target, or not about its rows. */
export function narrowsNothing(condition: unknown, target: Target, draft: Draft): boolean {
  if (condition === undefined) return true
  return new Condition(target, draft).always(condition)
}

class Condition {
  readonly #rows: TargetRows
  readonly #constants: Constants
  readonly #comparisons: Comparisons

  constructor(target: Target, draft: Draft) {
    this.#constants = new Constants(draft)
    this.#rows = new TargetRows(target, draft, this.#constants)
    this.#comparisons = new Comparisons(this.#rows, this.#constants, (value, wanted) =>
      this.#judge(value, wanted),
    )
  }

  /** True for (almost) every row: NULLs in a column aside. */
  always(value: unknown): boolean {
    return this.#judge(value, true)
  }

  #judge(value: unknown, wanted: boolean): boolean {
    const type = typeOf(value)
    if (type === undefined || !isTree(value)) return true
    if (this.#constants.spent) return true
    const fields = value[type]
    if (!isTree(fields) || type === 'CurrentOfExpr') return false
    if (!this.#rows.concern(value)) {
      const folded = truthOf(this.#constants.fold(value))
      // Unknown, but the same for all rows.
      return folded === undefined || folded === wanted
    }
    if (type === 'BoolExpr') return this.#boolean(fields, wanted)
    if (type === 'A_Expr') return this.#comparisons.always(fields, wanted)
    if (type === 'NullTest') return this.#nullTest(fields, wanted)
    if (type === 'BooleanTest') return this.#booleanTest(fields, wanted)
    if (type === 'TypeCast') return this.#judge(fields['arg'], wanted)
    if (type === 'CaseExpr') return this.#caseExpr(fields, wanted)
    if (type === 'CoalesceExpr') return this.#coalesce(listOf(fields['args']), wanted)
    if (type === 'SubLink') return wanted && this.#isOfSameTable(fields)
    if (type === 'FuncCall') return wanted && this.#comparisons.startsWithNothing(fields)
    return false
  }

  /** The first argument that is not NULL counts: a constant hides those behind it. */
  #coalesce(args: readonly unknown[], wanted: boolean): boolean {
    for (const each of args) {
      if (!this.#judge(each, wanted)) return false
      if (!this.#rows.concern(each) && typeof truthOf(this.#constants.fold(each)) === 'boolean')
        break
    }
    return true
  }

  #boolean(fields: Tree, wanted: boolean): boolean {
    const args = listOf(fields['args'])
    const op = fields['boolop']
    if (op === 'NOT_EXPR') return this.#judge(args[0], !wanted)
    const every = (op === 'AND_EXPR') === wanted
    if (every) return args.every(each => this.#judge(each, wanted))
    return args.some(each => this.#judge(each, wanted)) || this.#complements(args)
  }

  /** `a OR NOT a`, `x IS NULL OR x IS NOT NULL`: whatever a is, one of them holds. */
  #complements(args: readonly unknown[]): boolean {
    const few = args.slice(0, 50)
    return few.some(one => {
      const negated = fieldsOf(one, 'BoolExpr')
      const inner = negated?.['boolop'] === 'NOT_EXPR' ? listOf(negated['args'])[0] : undefined
      if (inner !== undefined && few.some(other => this.#rows.same(inner, other))) return true
      const test = fieldsOf(one, 'NullTest')
      const compared = fieldsOf(one, 'A_Expr')
      return few.some(other => {
        const second = fieldsOf(other, 'NullTest')
        if (test !== undefined && second !== undefined) {
          return (
            test['nulltesttype'] !== second['nulltesttype'] &&
            this.#rows.same(test['arg'], second['arg'])
          )
        }
        return (
          compared !== undefined && this.#comparisons.covers(compared, fieldsOf(other, 'A_Expr'))
        )
      })
    })
  }

  /** `x IS NOT NULL` is a filter on a column; on anything that is computed it is a disguise. */
  #nullTest(fields: Tree, wanted: boolean): boolean {
    const isNotNull = fields['nulltesttype'] === 'IS_NOT_NULL'
    if (isNotNull !== wanted) return false
    return fieldsOf(fields['arg'], 'ColumnRef') === undefined
  }

  #booleanTest(fields: Tree, wanted: boolean): boolean {
    const { arg } = fields
    switch (fields['booltesttype']) {
      case 'IS_TRUE':
        return this.#judge(arg, wanted)
      case 'IS_NOT_FALSE':
        return this.#judge(arg, wanted)
      case 'IS_FALSE':
        return this.#judge(arg, !wanted)
      case 'IS_NOT_TRUE':
        return this.#judge(arg, !wanted)
      case 'IS_NOT_UNKNOWN':
        return wanted
      default:
        return !wanted
    }
  }

  #caseExpr(fields: Tree, wanted: boolean): boolean {
    if (fields['defresult'] === undefined) return false
    const results = listOf(fields['args']).map(each => fieldsOf(each, 'CaseWhen')?.['result'])
    return [...results, fields['defresult']].every(each => this.#judge(each, wanted))
  }

  /** `id IN (SELECT id FROM t)` and EXISTS of the very table, unfiltered themselves. */
  #isOfSameTable(fields: Tree): boolean {
    const query = fieldsOf(fields['subselect'], 'SelectStmt')
    const kind = fields['subLinkType']
    if ((kind !== 'ANY_SUBLINK' && kind !== 'EXISTS_SUBLINK') || query === undefined) return false
    const from = listOf(query['fromClause'])
    const relation = fieldsOf(from[0], 'RangeVar')
    if (from.length !== 1 || textOf(relation?.['relname']) !== this.#rows.target.relation)
      return false
    const where = query['whereClause']
    return where === undefined || this.#isItself(where) || this.#judge(where, true)
  }

  /** `x.id = t.id`: each row finds itself. */
  #isItself(where: unknown): boolean {
    const both = fieldsOf(where, 'BoolExpr')
    if (both?.['boolop'] === 'AND_EXPR') {
      return listOf(both['args']).every(each => this.#isItself(each))
    }
    const compared = fieldsOf(where, 'A_Expr')
    if (compared?.['kind'] !== 'AEXPR_OP' || namesOf(compared['name']).at(-1) !== '=') return false
    const [one, other] = [compared['lexpr'], compared['rexpr']].map(columnName)
    return one !== undefined && one === other
  }
}

function columnName(value: unknown): string | undefined {
  return namesOf(fieldsOf(value, 'ColumnRef')?.['fields']).at(-1)
}
