// What calls do. Built-in functions are an allow-list, made from MariaDB's own (information_schema.SQL_FUNCTIONS, KEYWORDS) and
// MySQL's manual: whatever else is called is a function of a user, or of a library.
import type { Flag } from '#model'
import type { SqlCategory } from '../categories.ts'

/** They look at their arguments and at the clock; they change nothing and read no table, no file. */
const safe: ReadonlySet<string> = new Set(
  `
  abs acos add_months adddate addtime aes_decrypt aes_encrypt any_value ascii asin atan atan2 avg bin bin_to_uuid bit_and
  bit_count bit_length bit_or bit_xor cast ceil ceiling char char_length character_length charset chr coalesce coercibility
  collation column_add column_check column_create column_delete column_exists column_get column_json column_list compress
  concat concat_ws connection_id conv convert convert_tz cos cot count crc32 crc32c cume_dist curdate current_date
  current_role current_time current_timestamp current_user curtime database date date_add date_format date_sub datediff
  day dayname dayofmonth dayofweek dayofyear decode default degrees dense_rank des_decrypt des_encrypt elt encode encrypt
  exp export_set extract extractvalue field find_in_set first_value floor format format_bytes format_pico_time found_rows
  from_base64 from_days from_unixtime get_format greatest group_concat grouping hex hour if ifnull inet6_aton inet6_ntoa
  inet_aton inet_ntoa insert instr interval is_free_lock is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 is_used_lock is_uuid
  isnull json_array json_array_append json_array_insert json_arrayagg json_compact json_contains json_contains_path
  json_depth json_detailed json_equals json_exists json_extract json_insert json_keys json_length json_loose json_merge
  json_merge_patch json_merge_preserve json_normalize json_object json_objectagg json_overlaps json_pretty json_query
  json_quote json_remove json_replace json_schema_valid json_schema_validation_report json_search json_set
  json_storage_free json_storage_size json_type json_unquote json_valid json_value lag last_day last_insert_id last_value
  lcase lead least left length lengthb ln localtime localtimestamp locate log log10 log2 lower lpad ltrim make_set makedate
  maketime max md5 median microsecond mid min minute mod month monthname name_const natural_sort_key now nth_value ntile
  nullif nvl nvl2 oct octet_length old_password ord password percent_rank percentile_cont percentile_disc period_add
  period_diff pi point position pow power quarter quote radians rand random_bytes rank regexp_instr regexp_like
  regexp_replace regexp_substr repeat replace reverse right round row row_count row_number rpad rtrim schema schemas
  sec_to_time second session_user sformat sha sha1 sha2 sign sin soundex space sqrt statement_digest
  statement_digest_text std stddev stddev_pop stddev_samp str_to_date strcmp subdate substr substring substring_index
  subtime sum sys_guid sysdate system_user tan time time_format time_to_sec timediff timestamp timestampadd timestampdiff
  to_base64 to_char to_days to_seconds trim truncate ucase uncompress uncompressed_length unhex unix_timestamp updatexml
  upper user utc_date utc_time utc_timestamp uuid uuid_short uuid_to_bin validate_password_strength value values var_pop
  var_samp variance version week weekday weekofyear weight_string year yearweek
`.match(/\w+/g),
)

/** Of geometry: all compute. */
const geometry =
  /^(st_\w+|mbr\w+|geometrycollection|geomcollection|linestring|polygon|multipoint|multilinestring|multipolygon|geometry\w*|\w+from(text|wkb)|as(text|binary|wkb|wkt)|area|centroid|envelope|x|y|srid|startpoint|endpoint|numpoints|pointn)$/

export interface Effect {
  readonly category: SqlCategory
  readonly flags: readonly Flag[]
}

/** What built-in functions do besides computing. */
const effects: Readonly<Record<string, Effect>> = {
  benchmark: { category: 'admin_fn', flags: [] },
  sleep: { category: 'admin_fn', flags: [] },
  get_lock: { category: 'read_lock', flags: [] },
  release_all_locks: { category: 'read_lock', flags: [] },
  release_lock: { category: 'read_lock', flags: [] },
  load_file: { category: 'file_program', flags: ['server_files'] },
  master_gtid_wait: { category: 'admin_fn', flags: [] },
  master_pos_wait: { category: 'admin_fn', flags: [] },
  source_pos_wait: { category: 'admin_fn', flags: [] },
  wait_for_executed_gtid_set: { category: 'admin_fn', flags: [] },
  wait_until_sql_thread_after_gtids: { category: 'admin_fn', flags: [] },
  binlog_gtid_pos: { category: 'admin_fn', flags: [] },
  decode_histogram: { category: 'admin_fn', flags: [] },
  ps_current_thread_id: { category: 'admin_fn', flags: [] },
  ps_thread_id: { category: 'admin_fn', flags: [] },
}

/** They draw from or look at a sequence, which their argument names. */
export const sequenceFunctions: ReadonlySet<string> = new Set(['nextval', 'lastval', 'setval'])

/** Their first argument is a word of their own, no column. */
export const unitFirst: ReadonlySet<string> = new Set([
  'get_format',
  'timestampadd',
  'timestampdiff',
])

export function isSafeFunction(name: string): boolean {
  return safe.has(name) || geometry.test(name)
}

/** Undefined for a function of a user. */
export function effectOf(name: string): Effect | undefined {
  return Object.hasOwn(effects, name) ? effects[name] : undefined
}

/** Functions of libraries that run programs (lib_mysqludf_sys and its like). */
const programs = /^sys_(exec|eval|get|set|bineval)$/

export function categoryOfForeign(name: string): SqlCategory {
  return programs.test(name) ? 'file_program' : 'unknown'
}
