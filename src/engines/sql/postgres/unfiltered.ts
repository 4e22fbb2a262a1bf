// Does a condition narrow the rows that are written? Folds constants and sees through what is always true.
// In doubt it says no: a condition that does not depend on the target's rows takes all of them or none.
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

/** How many nodes are looked at; a condition larger than that counts as narrowing nothing. */
const FUEL = 20_000

/** True when a condition (undefined: none) is true for every row of the target, or not about its rows. */
export function narrowsNothing(condition: unknown, target: Target, draft: Draft): boolean {
  if (condition === undefined) return true
  return new Condition(target, draft).always(condition)
}

type Value = string | number | boolean | null

class Condition {
  readonly #target: Target
  readonly #draft: Draft
  #fuel = FUEL

  constructor(target: Target, draft: Draft) {
    this.#target = target
    this.#draft = draft
  }

  /** True for (almost) every row: NULLs in a column aside. */
  always(value: unknown): boolean {
    return this.#judge(value, true)
  }

  #judge(value: unknown, wanted: boolean): boolean {
    const type = typeOf(value)
    if (type === undefined || !isTree(value)) return true
    if (this.#fuel <= 0) return true
    const fields = value[type]
    if (!isTree(fields) || type === 'CurrentOfExpr') return false
    if (!this.#isAboutRows(value)) {
      const folded = truthOf(this.#fold(value))
      // Unknown, but the same for all rows.
      return folded === undefined || folded === wanted
    }
    if (type === 'BoolExpr') return this.#boolean(fields, wanted)
    if (type === 'A_Expr') return this.#comparison(fields, wanted)
    if (type === 'NullTest') return this.#nullTest(fields, wanted)
    if (type === 'BooleanTest') return this.#booleanTest(fields, wanted)
    if (type === 'TypeCast') return this.#judge(fields['arg'], wanted)
    if (type === 'CaseExpr') return this.#caseExpr(fields, wanted)
    if (type === 'CoalesceExpr')
      return listOf(fields['args']).every(each => this.#judge(each, wanted))
    if (type === 'SubLink') return wanted && this.#isOfSameTable(fields)
    return false
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
    const holds = wanted ? reflexive : irreflexive
    if (kind === 'AEXPR_OP' && holds.has(name) && this.#same(lexpr, rexpr)) return true
    if (kind === 'AEXPR_NOT_DISTINCT') return wanted && this.#same(lexpr, rexpr)
    if (kind === 'AEXPR_DISTINCT') {
      if (this.#same(lexpr, rexpr)) return !wanted
      return wanted && constantOf(rexpr) === null
    }
    if (kind === 'AEXPR_LIKE' || kind === 'AEXPR_ILIKE') {
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

  #elements(value: unknown): readonly unknown[] {
    const list = fieldsOf(value, 'List')?.['items'] ?? fieldsOf(value, 'A_ArrayExpr')?.['elements']
    return listOf(list)
  }

  #matchesAll(value: unknown, pattern: RegExp): boolean {
    const text = this.#fold(value)
    return typeof text === 'string' && pattern.test(text)
  }

  /** `(...) = true`: the constant, and what it is compared with. */
  #truthSide(one: unknown, other: unknown): { value: boolean; other: unknown } | undefined {
    for (const [side, rest] of [
      [one, other],
      [other, one],
    ]) {
      if (!isBooleanNode(rest) || this.#isAboutRows(side)) continue
      const value = truthOf(this.#fold(side))
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

  /** `id IN (SELECT id FROM t)` of the very table, unfiltered itself. */
  #isOfSameTable(fields: Tree): boolean {
    const query = fieldsOf(fields['subselect'], 'SelectStmt')
    if (fields['subLinkType'] !== 'ANY_SUBLINK' || query === undefined) return false
    const from = listOf(query['fromClause'])
    const relation = fieldsOf(from[0], 'RangeVar')
    if (from.length !== 1 || textOf(relation?.['relname']) !== this.#target.relation) return false
    return query['whereClause'] === undefined || this.#judge(query['whereClause'], true)
  }

  #same(one: unknown, other: unknown): boolean {
    if (typeOf(one) !== typeOf(other)) return false
    if (this.#holdsConstant(one)) this.#draft.literalsMatter = true
    return sameTree(one, other)
  }

  #holdsConstant(value: unknown): boolean {
    return someNode([value], type => {
      this.#fuel--
      return type === 'A_Const'
    })
  }

  /** True when a value of the target's row can be in the expression. */
  #isAboutRows(value: unknown): boolean {
    return this.#mentions(value, false)
  }

  /** In a sub-query with a FROM of its own, an unqualified name is taken for one of its own. */
  #mentions(value: unknown, nested: boolean): boolean {
    if (this.#fuel-- <= 0) return false
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

  /** The value of an expression of constants; undefined when it is not known. */
  #fold(value: unknown): Value | undefined {
    this.#draft.literalsMatter = true
    if (this.#fuel-- <= 0) return undefined
    const constant = constantOf(value)
    if (constant !== undefined) return constant
    const cast = fieldsOf(value, 'TypeCast')
    if (cast !== undefined) return this.#foldCast(cast)
    const test = fieldsOf(value, 'BoolExpr')
    if (test !== undefined) return this.#foldBoolean(test)
    const expression = fieldsOf(value, 'A_Expr')
    if (expression?.['kind'] !== 'AEXPR_OP') return undefined
    const parts = namesOf(expression['name'])
    if (parts.length > 1 && parts[0] !== 'pg_catalog') return undefined
    const name = parts.at(-1) ?? ''
    return compute(name, this.#fold(expression['lexpr']), this.#fold(expression['rexpr']))
  }

  #foldCast(fields: Tree): Value | undefined {
    const inner = this.#fold(fields['arg'])
    const type = isTree(fields['typeName'])
      ? namesOf(fields['typeName']['names']).at(-1)
      : undefined
    if (type === 'bool') return truthOf(inner)
    return type === 'text' && typeof inner === 'string' ? inner : undefined
  }

  #foldBoolean(fields: Tree): Value | undefined {
    const values = listOf(fields['args']).map(each => truthOf(this.#fold(each)))
    const op = fields['boolop']
    if (op === 'NOT_EXPR') {
      const only = values[0]
      return typeof only === 'boolean' ? !only : only
    }
    const decisive = op === 'OR_EXPR'
    if (values.includes(decisive)) return decisive
    if (values.includes(undefined)) return undefined
    return values.includes(null) ? null : !decisive
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

function truthOf(value: Value | undefined): boolean | null | undefined {
  if (typeof value === 'boolean' || value === null) return value
  if (typeof value === 'string') {
    const text = value.trim().toLowerCase()
    if (text !== '' && ['true', 'yes'].some(each => each.startsWith(text))) return true
    if (text === 'on' || text === '1') return true
    if (text !== '' && ['false', 'no'].some(each => each.startsWith(text))) return false
    if (text === 'off' || text === 'of' || text === '0') return false
  }
  if (typeof value === 'number') return value !== 0
  return undefined
}

function compute(
  operator: string,
  left: Value | undefined,
  right: Value | undefined,
): Value | undefined {
  if (left === null || right === null) return null
  if (typeof left !== typeof right || left === undefined || right === undefined) return undefined
  // Beyond whole numbers our arithmetic is not the server's.
  if ([left, right].some(each => typeof each === 'number' && !Number.isSafeInteger(each)))
    return undefined
  switch (operator) {
    case '=':
      return left === right
    case '<>':
      return left !== right
  }
  if (typeof left === 'string' && typeof right === 'string' && operator === '||')
    return left + right
  if (typeof left !== 'number' || typeof right !== 'number') return undefined
  switch (operator) {
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    default:
      return undefined
  }
}
