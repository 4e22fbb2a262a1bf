// Does a condition narrow the rows that are written? Sees through what is always true (constants.ts folds).
// In doubt it says no: a condition that does not depend on the target's rows takes all of them or none.
import { Constants, truthOf } from './constants.ts'
import type { Draft } from './draft.ts'
import {
  constantOf,
  fieldsOf,
  isTree,
  listOf,
  nameOf,
  namesOf,
  sameTree,
  someNode,
  type Tree,
  textOf,
  typeOf,
} from './tree.ts'

interface Target {
  readonly alias: string
  readonly relation: string
}

/** True when a condition (undefined: none) is true for every row of the target, or not about its rows. */
export function narrowsNothing(condition: unknown, target: Target, draft: Draft): boolean {
  if (condition === undefined) return true
  return new Condition(target, draft).always(condition)
}

class Condition {
  readonly #target: Target
  readonly #draft: Draft
  readonly #constants: Constants

  constructor(target: Target, draft: Draft) {
    this.#target = target
    this.#draft = draft
    this.#constants = new Constants(draft)
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
    if (!this.#isAboutRows(value)) {
      const folded = truthOf(this.#constants.fold(value))
      // Unknown, but the same for all rows.
      return folded === undefined || folded === wanted
    }
    if (type === 'BoolExpr') return this.#boolean(fields, wanted)
    if (type === 'A_Expr') return this.#comparison(fields, wanted)
    if (type === 'NullTest') return this.#nullTest(fields, wanted)
    if (type === 'BooleanTest') return this.#booleanTest(fields, wanted)
    if (type === 'TypeCast') return this.#judge(fields['arg'], wanted)
    if (type === 'CaseExpr') return this.#caseExpr(fields, wanted)
    if (type === 'CoalesceExpr') return this.#coalesce(listOf(fields['args']), wanted)
    if (type === 'SubLink') return wanted && this.#isOfSameTable(fields)
    if (type === 'FuncCall') return wanted && this.#startsWithNothing(fields)
    return false
  }

  /** The first argument that is not NULL counts: a constant hides those behind it. */
  #coalesce(args: readonly unknown[], wanted: boolean): boolean {
    for (const each of args) {
      if (!this.#judge(each, wanted)) return false
      if (!this.#isAboutRows(each) && typeof truthOf(this.#constants.fold(each)) === 'boolean')
        break
    }
    return true
  }

  #startsWithNothing(fields: Tree): boolean {
    const [, prefix] = listOf(fields['args'])
    return (
      namesOf(fields['funcname']).at(-1) === 'starts_with' && this.#constants.fold(prefix) === ''
    )
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
      if (inner !== undefined && few.some(other => this.#same(inner, other))) return true
      const test = fieldsOf(one, 'NullTest')
      const compared = fieldsOf(one, 'A_Expr')
      return few.some(other => {
        const second = fieldsOf(other, 'NullTest')
        if (test !== undefined && second !== undefined) {
          return (
            test['nulltesttype'] !== second['nulltesttype'] &&
            this.#same(test['arg'], second['arg'])
          )
        }
        return compared !== undefined && this.#covers(compared, fieldsOf(other, 'A_Expr'))
      })
    })
  }

  /** `x > 1 OR x <= 1`, `x = 1 OR x <> 1`. */
  #covers(one: Tree, other: Tree | undefined): boolean {
    if (other === undefined || one['kind'] !== other['kind']) return false
    const opposite = opposites[namesOf(one['name']).at(-1) ?? '']
    if (opposite === undefined || !opposite.includes(namesOf(other['name']).at(-1) ?? ''))
      return false
    return this.#same(one['lexpr'], other['lexpr']) && this.#same(one['rexpr'], other['rexpr'])
  }

  #comparison(fields: Tree, wanted: boolean): boolean {
    const { lexpr, rexpr } = fields
    const name = namesOf(fields['name']).at(-1) ?? ''
    const kind = textOf(fields['kind']) ?? ''
    if (kind === 'AEXPR_OP') {
      const truth = this.#truthSide(lexpr, rexpr)
      if (truth !== undefined && (name === '=' || name === '<>')) {
        return this.#judge(truth.other, wanted === (truth.value === (name === '=')))
      }
    }
    if (kind === 'AEXPR_OP' && wanted && this.#isLeast(name, lexpr, rexpr)) return true
    const holds = wanted ? reflexive : irreflexive
    if (kind === 'AEXPR_OP' && holds.has(name) && this.#same(lexpr, rexpr)) return true
    if (kind === 'AEXPR_NOT_DISTINCT') return wanted && this.#same(lexpr, rexpr)
    if (kind === 'AEXPR_DISTINCT') {
      if (this.#same(lexpr, rexpr)) return !wanted
      return wanted && constantOf(rexpr) === null
    }
    if (/^AEXPR_(I?LIKE|SIMILAR)$/.test(kind) || likes.has(name)) {
      const negated = name.startsWith('!')
      return wanted !== negated && (this.#matchesAll(rexpr, /^%+$/) || this.#same(lexpr, rexpr))
    }
    if (kind === 'AEXPR_OP' && (name === '~' || name === '~*')) {
      return wanted && this.#matchesAll(rexpr, /^\^?(\.\*)?\$?$/)
    }
    if (kind === 'AEXPR_IN' || kind === 'AEXPR_OP_ANY') {
      if (name !== '=' || !wanted) return false
      return this.#elements(rexpr).some(each => this.#same(lexpr, each))
    }
    if (kind.startsWith('AEXPR_BETWEEN')) {
      return wanted && this.#elements(rexpr).every(each => this.#same(lexpr, each))
    }
    return false
  }

  /** `name >= ''`, `length(name) >= 0`: no value is less. */
  #isLeast(operator: string, left: unknown, right: unknown): boolean {
    const [more, least] = operator === '<=' ? [right, left] : [left, right]
    if (operator !== '>=' && operator !== '<=') return false
    const value = this.#constants.fold(least)
    if (value === '') return true
    const call = fieldsOf(more, 'FuncCall')
    return (
      typeof value === 'number' &&
      value <= 0 &&
      lengths.has(namesOf(call?.['funcname']).at(-1) ?? '')
    )
  }

  #elements(value: unknown): readonly unknown[] {
    const list = fieldsOf(value, 'List')?.['items'] ?? fieldsOf(value, 'A_ArrayExpr')?.['elements']
    return listOf(list)
  }

  #matchesAll(value: unknown, pattern: RegExp): boolean {
    // SIMILAR TO is a call that makes a regular expression of the pattern.
    const made = fieldsOf(value, 'FuncCall')
    const text = this.#constants.fold(made === undefined ? value : listOf(made['args'])[0])
    return typeof text === 'string' && pattern.test(text)
  }

  /** `(...) = true`: the constant, and what it is compared with. */
  #truthSide(one: unknown, other: unknown): { value: boolean; other: unknown } | undefined {
    for (const [side, rest] of [
      [one, other],
      [other, one],
    ]) {
      if (!isBooleanNode(rest) || this.#isAboutRows(side)) continue
      const value = truthOf(this.#constants.fold(side))
      if (typeof value === 'boolean') return { value, other: rest }
    }
    return undefined
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
    if (from.length !== 1 || textOf(relation?.['relname']) !== this.#target.relation) return false
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

  #same(left: unknown, right: unknown): boolean {
    const [one, other] = [left, right].map(each => this.#constants.plain(each, this.#target.alias))
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
  #isAboutRows(value: unknown): boolean {
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
    return nameOf(parts.at(-2)) === this.#target.alias
  }
}

/** Nodes that can only be true, false or NULL, or hide such. */
function isBooleanNode(value: unknown): boolean {
  return [
    'BoolExpr',
    'A_Expr',
    'NullTest',
    'BooleanTest',
    'SubLink',
    'TypeCast',
    'CaseExpr',
  ].includes(typeOf(value) ?? '')
}

function columnName(value: unknown): string | undefined {
  return namesOf(fieldsOf(value, 'ColumnRef')?.['fields']).at(-1)
}

const likes: ReadonlySet<string> = new Set(['~~', '~~*', '!~~', '!~~*'])
const lengths: ReadonlySet<string> = new Set([
  'length',
  'char_length',
  'character_length',
  'octet_length',
  'bit_length',
  'cardinality',
  'abs',
])
const reflexive: ReadonlySet<string> = new Set(['=', '<=', '>='])
const irreflexive: ReadonlySet<string> = new Set(['<>', '<', '>'])
const opposites: Readonly<Record<string, readonly string[]>> = {
  '=': ['<>'],
  '<>': ['='],
  '<': ['>=', '>'],
  '>': ['<=', '<'],
  '<=': ['>', '>='],
  '>=': ['<', '<='],
}
