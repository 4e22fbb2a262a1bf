// Which names mean which relation at one level of a query: CTEs, aliases, and columns found so far.
// A name that may belong to several relations is given to each of them; the catalog sorts it out later.
import { type Draft, type DraftOperation, distinct, Refusal } from './draft.ts'

interface Reference {
  readonly alias: string
  /** Undefined for what is no relation: a sub-query, a CTE, a function. */
  readonly operation: DraftOperation | undefined
}

/** Bounds names × relations: a text of a megabyte could ask for billions. */
const MOST_NAMES = 200_000

export class Scope {
  /** CTEs are looked up here next. */
  readonly parent: Scope | undefined
  /** Columns that this level does not know may be of that one. */
  readonly outer: Scope | undefined
  locking: boolean
  readonly #references: Reference[] = []
  readonly #ctes: string[] = []
  readonly #names: string[] = []
  readonly #qualified: (readonly [alias: string, name: string])[] = []
  readonly #starred: string[] = []
  readonly #joinAliases: string[] = []
  #star = false

  constructor(parent: Scope | undefined, outer: Scope | undefined) {
    this.parent = parent
    this.outer = outer
    this.locking = parent?.locking ?? false
  }

  addCte(name: string): void {
    this.#ctes.push(name)
  }

  /** True when an unqualified name means a CTE here. */
  hides(name: string): boolean {
    return this.#ctes.includes(name) || (this.parent?.hides(name) ?? false)
  }

  refer(alias: string, operation: DraftOperation | undefined): void {
    this.#references.push({ alias, operation })
    if (operation !== undefined && this.locking && !operation.flags.includes('locking')) {
      operation.flags.push('locking')
    }
  }

  /** An alias of a whole join: its columns are those of any relation in it. */
  referJoin(alias: string): void {
    this.#joinAliases.push(alias)
  }

  column(name: string): void {
    this.#names.push(name)
  }

  qualifiedColumn(alias: string, name: string): void {
    this.#qualified.push([alias, name])
  }

  everyColumn(alias?: string): void {
    if (alias === undefined) this.#star = true
    else this.#starred.push(alias)
  }

  /** Called once, when the level has been walked: gives each name to the relations that may have it. */
  settle(draft: Draft): void {
    for (const [alias, name] of this.#qualified) this.#settleQualified(draft, alias, name)
    for (const alias of this.#starred) this.#settleStar(alias)
    const { outer } = this
    const names = distinct(this.#names)
    for (const { operation } of this.#references) {
      if (operation === undefined) continue
      draft.names += names.length
      if (draft.names > MOST_NAMES) {
        throw new Refusal('statement_too_large', 'the statement names too many columns')
      }
      for (const name of names) operation.columns.push(name)
      if (this.#star) operation.star = true
    }
    if (outer !== undefined) {
      draft.names += names.length
      for (const name of names) outer.column(name)
    }
  }

  #settleQualified(draft: Draft, alias: string, name: string): void {
    let known = false
    for (const each of this.#references) {
      if (each.alias !== alias) continue
      known = true
      if (each.operation === undefined) draft.attributes.push(name)
      else each.operation.qualified.push(name)
    }
    if (this.#joinAliases.includes(alias)) {
      known = true
      this.#names.push(name)
    }
    if (known) return
    if (this.outer === undefined) this.#names.push(name)
    else this.outer.qualifiedColumn(alias, name)
  }

  #settleStar(alias: string): void {
    let known = false
    for (const each of this.#references) {
      if (each.alias !== alias) continue
      known = true
      if (each.operation !== undefined) each.operation.star = true
    }
    if (known) return
    if (this.#joinAliases.includes(alias) || this.outer === undefined) this.#star = true
    else this.outer.everyColumn(alias)
  }
}
