// Catalogs that hold values of other tables, other people's statements, or secrets. Reading them is
// `administer`: whoever may read every table may still not read these.
import type { RelationName } from '../analysis.ts'

const catalogs: ReadonlySet<string> = new Set([
  // samples of column values
  'pg_statistic',
  'pg_statistic_ext_data',
  'pg_stats',
  'pg_stats_ext',
  'pg_stats_ext_exprs',
  // texts of statements, with their literals
  'pg_stat_activity',
  'pg_stat_statements',
  // passwords and connection strings
  'pg_authid',
  'pg_shadow',
  'pg_user_mapping',
  'pg_user_mappings',
  'pg_subscription',
  'pg_stat_wal_receiver',
  // the server's files
  'pg_hba_file_rules',
  'pg_ident_file_mappings',
  'pg_file_settings',
  'pg_config',
  // large objects, by page
  'pg_largeobject',
  // settings of roles and databases can hold anything
  'pg_db_role_setting',
])

const informationSchema: ReadonlySet<string> = new Set([
  'user_mapping_options',
  'foreign_server_options',
  '_pg_user_mappings',
  '_pg_foreign_servers',
])

export function sensitiveRelations({ schema, name }: RelationName): boolean {
  if (schema === 'information_schema') return informationSchema.has(name)
  // Long values of every table, in pieces.
  if (schema === 'pg_toast') return true
  if (name === 'pg_stat_statements') return true
  return (schema === undefined || schema === 'pg_catalog') && catalogs.has(name)
}
