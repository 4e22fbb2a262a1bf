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
  'foreign_data_wrapper_options',
  '_pg_user_mappings',
  '_pg_foreign_servers',
])

/** Columns of catalogs that are harmless otherwise: settings of roles, options of foreign servers, values of all settings. */
const columns: Readonly<Record<string, readonly string[]>> = {
  pg_roles: ['rolconfig'],
  pg_user: ['useconfig'],
  pg_foreign_server: ['srvoptions'],
  pg_foreign_data_wrapper: ['fdwoptions'],
  pg_settings: ['setting', 'boot_val', 'reset_val', 'sourcefile'],
}

/** True when the read of a relation, given what is read of it, needs `administer`. */
export function readsSensitiveColumns(
  { schema, name }: RelationName,
  star: boolean,
  read: readonly string[],
): boolean {
  if (schema !== undefined && schema !== 'pg_catalog') return false
  const sensitive = Object.hasOwn(columns, name) ? columns[name] : undefined
  return sensitive !== undefined && (star || read.some(column => sensitive.includes(column)))
}

/** Extensions that keep texts of statements, or secrets. */
const ofExtensions: ReadonlySet<string> = new Set([
  'pg_stat_statements',
  'pg_stat_monitor',
  'pg_show_plans',
])
const secretSchemas: Readonly<Record<string, readonly string[]>> = {
  cron: ['job', 'job_run_details'],
  vault: ['secrets', 'decrypted_secrets'],
  pgagent: ['pga_jobstep', 'pga_jobsteplog'],
}

export function sensitiveRelations({ schema, name }: RelationName): boolean {
  if (schema === 'information_schema') return informationSchema.has(name)
  // Long values of every table, in pieces.
  if (schema === 'pg_toast') return true
  if (ofExtensions.has(name)) return true
  if (schema !== undefined && Object.hasOwn(secretSchemas, schema)) {
    return secretSchemas[schema]?.includes(name) === true
  }
  return (schema === undefined || schema === 'pg_catalog') && catalogs.has(name)
}

/** Columns of catalogs that hold values of any table, or what somebody wrote in a statement. */
const values: Readonly<Record<string, RegExp>> = {
  pg_statistic: /^stavalues/,
  pg_statistic_ext_data: /^stxd(mcv|expr)$/,
  pg_stats: /_(vals|elems|bounds|histogram)$/,
  pg_stats_ext: /_vals$|^exprs$/,
  pg_stats_ext_exprs: /_(vals|elems|bounds|histogram)$|^expr$/,
  pg_largeobject: /^data$/,
  pg_stat_activity: /^query$/,
}

/** True when a value of any column of the database may stand in this one. */
export function holdsAnyValue(name: string, column: string): boolean {
  return Object.hasOwn(values, name) && values[name]?.test(column) === true
}
