// What the catalog asks the server: standard views that both flavours have. What a credential may not see is not in them.

export const TABLES = `SELECT table_schema, table_name, table_type, engine FROM information_schema.tables
  WHERE table_schema <> 'performance_schema'`

export const COLUMNS = `SELECT table_schema, table_name, column_name, data_type, extra, generation_expression
  FROM information_schema.columns WHERE table_schema <> 'performance_schema'
  ORDER BY table_schema, table_name, ordinal_position`

export const VIEWS = `SELECT table_schema, table_name, view_definition FROM information_schema.views
  WHERE table_schema NOT IN ('performance_schema', 'sys')`

export const ROUTINES = `SELECT routine_schema, routine_name, routine_type, routine_definition, security_type, sql_mode
  FROM information_schema.routines`

export const PARAMETERS = `SELECT specific_schema, specific_name, routine_type, parameter_name
  FROM information_schema.parameters WHERE parameter_name IS NOT NULL`

export const TRIGGERS = `SELECT event_object_schema, event_object_table, trigger_name, event_manipulation,
    action_statement, sql_mode
  FROM information_schema.triggers`

/** Bounds of one reading, for each question: the server is not trusted. */
export const CATALOG_BOUNDS = { mostRows: 1_000_000, mostBytes: 256 << 20 }
