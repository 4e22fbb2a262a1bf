// The key words of the grammar: MariaDB 10.11's own list (information_schema.KEYWORDS; each was tried as a name), and MySQL 8's.

/** No names without quotes, unless behind a dot. */
export const reservedWords: ReadonlySet<string> = new Set(
  `
  accessible add all alter analyze and as asc asensitive before between bigint binary blob both by call cascade
  case change char character check collate column condition constraint continue convert create cross
  current_date current_role current_time current_timestamp current_user cursor databases day_hour
  day_microsecond day_minute day_second dec decimal declare default delayed delete desc describe deterministic
  distinct distinctrow div double drop dual each else elseif enclosed escaped except exists exit explain false
  fetch float float4 float8 for force foreign from fulltext grant group having high_priority hour_microsecond
  hour_minute hour_second if ignore in index infile inner inout insensitive insert int int1 int2 int3 int4 int8
  integer intersect interval into is iterate join key keys kill leading leave left like limit linear lines load
  localtime localtimestamp lock long longblob longtext loop low_priority master_demote_to_replica
  master_demote_to_slave master_ssl_verify_server_cert match maxvalue mediumblob mediumint mediumtext middleint
  minute_microsecond minute_second mod modifies natural no_write_to_binlog not null numeric offset on optimize
  optionally or order out outer outfile over page_checksum parse_vcol_expr partition portion precision primary
  procedure purge range read read_write reads real recursive ref_system_id references regexp release rename
  repeat replace require resignal restrict return returning revoke right rlike row_number rows schemas
  second_microsecond select sensitive separator set show signal smallint spatial specific sql sql_big_result
  sql_calc_found_rows sql_small_result sqlexception sqlstate sqlwarning ssl starting stats_auto_recalc
  stats_persistent stats_sample_pages straight_join table terminated then tinyblob tinyint tinytext to trailing
  trigger true undo union unique unlock unsigned update usage use using utc_date utc_time utc_timestamp values
  varbinary varchar varcharacter varying when where while with write xor year_month zerofill
`.match(/\w+/g),
)

/** May be names too. */
export const keyWords: ReadonlySet<string> = new Set(
  `
  grouping lateral
  account action admin after against aggregate algorithm always any array ascii at atomic authors auto
  auto_increment autoextend_size avg avg_row_length backup begin bernoulli binlog bit block body bool boolean
  btree buckets byte cache cascaded catalog_name chain changed channel charset checkpoint checksum cipher
  class_origin client clob clone close coalesce code collation column_add column_check column_create
  column_delete column_get column_name columns comment commit committed compact completion components compressed
  concurrent connection consistent constraint_catalog constraint_name constraint_schema contains context
  contributors cpu cube current current_pos cursor_name cycle data database datafile date datetime datetime2 day
  deallocate definer definition delay_key_write des_key_file diagnostics directory disable discard disk do
  dumpfile duplicate dynamic elsif empty enable end ends enforced engine engines enum error errors escape event
  events every examined exception exchange exclude execute expansion expire export extended extent_size
  failed_login_attempts fast faults federated fields file first fixed flush following follows format found full
  function general generated geomcollection geometry get get_format get_master_public_key global goto grants
  groups gtid_only handler hard hash help histogram history host hosts hour id identified ignore_server_ids
  ignored immediate import inactive increment indexes initial initial_size initiate insert_method install
  invisible invoker io io_thread ipc isolation isopen issuer json json_table json_value key_block_size keyring
  language last last_value lastval leaves less level library linestring list local locked locks logfile logs
  manual master master_connect_retry master_delay master_gtid_pos master_heartbeat_period master_host
  master_log_file master_log_pos master_password master_port master_server_id master_ssl master_ssl_ca
  master_ssl_capath master_ssl_cert master_ssl_cipher master_ssl_crl master_ssl_crlpath master_ssl_key
  master_use_gtid master_user max_connections_per_hour max_queries_per_hour max_rows max_size max_statement_time
  max_updates_per_hour max_user_connections medium member memory merge message_text microsecond migrate min_rows
  minus minute minvalue mode modify monitor month multilinestring multipoint multipolygon mutex mysql
  mysql_errno name names national nchar nested never next nextval no no_wait nocache nocycle nodegroup
  nomaxvalue nominvalue none notfound nowait ntile nulls number nvarchar of oj old old_password one online only
  open option optional options ordinality organization others overlaps owner pack_keys package page parallel
  parse_tree parser partial partitioning partitions password path period persist persist_only persistent phase
  plugin plugins point polygon port precedes preceding prepare preserve prev previous privilege_checks_user
  privileges process processlist profile profiles proxy qualify quarter query quick raise random raw read_only
  rebuild recover redo_buffer_size redofile redundant reference register relay relay_log_file relay_log_pos
  relay_thread relaylog reload remove reorganize repair repeatable replay replica replica_pos replicas
  replication reset respect restart restore resume returned_sqlstate returns reuse reverse role rollback rollup
  routine row row_count row_format rowcount rownum rowtype rtree s3 savepoint schedule schema schema_name second
  secondary secondary_engine security sequence serial serializable server session setval share shutdown signed
  simple skip slave slave_pos slaves slow snapshot socket soft some soname sounds source sql_buffer_result
  sql_cache sql_no_cache sql_thread sql_tsi_day sql_tsi_hour sql_tsi_minute sql_tsi_month sql_tsi_quarter
  sql_tsi_second sql_tsi_week sql_tsi_year srid stage start starts statement status stop storage stored stream
  string subclass_origin subject subpartition subpartitions super suspend swaps switches sysdate system
  system_time table_checksum table_name tables tablesample tablespace temporary temptable text than
  thread_priority threads ties time timestamp timestampadd timestampdiff transaction transactional triggers
  truncate type unbounded uncommitted undefined undo_buffer_size undofile unicode uninstall unknown unregister
  until upgrade url use_frm user user_resources value varchar2 variables vcpu versioning via view virtual
  visible wait warnings week weight_string window within without work wrapper x509 xa xml year
`.match(/\w+/g),
)

const units =
  'microsecond second minute hour day week month quarter year second_microsecond minute_microsecond minute_second hour_microsecond hour_second hour_minute day_microsecond day_second day_minute day_hour year_month'
/** Functions that have a grammar of their own. */
export const grammarFunctions: ReadonlySet<string> = new Set([
  'cast',
  'ceil',
  'extract',
  'floor',
  'position',
  'substr',
  'substring',
  'trim',
])

/** Of INTERVAL. */
export const intervalUnits: ReadonlySet<string> = new Set(units.split(' '))

/**
 * Before their bracket no blank may stand: with one, the server takes `count (x)` for a function of a user (IGNORE_SPACE is off).
 */
export const touchingFunctions: ReadonlySet<string> = new Set(
  `
  adddate bit_and bit_or bit_xor cast count cume_dist curdate curtime date_add date_sub dense_rank extract first_value
  group_concat json_arrayagg json_objectagg lag lead max median mid min now nth_value ntile percentile_cont
  percentile_disc percent_rank position rank row_number session_user st_collect std stddev stddev_pop stddev_samp subdate substr
  substring sum sysdate system_user trim variance var_pop var_samp
`.match(/\w+/g),
)
