// Relations of the server itself that hold values of tables, other people's statements, or secrets. Reading them is
// `administer`. What is listed is known to hold none; whatever else stands in the server's own databases counts as sensitive.
import type { RelationName } from '../analysis.ts'
import { alike, foldedName, isBeyondAscii } from '../lineage/index.ts'

const information: ReadonlySet<string> = new Set(
  `
  administrable_role_authorizations all_plugins applicable_roles character_sets check_constraints
  collation_character_set_applicability collations column_privileges columns columns_extensions enabled_roles engines
  events files geometry_columns key_column_usage key_period_usage keywords optimizer_costs parameters partitions periods plugins
  referential_constraints resource_groups role_column_grants role_routine_grants role_table_grants routines
  schema_privileges schemata schemata_extensions sequences spatial_ref_sys sql_functions st_geometry_columns
  st_spatial_reference_systems st_units_of_measure statistics table_constraints table_constraints_extensions
  table_privileges tables tables_extensions tablespaces triggers user_privileges view_routine_usage view_table_usage views
`.match(/\w+/g),
)

const ofMysql: ReadonlySet<string> = new Set(
  `
  help_category help_keyword help_relation help_topic time_zone time_zone_leap_second time_zone_name
  time_zone_transition time_zone_transition_type
`.match(/\w+/g),
)

const systemDatabases: ReadonlySet<string> = new Set([
  'information_schema',
  'mysql',
  'performance_schema',
  'sys',
])

/** As the server spells it. (Where names of databases have no case, `İ` is `i`.) */
function systemDatabase(name: string): string | undefined {
  const lower = foldedName(name)
  if (systemDatabases.has(lower)) return lower
  return isBeyondAscii(lower) ? [...systemDatabases].find(each => alike(each, lower)) : undefined
}

export function isSystemDatabase(name: string | undefined): boolean {
  return name !== undefined && systemDatabase(name) !== undefined
}

/** `database`: the default one. */
export function isSensitive({ schema, name }: RelationName, database: string | undefined): boolean {
  const place = systemDatabase(schema ?? database ?? '')
  if (place === undefined) return false
  const lower = foldedName(name)
  if (place === 'information_schema') return !information.has(lower)
  return place !== 'mysql' || !ofMysql.has(lower)
}
