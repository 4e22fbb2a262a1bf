// What a catalog answers about names, for the resolution of a statement. Interfaces only; the protocol's side fills
// them from a snapshot.
import type { ColumnName } from '#model'
import type { RelationName } from './analysis.ts'
import type { NameRules } from './lineage/index.ts'
import type { Code } from './postgres/bodies.ts'

/** A function or procedure outside pg_catalog. */
export interface ResolvedRoutine {
  /** `schema.name`; overloads have the same. */
  readonly object: string
  /** SECURITY DEFINER: it runs with its owner's rights. */
  readonly definer: boolean
  /** What runs when it is called; read on demand, and kept. */
  readonly code: () => Code | 'unknown'
  /** Characters of its code: a bound on what one statement makes us read. */
  readonly size: number
  /** The search_path that it sets for itself, as `SettingChange.value` has it. */
  readonly path?: string
}

/** A rule of a relation, besides what makes a view a view. Names in its actions are qualified. */
export interface ResolvedRule {
  readonly event: 'INSERT' | 'UPDATE' | 'DELETE'
  readonly code: () => Code | 'unknown'
  readonly size: number
}

export interface ResolvedRelation {
  /** `schema.table`. */
  readonly object: string
  /** `table`, `view`, ... */
  readonly kind: string
  /** Empty: not known, so names of columns stand as written. */
  readonly columns: readonly string[]
  /** Columns that `*` passes over. They are none of `columns`. */
  readonly hidden?: readonly string[]
  /** Columns that hold numbers; without it that is not known. */
  readonly numeric?: ReadonlySet<string>
  /** For a view: base columns that its values come from. `all` when that is not known. */
  readonly derivesFrom?: readonly ColumnName[] | 'all'
  /** What runs when rows of it are written. */
  readonly rules?: readonly ResolvedRule[]
  /** Functions of users, in languages that users may write, that run when it is read: a view's, and those of casts. */
  readonly calls?: readonly ResolvedRoutine[]
  /** ... of these, those behind casts of its rows and columns: what is made of a value may be their answer. */
  readonly valueCalls?: readonly ResolvedRoutine[]
  /**
   * What its own definition runs on these occasions (bits of `occasion`): triggers, defaults, checks, row policies, and so on,
   * also of its children and of what a view shows. The relation's owner has said so, not who asks.
   */
  readonly ownCode?: (occasions: number) => readonly ResolvedRoutine[]
  /** Triggers of users fire when rows of it are written: what RETURNING shows may come from anywhere. */
  readonly triggers?: boolean
}

/** Resolves names as the server would, from a snapshot of its catalog. */
export interface Names {
  /** Several when the search path is not known; empty when there is no such relation. */
  resolve(relation: RelationName): readonly ResolvedRelation[]
  /**
   * Functions outside pg_catalog that a call of that name could reach, as `schema.name`. Without it a
   * call of a built-in name is taken for the built-in one, and others are named as written.
   */
  functions?(name: RelationName): readonly string[]
  /** The same with what they do; without it nothing is known of what a function of a user does. */
  routines?(name: RelationName): readonly ResolvedRoutine[]
  /** Functions behind operators of users of that name. Those in C and of the server are not told of. */
  operators?(name: RelationName): readonly ResolvedRoutine[]
  /** What any statement may run: functions behind casts of built-in types that the server applies unasked. */
  readonly unasked?: readonly ResolvedRoutine[]
  /** True when a cast to the type runs no code of a user (an enum, a composite or a domain without). Without it: never. */
  isPlainType?(type: RelationName): boolean
  /**
   * The names as they are once search_path has that value (as `SettingChange.value` has it); undefined: a
   * value that is not known, so every schema counts. Asked when a text changes the path and goes on.
   * Without it unqualified names after such a change are `dynamic`.
   */
  withSearchPath?(path: string | undefined): Names
  /** What names mean where that is not as in PostgreSQL: whose functions and system columns there are none of then. */
  readonly rules?: NameRules
  /** Where an unqualified new relation is made. */
  readonly creationSchema?: string
}
