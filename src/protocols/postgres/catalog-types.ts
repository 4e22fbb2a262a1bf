// What a resource's catalog tells: relations, columns, where a column's values come from, and which
// types hold text. The shapes only; catalog.ts reads them from the server and catalog-snapshot.ts answers.
import type { DefinitionLog, Names, RelationName, ResolvedRoutine } from '#engines/sql'
import type { ColumnName } from '#model'

export type RelationKind = 'table' | 'view' | 'materialized view' | 'foreign table' | 'sequence'

export interface CatalogRelation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** `schema.name`, as in `TargetObject.name`; a part with a dot or a quote in it stands in double quotes. */
  readonly object: string
  readonly kind: RelationKind
  /** Names of the live columns, in order. */
  readonly columns: readonly string[]
}

export interface CatalogColumn {
  /** The relation's own column: the first name that a data class may match. */
  readonly own: ColumnName
  readonly typeOid: number
  /**
   * All columns that the value may come from, `own` first: the same column of parents and of children (inheritance,
   * partitions: reading a parent reads its children's rows), the column a view shows, or, for a view's expression, the columns in it (every one that the view reads, where that cannot be told);
   * transitively. `all` when that cannot be told (the view calls a function of a user).
   */
  readonly sources: readonly ColumnName[] | 'all'
  /**
   * `same`: the value is that of each source (a table's column, a view's plain column).
   * `computed`: some expression over `sources`; treat it as the most sensitive of them.
   */
  readonly shape: 'same' | 'computed'
}

/**
 * How a type carries text.
 * `whole`: the value is text; a mask can take its place (text, varchar, bpchar, name, citext, "char", domains over them).
 * `within`: text is inside a larger form (json, jsonb, xml, arrays, composites, hstore, tsvector, ranges): a mask of the
 * whole must be NULL; detectors may scan the text format (and json in both formats: its bytes are the same).
 * `none`: numbers, times, uuid, bool, bytea, enums, oid aliases: a mask must be NULL, and there is nothing to scan.
 */
export type TextForm = 'whole' | 'within' | 'none'

/** The catalog of one resource and database, shared by its sessions. Every answer is from one snapshot. */
export interface Catalog {
  /** Grows with each snapshot: answers kept by a caller are stale when it changed. */
  readonly version: number
  relation(oid: number): CatalogRelation | undefined
  /** Undefined for an unknown relation or column, and for attnum 0 (whole row). */
  column(oid: number, attnum: number): CatalogColumn | undefined
  /** The same by name, for COPY and for expanding what a statement may derive from. */
  columnOf(object: string, column: string): CatalogColumn | undefined
  /** `columns` and all that they may come from (`CatalogColumn.sources`), without duplicates. */
  expand(columns: readonly ColumnName[] | 'all'): readonly ColumnName[] | 'all'
  textForm(typeOid: number): TextForm
  /** Columns of all relations but the server's own, `most` at most: for lists. */
  listed(most: number): readonly ColumnName[]
  /** What runs when a value of the type comes in: the checks of a user's domain. */
  typeCode(typeOid: number): readonly ResolvedRoutine[]
  /**
   * The relations that a name may mean. With a known path (as SET search_path has it): those on it, pg_catalog and
   * temporary ones included. `undefined`: all of that name. Several when several are on the path: judge each.
   */
  resolve(name: RelationName, searchPath: readonly string[] | undefined): readonly CatalogRelation[]
  /** For `toStatement`; of the present snapshot (`version`), so ask again when that changes. */
  names(searchPath: readonly string[] | undefined): Names
  /** The search path of a fresh session of this credential, as the server reports it. */
  readonly searchPath: readonly string[] | undefined
  /**
   * Marks the snapshot as stale (after DDL on relations of these names; all when not told) without waiting; the next
   * `refresh` or `fresh` reads again.
   */
  invalidate(names?: readonly string[] | 'all'): void
  /** What its sessions have changed, and are changing. */
  readonly definitions: DefinitionLog
  /** True while a definition has changed that was not read yet. */
  readonly changing: boolean
  /** Whether what is known of relations of the name may be old: for all sessions, not only the one that changed it. */
  mayHaveChanged(name: string): boolean
  /** Resolves when the snapshot is no older than its invalidation and 5 minutes; cheap when it is fresh. Throws Unavailable('catalog_unavailable'). */
  fresh(): Promise<void>
  /**
   * Reads again because a statement names relations that are not there: somebody may have made them past the gateway.
   * Undefined when they were looked for a moment ago. Throws Unavailable('catalog_unavailable').
   */
  lookFor(names: readonly string[]): Promise<void> | undefined
  /** Reads again now; calls that come while one runs share the next. Throws Unavailable('catalog_unavailable'). */
  refresh(): Promise<void>
}
