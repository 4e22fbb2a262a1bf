// The server's own databases. What stands in them is known by name: of whatever is not listed here no column is told, so
// that its values count as anybody's.

const described: ReadonlySet<string> = new Set(
  `
  applicable_roles character_sets check_constraints collation_character_set_applicability collations column_privileges
  columns enabled_roles engines events key_column_usage keywords parameters partitions plugins referential_constraints
  routines schema_privileges schemata sql_functions statistics table_constraints table_privileges tables triggers
  user_privileges views
`.match(/\w+/g),
)

const SYSTEM: ReadonlySet<string> = new Set([
  ...['information_schema', 'mysql', 'performance_schema', 'sys'],
])

/** Its relations hold no value of a table, no statement and no secret, or it is no database of the server's own. */
export function isTold(schema: string, name: string): boolean {
  const place = schema.toLowerCase()
  if (!SYSTEM.has(place)) return true
  return place === 'information_schema' && described.has(name.toLowerCase())
}

export function isSystem(schema: string): boolean {
  return SYSTEM.has(schema.toLowerCase())
}

/** Names of relations in it have no case, whatever the server does with others. */
export function foldsAlways(schema: string): boolean {
  return schema.toLowerCase() === 'information_schema'
}
