// What we ask a server so that an approver can see what a statement would do. Texts only; they run on a connection
// of our own, read-only, with nothing but pg_catalog on the search path, and with short limits.

/**
 * Every transaction of a look begins so: it cannot write, wait for a lock for long, or run for long. To compile our
 * questions would take ten times as long as to answer them.
 */
export const LOOK =
  "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL search_path = pg_catalog; SET LOCAL lock_timeout = '500ms'; SET LOCAL jit = off; "

export const READ_MS = 1_000
export const COUNT_MS = 500
/** standards: nobody waits for a plan longer. */
export const PLAN_MS = 2_000

export function limitedTo(ms: number): string {
  return `SET LOCAL statement_timeout = ${ms}`
}

/**
 * $1: JSON array of {object, schema, name}; $2: whether dependents are asked for.
 * object, oid, kind, estimated rows with those of children (null: never analysed), countable, whether a change of a
 * row sets off others (triggers, cascades), dependents.
 */
export const TABLES = `
SELECT x.object, c.oid, c.relkind,
  CASE WHEN c.relkind IN ('r', 'm', 'p', 'f') THEN (
    WITH RECURSIVE tree(oid) AS (
      SELECT c.oid UNION SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid)
    SELECT CASE WHEN bool_and(k.reltuples >= 0 AND (k.reltuples > 0 OR k.relpages > 0))
      THEN sum(k.reltuples)::numeric END
    FROM tree t JOIN pg_class k ON k.oid = t.oid WHERE k.relkind <> 'p') END,
  c.relkind IN ('r', 'm') AND NOT c.relhassubclass AND NOT c.relrowsecurity
    AND has_table_privilege(c.oid, 'SELECT'),
  EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = c.oid
    AND (NOT t.tgisinternal OR p.proname ~ '^RI_FKey_(cascade|setnull|setdefault)_')),
  CASE WHEN $2::boolean THEN (
    SELECT count(*) FROM (
      SELECT w.ev_class AS oid FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid
      WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
        AND d.refobjid = c.oid AND w.ev_class <> c.oid
      UNION
      SELECT k.oid FROM pg_depend d JOIN pg_constraint k ON k.oid = d.objid
      WHERE d.classid = 'pg_constraint'::regclass AND d.refclassid = 'pg_class'::regclass
        AND d.refobjid = c.oid AND k.contype = 'f' AND k.confrelid = c.oid AND k.conrelid <> c.oid) rests) END
FROM json_to_recordset($1::json) AS x(object text, schema text, name text)
JOIN pg_namespace n ON n.nspname = x.schema
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = x.name
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')`

/** A function whose code is neither the server's nor a superuser's: planning may run it when it calls itself immutable. */
const ofUsers = (proc: string): string =>
  `${proc}.prolang NOT IN (SELECT oid FROM pg_language WHERE lanname IN ('internal', 'c'))
   AND ${proc}.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`

/**
 * $1: JSON array of oids. Those of them that rest on code of a user, or on another server: by a view's or a rule's
 * query, a policy, a default, a generated column, a constraint, an index, a partition key, statistics; and so for
 * all that they are made of, or that inherits from them.
 */
export const HAZARDS = `
WITH RECURSIVE reached(root, oid) AS (
  SELECT r::oid, r::oid FROM json_array_elements_text($1::json) r
  UNION
  SELECT reached.root, next.oid FROM reached CROSS JOIN LATERAL (
    SELECT i.inhrelid AS oid FROM pg_inherits i WHERE i.inhparent = reached.oid
    UNION ALL
    SELECT d.refobjid FROM pg_rewrite w JOIN pg_depend d ON d.objid = w.oid
    WHERE w.ev_class = reached.oid
      AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
    UNION ALL
    SELECT d.refobjid FROM pg_policy p JOIN pg_depend d ON d.objid = p.oid
    WHERE p.polrelid = reached.oid
      AND d.classid = 'pg_policy'::regclass AND d.refclassid = 'pg_class'::regclass) next),
parts(root, classid, objid) AS (
  SELECT root, 'pg_class'::regclass::oid, oid FROM reached
  UNION ALL SELECT r.root, 'pg_rewrite'::regclass, w.oid FROM reached r JOIN pg_rewrite w ON w.ev_class = r.oid
  UNION ALL SELECT r.root, 'pg_policy'::regclass, p.oid FROM reached r JOIN pg_policy p ON p.polrelid = r.oid
  UNION ALL SELECT r.root, 'pg_attrdef'::regclass, a.oid FROM reached r JOIN pg_attrdef a ON a.adrelid = r.oid
  UNION ALL SELECT r.root, 'pg_constraint'::regclass, k.oid FROM reached r JOIN pg_constraint k ON k.conrelid = r.oid
  UNION ALL SELECT r.root, 'pg_class'::regclass, i.indexrelid FROM reached r JOIN pg_index i ON i.indrelid = r.oid
  UNION ALL SELECT r.root, 'pg_statistic_ext'::regclass, s.oid FROM reached r JOIN pg_statistic_ext s ON s.stxrelid = r.oid)
SELECT DISTINCT parts.root FROM parts
JOIN pg_depend d ON d.classid = parts.classid AND d.objid = parts.objid
LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
JOIN pg_proc p ON p.oid = CASE WHEN d.refclassid = 'pg_proc'::regclass THEN d.refobjid ELSE o.oprcode::oid END
WHERE ${ofUsers('p')}
UNION
SELECT r.root FROM reached r JOIN pg_class c ON c.oid = r.oid WHERE c.relkind = 'f'`

/**
 * Code of users that planning can come by without a name for it in the text: in casts, in ranges, in the checks of
 * domains (a bound value is one); and the names of operators made of such code, as JSON.
 */
export const UNNAMED_CODE = `
SELECT
  EXISTS (SELECT FROM pg_cast c JOIN pg_proc p ON p.oid = c.castfunc WHERE ${ofUsers('p')}),
  EXISTS (SELECT FROM pg_range r JOIN pg_proc p ON p.oid IN (r.rngsubdiff, r.rngcanonical) WHERE ${ofUsers('p')}),
  EXISTS (SELECT FROM pg_constraint k
    JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
    LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
    JOIN pg_proc p ON p.oid = CASE WHEN d.refclassid = 'pg_proc'::regclass THEN d.refobjid ELSE o.oprcode::oid END
    WHERE k.contypid <> 0 AND ${ofUsers('p')}),
  (SELECT json_agg(DISTINCT o.oprname) FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode WHERE ${ofUsers('p')})`

/** The largest table whose rows are counted: what its statistics say may be old, or nothing. */
const MOST_COUNTED_BYTES = 1024 * 1024

/** $1: JSON array of oids; those that are small. Takes a lock, as counting does. */
export const SMALL = `
SELECT r FROM json_array_elements_text($1::json) r WHERE pg_relation_size(r::oid) <= ${MOST_COUNTED_BYTES}`

/** Of relations by their quoted names, without those that inherit from them. */
export function countRows(relations: readonly string[]): string {
  return relations.map((name, at) => `SELECT ${at}, count(*) FROM ONLY ${name}`).join(' UNION ALL ')
}

export const END_LOOK = 'ROLLBACK'

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
