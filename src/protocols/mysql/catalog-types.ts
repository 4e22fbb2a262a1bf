// What a resource's catalog tells of names and columns. The shapes only, and what holds where no catalog was read.
import type { ColumnOrigins, Names } from '#engines/sql'
import type { ColumnName, Statement } from '#model'

/** The catalog of one resource, shared by its sessions. Every answer is from one snapshot. */
export interface Catalog extends ColumnOrigins {
  /** Grows with each snapshot: answers kept by a caller are stale when it changed. */
  readonly version: number
  /** For `toStatement`; `database`: where unqualified names are looked for. */
  names(database: string | undefined): Names
  /** The same statement, its columns with all that they come from (views, generated columns). */
  expanded(statement: Statement): Statement
  /** All columns that the value of one comes from, itself first; `all` when that cannot be told; undefined: not known. */
  sourcesOf(column: ColumnName): readonly ColumnName[] | 'all' | undefined
  /** Definitions were changed: they are read again before the next answer of `fresh`. */
  invalidate(): void
  /** Resolves when the snapshot is no older than its invalidation and 5 minutes. Throws Unavailable. */
  fresh(): Promise<void>
}

/** Names stand as they are written; `fold`: names of tables have no case on that server. */
export function unreadCatalog(fold: boolean): Catalog {
  return {
    version: 0,
    names: database => ({
      resolve: ({ schema, name }) => {
        const within = schema ?? database
        const object = within === undefined ? name : `${within}.${name}`
        return [{ object: fold ? object.toLowerCase() : object, kind: 'table', columns: [] }]
      },
      ...(database === undefined ? {} : { creationSchema: database }),
    }),
    expanded: statement => statement,
    columnOf: () => undefined,
    sourcesOf: () => undefined,
    invalidate() {},
    fresh: async () => {},
  }
}
