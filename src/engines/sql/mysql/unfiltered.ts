// Does a condition narrow the rows that are written? In doubt it says no: what does not depend on a row's values takes all
// rows or none, and what is true of (almost) any value narrows nothing.
import type { Draft } from '../draft.ts'
import { folded } from './names.ts'
import { isTree, listOf, type Tree, textOf, typeOf, wordOf, wordsOf } from './syntax-tree.ts'

/** `tables`: with the conditions of their joins. */
export function narrowsNothing(
  tables: readonly unknown[],
  selection: unknown,
  draft: Draft,
): boolean {
  const condition = new Condition(draft, tables)
  if (selection !== undefined && selection !== null && !condition.always(selection)) return false
  return joinConditions(tables).every(each => condition.always(each))
}

/** Those of inner joins. */
function joinConditions(tables: readonly unknown[]): readonly unknown[] {
  const found: unknown[] = []
  for (const table of tables) {
    for (const join of listOf(isTree(table) ? table['joins'] : undefined)) {
      const operator = isTree(join) ? join['join_operator'] : undefined
      const type = typeOf(operator)
      if (type !== 'Join' && type !== 'Inner') continue
      const constraint = isTree(operator) ? operator[type] : undefined
      if (typeOf(constraint) === 'On' && isTree(constraint)) found.push(constraint['On'])
      // Rows of one that are alike in the other.
      else if (typeOf(constraint) === 'Using') found.push(NARROW)
    }
  }
  return found
}

const NARROW = { IsNull: { Identifier: { value: 'x' } } }

const comparisons: ReadonlySet<string> = new Set([
  'Eq',
  'Spaceship',
  'Lt',
  'LtEq',
  'Gt',
  'GtEq',
  'NotEq',
])
/** True of a value and itself. */
const reflexive: ReadonlySet<string> = new Set(['Eq', 'Spaceship', 'LtEq', 'GtEq'])
const predicates =
  /^(find_in_set|instr|isnull|json_contains|json_contains_path|json_overlaps|locate|regexp_instr|regexp_like|st_\w+|mbr\w+)$/

class Condition {
  readonly #draft: Draft
  readonly #tables: ReadonlySet<string>
  readonly #several: boolean

  constructor(draft: Draft, tables: readonly unknown[]) {
    this.#draft = draft
    const names: string[] = []
    tableNames(tables, names)
    this.#tables = new Set(names)
    this.#several = names.length > 1
  }

  #same(one: unknown, other: unknown): boolean {
    return sameColumns(one, other, this.#several)
  }

  always(value: unknown): boolean {
    return this.#judge(value, true)
  }

  /** True when it is `wanted` for (almost) every row, or the same for all of them. */
  #judge(value: unknown, wanted: boolean): boolean {
    const type = typeOf(value) ?? ''
    const held = isTree(value) ? value[type] : undefined
    if (columnsOf(value).size === 0 && type !== 'Exists') {
      const truth = this.#truth(value)
      return truth === undefined || truth === wanted
    }
    if (type === 'Nested') return this.#judge(held, wanted)
    if (!isTree(held)) return true
    if (type === 'BinaryOp') return this.#binary(held, wanted)
    if (type === 'UnaryOp' && held['op'] === 'Not') return this.#judge(held['expr'], !wanted)
    if (type === 'IsNull' || type === 'IsNotNull') {
      return (type === 'IsNotNull') === wanted && !isColumn(held)
    }
    if (type === 'IsTrue' || type === 'IsNotFalse') return this.#judge(held, wanted)
    if (type === 'IsFalse' || type === 'IsNotTrue') return this.#judge(held, !wanted)
    const positive = (held['negated'] === true) !== wanted
    if (type === 'InList') return positive ? this.#inList(held) : false
    if (type === 'Between') {
      const both = [held['low'], held['high']]
      return positive && both.every(each => this.#same(held['expr'], each))
    }
    if (type === 'Like' || type === 'RLike') return positive && this.#pattern(held)
    if (type === 'InSubquery' || type === 'Exists') return positive && this.#subquery(held)
    if (type === 'AnyOp' || type === 'AllOp' || type === 'MatchAgainst') return false
    if (type === 'MemberOf') return false
    if (type === 'Function') return !isPredicate(held)
    if (type === 'Case') return this.#case(held, wanted)
    // A value that counts as true unless it is 0 or NULL.
    return true
  }

  #binary(held: Tree, wanted: boolean): boolean {
    const { left, right } = held
    const op = textOf(held['op']) ?? ''
    if (op === 'And' || op === 'Or') {
      const every = (op === 'And') === wanted
      const sides = [left, right].map(each => this.#judge(each, wanted))
      if (every) return sides.every(Boolean)
      return sides.some(Boolean) || complements(left, right, this.#several)
    }
    if (!comparisons.has(op)) return true
    if (this.#same(left, right)) return wanted ? reflexive.has(op) || !isColumn(left) : true
    return false
  }

  #inList(held: Tree): boolean {
    return listOf(held['list']).some(each => this.#same(held['expr'], each))
  }

  #pattern(held: Tree): boolean {
    this.#draft.literalsMatter = true
    const text = literalOf(held['pattern'])
    // A pattern that is computed may be any.
    if (text === undefined) return columnsOf(held['pattern']).size > 0
    return /^[%_.*^$+?()|]*$/.test(String(text)) && !/^_+$/.test(String(text))
  }

  /** `id IN (SELECT id FROM t)`, EXISTS of the very table. */
  #subquery(held: Tree): boolean {
    const query = held['subquery']
    const body = isTree(query) ? query['body'] : undefined
    const select = isTree(body) ? body['Select'] : undefined
    if (!isTree(select)) return true
    const names: string[] = []
    tableNames(listOf(select['from']), names)
    const same = names.some(name => this.#tables.has(name))
    const narrowed = select['selection'] !== undefined || select['having'] !== undefined
    return same ? true : !narrowed
  }

  #case(held: Tree, wanted: boolean): boolean {
    const results = listOf(held['conditions']).map(each =>
      isTree(each) ? each['result'] : undefined,
    )
    if (held['else_result'] === undefined) return false
    return [...results, held['else_result']].every(each => this.#judge(each, wanted))
  }

  /** Of what depends on no row; undefined: not known. */
  #truth(value: unknown): boolean | undefined {
    this.#draft.literalsMatter = true
    const type = typeOf(value)
    if (!isTree(value) || type === undefined) return undefined
    const held = value[type]
    if (type === 'Nested') return this.#truth(held)
    if (type === 'Value') {
      const literal = literalOf(value)
      if (literal === null) return false
      if (typeof literal === 'boolean') return literal
      if (typeof literal !== 'string') return undefined
      const number = Number.parseFloat(literal)
      return !Number.isNaN(number) && number !== 0
    }
    if (!isTree(held)) return undefined
    if (type === 'UnaryOp' && held['op'] === 'Not') {
      const inner = this.#truth(held['expr'])
      return inner === undefined ? undefined : !inner
    }
    if (type !== 'BinaryOp') return undefined
    const op = textOf(held['op'])
    if (op === 'And' || op === 'Or') {
      const sides = [this.#truth(held['left']), this.#truth(held['right'])]
      if (sides.some(each => each === (op === 'Or'))) return op === 'Or'
      return sides.some(each => each === undefined) ? undefined : op === 'And'
    }
    const [left, right] = [literalOf(held['left']), literalOf(held['right'])]
    if (typeof left !== 'string' || typeof right !== 'string') return undefined
    const [one, other] = [Number(left), Number(right)]
    // Only where they are plainly two numbers.
    if (left === '' || right === '' || Number.isNaN(one) || Number.isNaN(other)) {
      return op === 'Eq' && left === right ? true : undefined
    }
    if (op === 'Eq') return one === other
    if (op === 'NotEq') return one !== other
    if (op === 'Lt') return one < other
    return op === 'Gt' ? one > other : undefined
  }
}

function isPredicate(held: Tree): boolean {
  const words = wordsOf(held['name'])
  return words?.length === 1 && predicates.test(folded(words[0]?.text ?? ''))
}

/** `x OR NOT x`, `x IS NULL OR x IS NOT NULL`, `x = 1 OR x <> 1`: what speaks of the same columns may cover all. */
function complements(left: unknown, right: unknown, several: boolean): boolean {
  const nulls = (value: unknown): string | undefined => {
    const type = typeOf(value)
    return type === 'IsNull' || type === 'IsNotNull' ? type : undefined
  }
  const negated = (value: unknown): boolean => {
    const type = typeOf(value) ?? ''
    const held = isTree(value) ? value[type] : undefined
    if (!isTree(held)) return false
    if (type === 'Nested') return negated(held)
    if (type === 'UnaryOp') return held['op'] === 'Not'
    return (
      held['negated'] === true ||
      (type === 'BinaryOp' && held['op'] !== 'Eq' && comparisons.has(String(held['op'])))
    )
  }
  if (!sameColumns(left, right, several)) return false
  if (nulls(left) !== undefined && nulls(right) !== undefined) return nulls(left) !== nulls(right)
  return negated(left) !== negated(right)
}

function isColumn(value: unknown): boolean {
  const type = typeOf(value)
  if (type === 'Nested' && isTree(value)) return isColumn(value['Nested'])
  return type === 'Identifier' || type === 'CompoundIdentifier'
}

function sameColumns(one: unknown, other: unknown, several: boolean): boolean {
  const [ours, theirs] = [columnsOf(one, several), columnsOf(other, several)]
  return ours.size > 0 && ours.size === theirs.size && [...ours].every(each => theirs.has(each))
}

/** The columns that an expression speaks of, by their own names; where there are `several` tables with those of theirs. */
function columnsOf(
  value: unknown,
  several = false,
  found = new Set<string>(),
): ReadonlySet<string> {
  if (Array.isArray(value)) {
    for (const each of value) columnsOf(each, several, found)
    return found
  }
  if (!isTree(value)) return found
  for (const field in value) {
    const held = value[field]
    if (field === 'Identifier') {
      const word = wordOf(held)
      if (word !== undefined && (word.quoted || !word.text.startsWith('@'))) {
        found.add(folded(word.text))
      }
    } else if (field === 'CompoundIdentifier') {
      const words = wordsOf(held) ?? []
      const name = (several ? words.slice(-2) : words.slice(-1)).map(({ text }) => folded(text))
      found.add(name.join('.'))
    } else if (field !== 'name' && field !== 'span') columnsOf(held, several, found)
  }
  return found
}

/** NULL is null; undefined for what is no literal. */
function literalOf(value: unknown): string | boolean | null | undefined {
  const outer = isTree(value) ? value['Value'] : undefined
  const held = isTree(outer) ? outer['value'] : undefined
  if (held === 'Null') return null
  const type = typeOf(held)
  const inner = isTree(held) && type !== undefined ? held[type] : undefined
  if (type === 'Boolean') return inner === true
  if (type === 'Number') return textOf(listOf(inner)[0])
  return type === 'SingleQuotedString' ? textOf(inner) : undefined
}

function tableNames(value: unknown, found: string[]): void {
  if (Array.isArray(value)) {
    for (const each of value) tableNames(each, found)
    return
  }
  if (!isTree(value)) return
  for (const field in value) {
    const held = value[field]
    if (field === 'Table' && isTree(held)) {
      const name = wordsOf(held['name'])?.at(-1)?.text
      if (name !== undefined) found.push(folded(name))
    } else if (field !== 'span') tableNames(held, found)
  }
}
