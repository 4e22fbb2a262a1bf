// Comparisons that hold for every row, whatever is in it: with itself, with the least there is, with a pattern that
// everything fits.
import { type Constants, truthOf } from './constants.ts'
import type { TargetRows } from './target-rows.ts'
import { constantOf, fieldsOf, listOf, namesOf, type Tree, textOf, typeOf } from './tree.ts'

export class Comparisons {
  readonly #rows: TargetRows
  readonly #constants: Constants
  readonly #judge: (value: unknown, wanted: boolean) => boolean

  /** `judge`: whether a condition has that truth for every row. */
  constructor(
    rows: TargetRows,
    constants: Constants,
    judge: (value: unknown, wanted: boolean) => boolean,
  ) {
    this.#rows = rows
    this.#constants = constants
    this.#judge = judge
  }

  /** True when it has that truth for every row. */
  always(fields: Tree, wanted: boolean): boolean {
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
    if (kind === 'AEXPR_OP' && holds.has(name) && this.#rows.same(lexpr, rexpr)) return true
    if (kind === 'AEXPR_NOT_DISTINCT') return wanted && this.#rows.same(lexpr, rexpr)
    if (kind === 'AEXPR_DISTINCT') {
      if (this.#rows.same(lexpr, rexpr)) return !wanted
      return wanted && constantOf(rexpr) === null
    }
    if (/^AEXPR_(I?LIKE|SIMILAR)$/.test(kind) || likes.has(name)) {
      const negated = name.startsWith('!')
      return (
        wanted !== negated && (this.#matchesAll(rexpr, /^%+$/) || this.#rows.same(lexpr, rexpr))
      )
    }
    if (kind === 'AEXPR_OP' && (name === '~' || name === '~*')) {
      return wanted && this.#matchesAll(rexpr, /^\^?(\.\*)?\$?$/)
    }
    if (kind === 'AEXPR_IN' || kind === 'AEXPR_OP_ANY') {
      if (name !== '=' || !wanted) return false
      return this.#elements(rexpr).some(each => this.#rows.same(lexpr, each))
    }
    if (kind.startsWith('AEXPR_BETWEEN')) {
      return wanted && this.#elements(rexpr).every(each => this.#rows.same(lexpr, each))
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
      if (!isBooleanNode(rest) || this.#rows.concern(side)) continue
      const value = truthOf(this.#constants.fold(side))
      if (typeof value === 'boolean') return { value, other: rest }
    }
    return undefined
  }

  /** `x > 1 OR x <= 1`, `x = 1 OR x <> 1`. */
  covers(one: Tree, other: Tree | undefined): boolean {
    if (other === undefined || one['kind'] !== other['kind']) return false
    const opposite = opposites[namesOf(one['name']).at(-1) ?? '']
    if (opposite === undefined || !opposite.includes(namesOf(other['name']).at(-1) ?? ''))
      return false
    return (
      this.#rows.same(one['lexpr'], other['lexpr']) && this.#rows.same(one['rexpr'], other['rexpr'])
    )
  }

  /** `starts_with(name, '')`. */
  startsWithNothing(fields: Tree): boolean {
    const [, prefix] = listOf(fields['args'])
    return (
      namesOf(fields['funcname']).at(-1) === 'starts_with' && this.#constants.fold(prefix) === ''
    )
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
