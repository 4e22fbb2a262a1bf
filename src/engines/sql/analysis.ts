// What is known of a text before any catalog is asked: names as written. Knows no connection, no catalog.
import type { Action, ComparedValue, Flag, ReasonCode } from '#model'
import type { SqlCategory } from './categories.ts'
import type { Plan } from './lineage/index.ts'

/** A relation as written: unquoted, folded. A database name in front (`db.schema.table`) is dropped. */
export interface RelationName {
  readonly schema: string | undefined
  readonly name: string
}

/** A text that is refused. `position` counts characters from 1, as the server's own errors do. */
export interface Unreadable {
  readonly readable: false
  readonly code: ReasonCode
  /** Fit for the client: PostgreSQL's own words, or ours. */
  readonly message: string
  readonly position?: number
}

/** Immutable, and shared by texts that differ only in literals that do not matter. */
export interface Analysis {
  readonly readable: true
  /** Empty for a text of blanks and comments. */
  readonly statements: readonly SqlStatement[]
}

/** One operation, its object by the name that the text gives it. */
export interface RawOperation {
  readonly action: Action
  readonly verb: string
  /** The relation that is touched, to be resolved by `Names`. */
  readonly relation?: RelationName
  /** Another object (a function, a schema, ...), named as written; `pg_catalog.x` for built-in functions. */
  readonly object?: { readonly name: string; readonly kind: string }
  /** Names that may be columns of the relation (an unqualified name may belong to another one). */
  readonly columns: readonly string[]
  /** Names that the text says are columns of this very relation (`c.ssn`). */
  readonly qualified: readonly string[]
  /** All columns are touched (`*`, whole row, COPY without a list). */
  readonly star: boolean
  readonly flags: readonly Flag[]
  readonly category: SqlCategory
}

/** A change of a setting. `value` undefined: reset, or not known before it runs. */
export interface SettingChange {
  /** Lower case; `all` for RESET ALL and DISCARD ALL. */
  readonly name: string
  /** For search_path: identifiers, quoted where they must be, joined by `, `. */
  readonly value: string | undefined
  readonly local: boolean
}

export interface CopyOptions {
  readonly delimiter: string
  readonly nullText: string
  readonly quote: string
  readonly escape: string
  readonly header: boolean
  readonly forceQuote: readonly string[] | 'all'
}

export interface CopyShape {
  readonly direction: 'in' | 'out'
  /** Not there when rows come from a query. */
  readonly relation?: RelationName
  /** The columns in wire order; undefined: all of the relation, or those of the query. */
  readonly columns: readonly string[] | undefined
  readonly format: 'text' | 'csv' | 'binary'
  readonly options: CopyOptions
  readonly query: boolean
  readonly to: 'stdout' | 'stdin' | 'file' | 'program'
}

export type TransactionVerb =
  | 'begin'
  | 'commit'
  | 'rollback'
  | 'savepoint'
  | 'release'
  | 'rollback_to'
  | 'prepare_transaction'

export interface SqlStatement {
  /** `SELECT`, `DROP TABLE`, ... */
  readonly verb: string
  /** Never empty. */
  readonly operations: readonly RawOperation[]
  /** Functions that are called: built-in ones bare, others as written. */
  readonly functions: readonly string[]
  /** Those of `functions` that are taken for built-in ones though the text does not say pg_catalog. */
  readonly presumedBuiltIn: readonly string[]
  /** Operators that are taken for built-in ones though the text does not say pg_catalog. */
  readonly operators: readonly string[]
  /** Types not built in that values are cast to. */
  readonly castsTo: readonly RelationName[]
  /** Names read as `alias.name` of a sub-query or function: a column of it, or a function of its row. */
  readonly attributes: readonly string[]
  /** Every column name mentioned anywhere; `all` when `*`, a whole row or anything unclear appears. */
  readonly columnNames: readonly string[] | 'all'
  /** What it does with values, for `toStatement` to resolve. */
  readonly plan: Plan
  /** About what the plan costs to keep. */
  readonly planNodes: number
  readonly settings: readonly SettingChange[]
  /**
   * Unqualified relation names that mean something else in this session from now on: temporary
   * relations hide those of every schema, and renaming gives one a new name. No catalog snapshot shows them.
   */
  readonly shadows: readonly string[]
  /** Names of temporary tables that it takes away, and of no others. */
  readonly uncovers?: readonly string[]
  readonly transaction?: TransactionVerb
  /** The name that SAVEPOINT, RELEASE and ROLLBACK TO give. */
  readonly savepoint?: string
  readonly copy?: CopyShape
  readonly prepares?: { readonly name: string; readonly statement: SqlStatement }
  readonly executes?: {
    readonly name: string
    /** Its arguments, when values were asked for; undefined where it is no literal. */
    readonly given?: readonly (ComparedValue['value'] | undefined)[]
  }
  /** `name` undefined: all of them. */
  readonly deallocates?: { readonly name: string | undefined }
  /** `held`: it outlives its transaction. */
  readonly declares?: {
    readonly cursor: string
    readonly statement: SqlStatement
    readonly held: boolean
  }
  /** FETCH and MOVE. */
  readonly fetches?: { readonly cursor: string }
  /** CLOSE; `cursor` undefined: all of them. */
  readonly closes?: { readonly cursor: string | undefined }
  /** How many INSERT, UPDATE, DELETE and MERGE are in it, those in WITH included: a tag counts one. */
  readonly modifications: number
  /** Set on plain EXPLAIN: what `executes` names is only shown. */
  readonly explainOnly: boolean
  /** The catalog snapshot is stale once this has run. */
  readonly changesCatalog: boolean
  readonly returnsRows: boolean
  /** The file of the client that the server asks for when it runs, as it names it. */
  readonly clientFile?: string
}
