// The names that a session has made: statements of PREPARE, and temporary tables. Knows what EXECUTE stands for, and which
// names mean something that no catalog shows.
import type { MysqlAnalysis, SqlStatement } from '#engines/sql'

/** Texts of named statements together, in characters: of the oldest it is forgotten what they stand for. */
const MOST_NAMED_TEXT = 16 << 20
/** After so many names of temporary tables any name may be one. */
const MOST_SHADOWS = 10_000

const none: readonly never[] = []

/** What PREPARE gave a name. */
interface Named {
  readonly text: string
  readonly statement: SqlStatement
  readonly database: string | undefined
}

export class SessionNames {
  readonly #prepared = new Map<string, Named>()
  /**
   * Names of temporary tables that this session made, in whatever database, and how many at most: no catalog shows what is
   * in them.
   */
  readonly #shadows = new Map<string, number>()
  #anyShadow = false

  /** Names may mean temporary tables of this session: what the catalog says of them does not hold for it. */
  get hasShadows(): boolean {
    return this.#anyShadow || this.#shadows.size > 0
  }

  isShadow(name: string): boolean {
    return this.#anyShadow || this.#shadows.has(name.toLowerCase())
  }

  /** A temporary table of the session may have that object's name. */
  mayBeTemporary(object: string): boolean {
    if (!this.hasShadows) return false
    // (A name may have dots itself.)
    for (let dot = object.indexOf('.'); dot !== -1; dot = object.indexOf('.', dot + 1))
      if (this.isShadow(object.slice(dot + 1))) return true
    return false
  }

  /** What EXECUTE of that name would run; undefined when that cannot be told. */
  prepared(name: string): Named | undefined {
    return this.#prepared.get(keyOf(name))
  }

  /**
   * The text is over, whole or in part: names that it gave or took in `database` mean something else from now on. `whole`: all of it ran, and
   * no code but its own; `warned`: the server did not do all of it. Otherwise, and where it cannot be told in which database, no prepared name is known any more.
   */
  ran(
    { statements }: MysqlAnalysis,
    text: string,
    database: string | undefined,
    whole: boolean,
    warned: boolean,
  ): void {
    for (const { executes, shadows, uncovers = none } of statements) {
      if (executes === undefined && shadows.length === 0 && uncovers.length === 0) continue
      const run = executes === undefined ? undefined : this.prepared(executes.name)
      for (const name of [...shadows, ...(run?.statement.shadows ?? [])])
        this.#shadow(name.toLowerCase())
      // (What was not there to be dropped is warned of, or an error.)
      if (whole && !warned) for (const name of uncovers) this.#uncover(name.toLowerCase())
    }
    if (!whole || (statements.length > 1 && statements.some(({ verb }) => verb === 'USE'))) {
      this.#prepared.clear()
      return
    }
    for (const { prepares, deallocates } of statements) {
      if (prepares !== undefined) {
        this.#prepared.set(keyOf(prepares.name), {
          text,
          statement: prepares.statement,
          database,
        })
      }
      if (deallocates?.name !== undefined) this.#prepared.delete(keyOf(deallocates.name))
    }
    if (this.#prepared.size > 0) this.#bound()
  }

  /** The server forgot all that the session had. */
  forget(): void {
    this.#prepared.clear()
    this.#shadows.clear()
    this.#anyShadow = false
  }

  #bound(): void {
    let length = 0
    for (const named of this.#prepared.values()) length += named.text.length
    for (const [name, named] of this.#prepared) {
      if (length <= MOST_NAMED_TEXT) return
      this.#prepared.delete(name)
      length -= named.text.length
    }
  }

  #shadow(name: string): void {
    const many = this.#shadows.get(name)
    if (many !== undefined || this.#shadows.size < MOST_SHADOWS)
      this.#shadows.set(name, (many ?? 0) + 1)
    else this.#anyShadow = true
  }

  /** One that was there is gone: another database may still have one of that name. */
  #uncover(name: string): void {
    const many = this.#shadows.get(name) ?? 0
    if (many > 1) this.#shadows.set(name, many - 1)
    else this.#shadows.delete(name)
  }
}

/** Names of prepared statements have no case. */
function keyOf(name: string): string {
  return name.toLowerCase()
}
