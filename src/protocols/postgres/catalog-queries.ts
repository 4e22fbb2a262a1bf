// What we ask a server about its catalog, and how its answers are spelled. Texts only; they run on our own
// connection, read-only, with nothing but pg_catalog on the search path, and with our own time limit.

/** Before the search path is narrowed: what a fresh session of this credential has. */
export const SESSION = `SELECT pg_catalog.current_setting('search_path'), current_user`

export const BEGIN =
  "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = pg_catalog; SET LOCAL statement_timeout = '60s'"

/** Between columns, and the escape for what a name could hold of either. */
export const COLUMN_SEPARATOR = '\u0001'
export function unescapeName(text: string): string {
  return text.replaceAll('\u0002a', '\u0001').replaceAll('\u0002b', '\u0002')
}

/** oid, schema, name, kind, columns: `ATTNUM TYPE NAME` each. */
export const RELATIONS = `
SELECT c.oid, n.nspname, c.relname, c.relkind,
  (SELECT string_agg(a.attnum || ' ' || a.atttypid || ' '
     || replace(replace(a.attname::text, chr(2), chr(2) || 'b'), chr(1), chr(2) || 'a'), chr(1) ORDER BY a.attnum)
   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname NOT LIKE 'pg\\_toast%'`

/** child, parent. */
export const PARENTS = `
SELECT i.inhrelid, i.inhparent FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE c.relkind IN ('r', 'p', 'f') ORDER BY i.inhrelid, i.inhseqno`

/** oid, name (of pg_catalog, else empty), typtype, category, base type, element type. Composites need no entry. */
export const TYPES = `
SELECT t.oid, CASE WHEN n.nspname = 'pg_catalog' OR t.typname = 'citext' THEN t.typname ELSE '' END,
  t.typtype, t.typcategory, t.typbasetype,
  CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_type e ON e.oid = t.typelem
WHERE t.typtype <> 'c' AND NOT (t.typcategory = 'A' AND coalesce(e.typtype, 'c') = 'c')`

export const USER_VIEWS = `c.relkind IN ('v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')`

/** Built-in functions that read tables, sessions or files by a text or a number: what they answer has no origin. */
export const READERS = `
SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'pg_catalog'
  AND p.proname ~ '(_to_xml|^ts_stat$|^ts_rewrite$|^pg_read_|^lo_|^loread$|^pg_stat_get_activity$|^pg_get_|^pg_logical_)'`

/** view, `RELATION ATTNUM` of all that its rule rests on, or `f` for a function that is not built in. */
export const VIEW_DEPENDENCIES = `
SELECT r.ev_class, string_agg(DISTINCT CASE WHEN d.refclassid = 'pg_class'::regclass
    THEN d.refobjid || ' ' || d.refobjsubid ELSE 'f' END, ',')
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.deptype = 'n'
WHERE ${USER_VIEWS} AND r.rulename = '_RETURN'
  AND ((d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class)
    OR (d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) AND d.refobjid >= 16384))
GROUP BY 1`

/** view, its rule's node tree: none over 1 MiB, and no more than 64 MiB in all (the others count as computed). */
export const VIEW_RULES = `
SELECT v.ev_class, v.tree FROM (
  SELECT r.ev_class, r.ev_action::text AS tree,
    sum(octet_length(r.ev_action::text)) OVER (ORDER BY octet_length(r.ev_action::text), r.ev_class) AS total
  FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE ${USER_VIEWS} AND r.rulename = '_RETURN' AND octet_length(r.ev_action::text) <= 1048576) v
WHERE v.total <= 67108864`

/** Generated columns: table, column, expression (a node tree). Asked by way of JSON: older servers have none. */
export const GENERATED = `
SELECT d.adrelid, d.adnum, CASE WHEN octet_length(d.adbin::text) <= 1048576 THEN d.adbin::text END
FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE to_jsonb(a) ->> 'attgenerated' <> ''`

/** Schemas that hold nothing of users. */
export const OF_USERS = `n.nspname NOT IN ('pg_catalog', 'information_schema')`

/** Schemas that this role may look into: a search path skips the others. */
export const SCHEMAS = `SELECT nspname FROM pg_namespace WHERE has_schema_privilege(oid, 'USAGE')`

export const END = 'COMMIT'
