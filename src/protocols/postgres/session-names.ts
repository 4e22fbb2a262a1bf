// The names that a session has made: prepared statements (of the protocol and of SQL: one namespace), portals,
// and cursors of SQL. Knows what they stand for, so that EXECUTE and FETCH are judged as what they run.
import type { Analysis, SqlStatement } from '#engines/sql'
import { NameTable } from './name-table.ts'
import { type Portal, Prepared } from './prepared.ts'

/** More of them than any client needs; a bound on what a session makes us remember. */
const MOST_NAMES = 10_000

interface Cursor {
  readonly statement: SqlStatement
  readonly text: string
  /** WITH HOLD: it outlives its transaction. */
  readonly held: boolean
  /** The scope that its names were resolved in: it reads these relations whatever they mean later. */
  readonly scope: string
  readonly judgedAt: number | undefined
}

export interface Named {
  readonly statement: SqlStatement
  readonly text: string
  /** Of a cursor: `Scope.key` when it was made. */
  readonly scope?: string
  /** ... and how many definitions had been changed when its query was judged. */
  readonly judgedAt?: number | undefined
}

/** True when the names of the session are other ones once the statement has run. */
export function changesNames(statement: SqlStatement): boolean {
  return (
    statement.prepares !== undefined ||
    statement.deallocates !== undefined ||
    statement.declares !== undefined ||
    statement.closes !== undefined ||
    statement.settings.some(({ name }) => name === 'all')
  )
}

export class SessionNames {
  readonly prepared = new NameTable<Prepared>()
  readonly portals = new NameTable<Portal>()
  readonly #cursors = new Map<string, Cursor>()

  get full(): boolean {
    return this.prepared.size + this.portals.size + this.#cursors.size >= MOST_NAMES
  }

  /** What `EXECUTE name` would run now; undefined when that cannot be told. */
  executed(name: string, segment: number): Named | undefined {
    const known = this.prepared.find(name, segment)
    if (known === 'unsettled' || known === undefined) return undefined
    const statement = known.analysis.statements[0]
    return statement === undefined ? undefined : { statement, text: known.text }
  }

  /** What `FETCH FROM name` would read; undefined for cursors that we did not see declared. */
  fetched(name: string): Named | undefined {
    // A portal of the extended protocol is a cursor too: FETCH would run it without its Execute.
    return this.portals.has(name) ? undefined : this.#cursors.get(name)
  }

  /** A Close of that portal was sent: a cursor of SQL of that name is a portal too. */
  portalClosed(name: string): void {
    this.#cursors.delete(name)
  }

  /** A statement of `text` has run; `scope`: `Scope.key` then. */
  ran(statement: SqlStatement, text: string, scope: string, judgedAt?: number): void {
    const { prepares, deallocates, declares, closes } = statement
    if (prepares !== undefined) {
      const analysis: Analysis = { readable: true, statements: [prepares.statement] }
      this.prepared.set(prepares.name, new Prepared(text, analysis, []))
    }
    if (deallocates !== undefined) {
      if (deallocates.name === undefined) this.prepared.clear()
      else this.prepared.delete(deallocates.name)
    }
    if (declares !== undefined) {
      const { cursor, statement: query, held } = declares
      // Cursors and portals are one namespace: what a portal of that name was, Execute would not run any more.
      this.portals.delete(cursor)
      this.#cursors.set(cursor, { statement: query, text, held, scope, judgedAt })
    }
    if (closes !== undefined) {
      if (closes.cursor === undefined) {
        this.#cursors.clear()
        this.portals.clear()
      } else {
        this.#cursors.delete(closes.cursor)
        this.portals.delete(closes.cursor)
      }
    }
    // DISCARD ALL closes cursors and drops prepared statements; RESET ALL does not.
    if (
      statement.verb.startsWith('DISCARD') &&
      statement.settings.some(({ name }) => name === 'all')
    ) {
      this.prepared.clear()
      this.#cursors.clear()
    }
  }

  /** The upstream is out of any transaction: portals and cursors without HOLD are gone. */
  transactionEnded(): void {
    this.portals.clear()
    if (this.#cursors.size === 0) return
    for (const [name, cursor] of this.#cursors) if (!cursor.held) this.#cursors.delete(name)
  }
}
