// Values of expressions of constants, and expressions without what changes nothing (`id + 0`). Marks that literals
// matter; looks at a bounded number of nodes.
import type { Draft } from '../draft.ts'
import { constantOf, fieldsOf, isTree, listOf, namesOf, type Tree } from './tree.ts'

export type Value = string | number | boolean | null

/** How many nodes are looked at for one condition; one larger than that counts as narrowing nothing. */
const FUEL = 20_000

export class Constants {
  readonly #draft: Draft
  #fuel = FUEL

  constructor(draft: Draft) {
    this.#draft = draft
  }

  get spent(): boolean {
    return this.#fuel <= 0
  }

  /** False when no more may be looked at. */
  spend(): boolean {
    return this.#fuel-- > 0
  }

  /** The value of an expression of constants; undefined when it is not known. */
  fold(value: unknown): Value | undefined {
    this.#draft.literalsMatter = true
    if (!this.spend()) return undefined
    const constant = constantOf(value)
    if (constant !== undefined) return constant
    const cast = fieldsOf(value, 'TypeCast')
    if (cast !== undefined) return this.#cast(cast)
    const test = fieldsOf(value, 'BoolExpr')
    if (test !== undefined) return this.#boolean(test)
    const first = fieldsOf(value, 'CoalesceExpr')
    if (first !== undefined) return this.#coalesce(first)
    const expression = fieldsOf(value, 'A_Expr')
    if (expression?.['kind'] !== 'AEXPR_OP') return undefined
    const name = operatorOf(expression)
    if (name === undefined) return undefined
    return compute(name, this.fold(expression['lexpr']), this.fold(expression['rexpr']))
  }

  /** Without what changes no value: `id + 0` and `t.id` (of the target) are `id`. */
  plain(value: unknown, alias: string): unknown {
    if (!this.spend()) return value
    const column = fieldsOf(value, 'ColumnRef')
    if (column !== undefined) {
      const parts = listOf(column['fields'])
      const qualified = parts.length > 1 && namesOf(parts).at(-2) === alias
      return qualified ? { ColumnRef: { fields: parts.slice(-1) } } : value
    }
    const expression = fieldsOf(value, 'A_Expr')
    if (expression?.['kind'] !== 'AEXPR_OP') return value
    const { lexpr, rexpr } = expression
    const neutral = neutrals[operatorOf(expression) ?? '']
    if (neutral === undefined || lexpr === undefined) return value
    this.#draft.literalsMatter = true
    if (neutral.right.includes(constantOf(rexpr) as never)) return this.plain(lexpr, alias)
    if (neutral.left.includes(constantOf(lexpr) as never)) return this.plain(rexpr, alias)
    return value
  }

  #cast(fields: Tree): Value | undefined {
    const inner = this.fold(fields['arg'])
    const type = isTree(fields['typeName'])
      ? namesOf(fields['typeName']['names']).at(-1)
      : undefined
    if (type === 'bool') return truthOf(inner)
    return type === 'text' && typeof inner === 'string' ? inner : undefined
  }

  #coalesce(fields: Tree): Value | undefined {
    for (const each of listOf(fields['args'])) {
      const value = this.fold(each)
      if (value !== null) return value
    }
    return null
  }

  #boolean(fields: Tree): Value | undefined {
    const values = listOf(fields['args']).map(each => truthOf(this.fold(each)))
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

/** What leaves the other side as it is. */
const neutrals: Readonly<
  Record<string, { readonly left: readonly Value[]; readonly right: readonly Value[] }>
> = {
  '+': { left: [0], right: [0] },
  '-': { left: [], right: [0] },
  '*': { left: [1], right: [1] },
  '/': { left: [], right: [1] },
  '||': { left: [''], right: [''] },
}

/** The operator's name when it is a built-in one. */
function operatorOf(expression: Tree): string | undefined {
  const parts = namesOf(expression['name'])
  return parts.length > 1 && parts[0] !== 'pg_catalog' ? undefined : parts.at(-1)
}

export function truthOf(value: Value | undefined): boolean | null | undefined {
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
