// What a statement does with values, in a small relational algebra: where columns come from, what is made of them,
// what they are compared with and where they go. No dialect, no catalog: names stand as written, and are resolved
// later (resolve.ts). Literals are left out, so texts that differ in them share one plan.
import type { ComparedValue } from '#model'
import type { RelationName } from '../analysis.ts'

export type Expression =
  /** A literal, a parameter, the time: no value of a table. */
  | { readonly kind: 'constant' }
  /** What the compiler does not know: anything may be in it. */
  | { readonly kind: 'unknown' }
  /** What an earlier statement left in a variable of the session: of it nothing is known. */
  | { readonly kind: 'carried' }
  /** It is put into a variable of the session on the way (`@v := a`). */
  | { readonly kind: 'kept'; readonly by: string; readonly of: Expression }
  /** `a`, `t.a`, `s.t.a`. A name alone may be a whole row, `t.a` a function of one. */
  | { readonly kind: 'column'; readonly path: readonly string[] }
  /** `t.*` where one value stands: the whole row. */
  | { readonly kind: 'row'; readonly path: readonly string[] }
  | {
      readonly kind: 'made'
      readonly how: 'transformed' | 'aggregate'
      readonly of: readonly Expression[]
    }
  /** The number of rows, or of values. `chosen`: FILTER and the like, which decide what is counted. */
  | {
      readonly kind: 'count'
      readonly of: readonly Expression[]
      readonly distinct: boolean
      readonly chosen: readonly Condition[]
      readonly window: readonly Expression[]
      readonly name: RelationName
    }
  | Call
  /** Whether it can be made at all tells of its values: it may fail, or have a number of rows. */
  | { readonly kind: 'asked'; readonly of: Expression }
  /** The same where it is not a column's value, whole and alone. */
  | { readonly kind: 'partly'; readonly of: Expression }
  /** A value, and what is asked besides. */
  | { readonly kind: 'beside'; readonly value: Expression; readonly of: readonly Expression[] }
  /** A cast to a type that is not built in. */
  | { readonly kind: 'cast'; readonly to: RelationName; readonly of: Expression }
  | { readonly kind: 'field'; readonly of: Expression; readonly name: string }
  | SubQuery

export interface Call {
  readonly kind: 'call'
  readonly name: RelationName
  /**
   * `safe`: a built-in that has no effect and reads no table by name, unless a user's function hides it. `plain`: it has
   * an effect, but what it answers tells nothing of its arguments (nextval). `other`: anything.
   */
  readonly trust: 'safe' | 'plain' | 'other'
  readonly how: 'transformed' | 'aggregate'
  readonly of: readonly Expression[]
  /** Order and filter of an aggregate. */
  readonly order: readonly Expression[]
  readonly filter: readonly Condition[]
  /** PARTITION BY and ORDER BY. */
  readonly window: readonly Expression[]
}

export interface SubQuery {
  readonly kind: 'query'
  readonly query: Query
  /** `scalar`: its value; `array`: all of them; `test`: only whether there is one, or one that fits (EXISTS, IN). */
  readonly as: 'scalar' | 'array' | 'test'
  /** What is held against its values (IN, ANY). */
  readonly beside: readonly Expression[]
  /** Which of its columns; 0 but for `SET (a, b) = (SELECT ...)`. */
  readonly at: number
}

/** A part of WHERE, ON, HAVING. `equality`: `value` is a column, held against what the statement says itself. */
export interface Condition {
  readonly use: 'equality' | 'condition' | 'join' | 'conflict'
  readonly value: Expression
  /** Only when values were asked for: what it is held against; undefined when that cannot be told. */
  readonly against?: readonly (ComparedValue['value'] | undefined)[]
  /** An equality with a number, or with what may be bound to one: plain only for a column that holds numbers. */
  readonly number?: 'literal' | 'bound' | undefined
}

/** `star`: `*`, `t.*`. `fields`: `(x).*`. */
export type Target =
  /** `name`: a query where it is that of its first column; empty: the expression's own text. */
  | { readonly kind: 'value'; readonly name: string | Query; readonly value: Expression }
  | { readonly kind: 'star'; readonly path: readonly string[] }
  | { readonly kind: 'fields'; readonly of: Expression }

/** Of ORDER BY, GROUP BY, DISTINCT ON: an expression, which may be an output's name, or the number of an output. */
export type Key = Expression | { readonly kind: 'output'; readonly at: number }

export interface Cte {
  readonly name: string
  readonly query: Query
  readonly columns: readonly string[]
  /** Columns that SEARCH and CYCLE add, made of others. `ends`: a value of theirs that comes again ends the rows. */
  readonly extra: readonly {
    readonly name: string
    readonly of: readonly string[]
    readonly ends: boolean
  }[]
}

export interface With {
  readonly recursive: boolean
  readonly ctes: readonly Cte[]
}

interface Clauses {
  readonly with?: With
  readonly order: readonly Key[]
  readonly limits: readonly Expression[]
}

export interface Select extends Clauses {
  readonly kind: 'select'
  readonly from: readonly FromItem[]
  readonly targets: readonly Target[]
  readonly where: readonly Condition[]
  readonly group: readonly Key[]
  readonly having: readonly Condition[]
  readonly windows: readonly Expression[]
  readonly distinct: boolean
  readonly distinctOn: readonly Key[]
}

export interface SetOperation extends Clauses {
  readonly kind: 'set'
  /** UNION ALL: no row is held against another. */
  readonly all: boolean
  readonly parts: readonly Query[]
}

export interface Values extends Clauses {
  readonly kind: 'values'
  readonly rows: readonly (readonly Expression[])[]
}

export interface Assignment {
  readonly column: string
  readonly value: Expression
  /** Of several relations that are written to: which one, by its alias. */
  readonly of?: string | undefined
}

/** RETURNING: its targets, and the names of the row before and after. */
export interface Returning {
  readonly targets: readonly Target[]
  readonly rows: readonly string[]
}

export interface WriteTarget {
  readonly relation: RelationName
  readonly alias: string | undefined
  readonly columns: readonly string[]
}

interface Write {
  readonly with?: With
  readonly target: WriteTarget
  readonly returning: Returning
}

export interface Insert extends Write {
  readonly kind: 'insert'
  /** Empty: all of the target's, in order. */
  readonly columns: readonly string[]
  /** Undefined: DEFAULT VALUES. */
  readonly source: Query | undefined
  readonly conflict: Conflict | undefined
}

/** ON CONFLICT. */
export interface Conflict {
  /** The columns that are unique; `any`: it does not say which. */
  readonly on: readonly Condition[] | 'any'
  /** What its expressions see besides the target. */
  readonly sees?: readonly FromItem[]
  readonly assignments: readonly Assignment[]
  readonly where: readonly Condition[]
}

/** UPDATE and DELETE. */
export interface Change extends Write {
  readonly kind: 'change'
  readonly verb: string
  readonly from: readonly FromItem[]
  readonly assignments: readonly Assignment[]
  readonly where: readonly Condition[]
  /** More relations that are written to. An assignment without `of` goes to each of all that may have the column. */
  readonly also?: readonly WriteTarget[]
  /** ORDER BY and LIMIT: which rows are changed. */
  readonly order?: readonly Key[]
  readonly limits?: readonly Expression[]
}

export interface MergeAction {
  readonly condition: readonly Condition[]
  readonly assignments: readonly Assignment[]
  /** INSERT: by position where `columns` is empty. */
  readonly insert:
    | { readonly columns: readonly string[]; readonly values: readonly Expression[] }
    | undefined
}

export interface Merge extends Write {
  readonly kind: 'merge'
  readonly source: FromItem
  readonly on: readonly Condition[]
  readonly actions: readonly MergeAction[]
}

export type Query =
  | Select
  | SetOperation
  | Values
  | Insert
  | Change
  | Merge
  | { readonly kind: 'unknown' }

/** How what stands in FROM, and its columns, are called from here on. */
export interface Alias {
  readonly alias: string | undefined
  readonly columns: readonly string[]
}

export interface FunctionCall {
  readonly value: Expression
  /** What its columns are called; undefined: how many there are cannot be told from the name. */
  readonly columns: readonly string[] | undefined
  /** One column, which takes the alias for its name. */
  readonly single: boolean
}

export type FromItem =
  | ({
      readonly kind: 'relation'
      readonly relation: RelationName
      /** It holds values of other relations, which no column of its own stands for. */
      readonly opaque: boolean
      readonly sample: readonly Expression[]
    } & Alias)
  | ({ readonly kind: 'query'; readonly query: Query; readonly lateral: boolean } & Alias)
  | ({
      readonly kind: 'function'
      readonly calls: readonly FunctionCall[]
      readonly ordinality: boolean
    } & Alias)
  | ({
      readonly kind: 'join'
      readonly left: FromItem
      readonly right: FromItem
      readonly using: readonly string[] | 'natural'
      readonly usingAlias: string | undefined
      readonly on: readonly Condition[]
    } & Alias)
  | { readonly kind: 'unknown' }

/** Of a table that is there. What is not given stays: then it only loses its parents. */
export interface Renaming {
  readonly kind: 'renamed'
  readonly relation: RelationName
  readonly by: string
  readonly column?: { readonly from: string; readonly to: string }
  readonly name?: string
  readonly schema?: string
}

/** A whole statement. */
export type Plan =
  /** `shown`: its rows are the answer. Otherwise it is only named or defined here (DECLARE, PREPARE, a view). */
  | { readonly kind: 'query'; readonly query: Query; readonly shown: boolean }
  /** Its rows go into a new relation, a file or a program. */
  | { readonly kind: 'kept'; readonly plan: Plan; readonly by: string }
  /** `runs`: EXPLAIN ANALYZE. */
  | { readonly kind: 'explained'; readonly plan: Plan; readonly runs: boolean }
  /** CALL. */
  | { readonly kind: 'called'; readonly call: Expression }
  /** A table's columns are found under other names from then on: what is known of columns goes by name. */
  | Renaming
  /** Nothing moves; the answer has so many columns, of no table's values. */
  | { readonly kind: 'fixed'; readonly width: number }
  /** Stands for another statement (EXECUTE, FETCH): its lineage takes this one's place. */
  | { readonly kind: 'named' }
  | { readonly kind: 'unknown' }
