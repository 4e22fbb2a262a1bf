// What names mean, where servers differ. All of it off is PostgreSQL.
export interface NameRules {
  /**
   * `a.b` is looked for further out when what is called `a` here has no such column, `db.a.b` finds an alias of a
   * relation of `db`, and whether `A` is `a` hangs on the server. A name is never a whole row, or a function of one.
   */
  readonly outward: boolean
  /** ORDER BY, GROUP BY, HAVING and sub-queries see the outputs of their query by name, also inside expressions. */
  readonly outputsByName: boolean
  /** USING takes its columns in the order of the first table, not in that of its list. */
  readonly usingByTable: boolean
}
