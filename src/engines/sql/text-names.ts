// What names mean as a text goes on: the path that it sets, relations that it makes, statements and cursors that it names.
import type { RelationName, SqlStatement } from './analysis.ts'
import type { LineageNames, Plan } from './lineage/index.ts'
import type { Names } from './names.ts'
import { lineageNames, settledPlan } from './statement-lineage.ts'

/** What a session knows besides its text. */
export interface SessionWords {
  /** What `Names` says of relations may have changed: where their values come from and go is unknown. */
  readonly catalogUnknown?: boolean
  /** Values are bound that are numbers, or may be: held against text they fit more than one. */
  readonly numbersBound?: boolean
  /** The statement that PREPARE (or Parse) gave the name; undefined when there is none. */
  prepared?(name: string): SqlStatement | undefined
  /** The query of an open cursor; undefined when there is none. */
  cursor?(name: string): SqlStatement | undefined
}

export class TextNames {
  #names: Names
  /** True once the path has changed in this text, and `Names` cannot follow. */
  #lost = false
  #pathChanged = false
  readonly #shadowed = new Set<string>()
  readonly #session: SessionWords
  readonly #prepared = new Map<string, SqlStatement>()
  /** With what names meant when it was made: it reads these relations whatever they mean later. */
  readonly #cursors = new Map<string, { readonly statement: SqlStatement; readonly names: Names }>()
  /** What names mean where the text begins: also to cursors that were there before it. */
  readonly #first: Names

  constructor(names: Names, session: SessionWords) {
    this.#names = this.#first = names
    this.#session = session
  }

  get now(): Names {
    return this.#names
  }

  /** What an unqualified name means can no longer be told. */
  isLost({ schema }: RelationName): boolean {
    return this.#lost && schema === undefined
  }

  /** It may be a relation that no catalog shows. */
  isShadowed({ schema, name }: RelationName): boolean {
    return schema === undefined && this.#shadowed.has(name)
  }

  /** What EXECUTE or FETCH stands for. */
  target({ executes, fetches }: SqlStatement): SqlStatement | undefined {
    if (executes !== undefined)
      return this.#prepared.get(executes.name) ?? this.#session.prepared?.(executes.name)
    if (fetches === undefined) return undefined
    return this.#cursors.get(fetches.cursor)?.statement ?? this.#session.cursor?.(fetches.cursor)
  }

  /** The statement's plan, with that of what it stands for in its place, and the names to resolve it by. */
  planned(statement: SqlStatement): { readonly plan: Plan; readonly names: LineageNames } {
    const isHidden = (name: string): boolean => this.#lost || this.#shadowed.has(name)
    const unread = this.#session.catalogUnknown === true
    // (What EXECUTE hands over may be of any type.)
    const numbers = this.#session.numbersBound === true || statement.executes !== undefined
    return {
      plan: settledPlan(statement, named => this.target(named)),
      names: lineageNames(this.#meantBy(statement), isHidden, unread, numbers),
    }
  }

  /** Does it with the names that the statement was made with: FETCH reads what its cursor was made over. */
  asMeantBy(statement: SqlStatement, run: () => void): void {
    const now = this.#names
    this.#names = this.#meantBy(statement)
    run()
    this.#names = now
  }

  /** Does it with a path of its own. Undefined: with the present one. */
  withPath(path: string | undefined, run: () => void): void {
    const [names, lost] = [this.#names, this.#lost]
    if (path !== undefined) {
      const own = names.withSearchPath?.(path)
      if (own === undefined) this.#lost = true
      else this.#names = own
    }
    run()
    if (path === undefined) return
    this.#names = names
    this.#lost = lost
  }

  /** Names of statements and cursors, relations that are made: for what comes after it in the text. */
  note(statement: SqlStatement): void {
    for (const name of statement.shadows) this.#shadowed.add(name)
    for (const each of statement.operations) {
      if (each.action === 'define' && each.relation !== undefined)
        this.#shadowed.add(each.relation.name)
    }
    const { prepares, declares } = statement
    if (prepares !== undefined) this.#prepared.set(prepares.name, prepares.statement)
    if (declares !== undefined) {
      this.#cursors.set(declares.cursor, { statement: declares.statement, names: this.#names })
    }
  }

  /** The path from here on; undefined: one that is not known. */
  turn(path: string | undefined): void {
    this.#pathChanged = true
    const names = this.#names.withSearchPath?.(path)
    if (names === undefined) this.#lost = true
    else this.#names = names
  }

  get pathChanged(): boolean {
    return this.#pathChanged
  }

  #meantBy({ fetches }: SqlStatement): Names {
    if (fetches === undefined) return this.#names
    return this.#cursors.get(fetches.cursor)?.names ?? this.#first
  }
}
