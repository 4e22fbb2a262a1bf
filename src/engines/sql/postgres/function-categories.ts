// What sort of thing a function does that is not on the list of harmless ones, by its name.
import type { SqlCategory } from '../categories.ts'

const sorts: readonly (readonly [RegExp, SqlCategory])[] = [
  [
    /^(pg_read_|pg_ls_|pg_stat_file$|pg_current_logfile$|lo_import$|lo_export$|pg_hba_file_rules$|pg_ident_file_mappings$|pg_show_all_file_settings$|pg_config$|pg_relation_filepath$)/,
    'file_program',
  ],
  // A query, a table, a cursor, a large object or what others wrote, by a text or a number: what is read cannot be told.
  [
    /(_to_xml|^ts_stat$|^ts_rewrite$|^lo_|^loread$|^lowrite$|^currtid|^pg_logical_slot_|^pg_mcv_list_items$)/,
    'unknown',
  ],
  [/^(current_setting|set_config|pg_show_all_settings)$/, 'settings'],
  [/^pg_(try_)?advisory_/, 'read_lock'],
  [/^(nextval|setval)$/, 'write_row'],
  [/^pg_notify$/, 'network'],
]

/** Of pg_catalog: what is none of these looks into the server or steers it. */
export function categoryOfBuiltIn(name: string): SqlCategory {
  return sorts.find(([pattern]) => pattern.test(name))?.[1] ?? 'admin_fn'
}

/** Functions of extensions that open connections of their own. */
const connects = /^(dblink|http_|net_http|http$|postgres_fdw_|pg_background)/

/** Of users and extensions, by the last part of the name; the catalog may know better. */
export function categoryOfForeign(name: string): SqlCategory {
  return connects.test(name) ? 'network' : 'unknown'
}
