// What a resource's catalog tells of names and columns. The shapes only, and what holds where no catalog was read.
import {
  type ColumnOrigins,
  DefinitionLog,
  type MysqlReading,
  type Names,
  type RelationName,
} from '#engines/sql'
import type { ColumnName, Statement } from '#model'

/** The catalog of one resource, shared by its sessions. Every answer is from one snapshot. */
export interface Catalog extends ColumnOrigins {
  /** Grows with each snapshot: answers kept by a caller are stale when it changed. */
  readonly version: number
  /** How the server that it was read from reads texts. */
  readonly server: Omit<MysqlReading, 'database'>
  /** Columns of tables and views, `most` at most, without those of the system itself. */
  listed(most: number): readonly ColumnName[]
  /** For `toStatement`; `database`: where unqualified names are looked for. */
  names(database: string | undefined): Names
  /** The same statement, its columns with all that they come from (views, generated columns). */
  expanded(statement: Statement): Statement
  /** A transaction can undo what is written to that relation. */
  undoes(object: string): boolean
  /** Definitions were changed, by whatever session, that were not read since: who depends on it waits for `fresh`. */
  readonly stale: boolean
  /** What its sessions have changed, and are changing: objects' names in lower case. */
  readonly definitions: DefinitionLog
  /** All relations that a view reads, those of views in it too; undefined where that cannot be told. */
  shownBy(view: string): readonly string[] | undefined
  /** Definitions were changed: they are read again before the next answer of `fresh`. */
  invalidate(): void
  /** Whether the snapshot has what such a name means. */
  knows(relation: RelationName, database: string | undefined): boolean
  /** Resolves when the snapshot is no older than its invalidation and 5 minutes. Throws Unavailable. */
  fresh(): Promise<void>
}

/** Names stand as they are written; `fold`: names of tables have no case on that server. */
export function unreadCatalog(fold: boolean): Catalog {
  return {
    version: 0,
    stale: false,
    server: { flavour: 'mysql', version: 80_400 },
    listed: () => [],
    definitions: new DefinitionLog(),
    shownBy: () => undefined,
    undoes: () => false,
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
    knows: () => true,
    invalidate() {},
    fresh: async () => {},
  }
}
