// What we ask a server about the code of users that it holds, and about what runs it unasked. Texts only, as catalog-queries.ts.
import { occasion } from '#engines/sql'
import { OF_USERS, USER_VIEWS } from './catalog-queries.ts'

/** Languages in which only a superuser can make functions, and whose code cannot be read. */
const COMPILED = `('c', 'internal')`

/**
 * Functions and procedures outside pg_catalog: oid, schema, name, SECURITY DEFINER, the search_path that it sets, and its
 * definition when that can be read, none over 64 KiB, and no more than 32 MiB in all.
 */
export const ROUTINES = `
SELECT f.oid, f.nspname, f.proname, f.prosecdef,
  (SELECT substr(setting, 13) FROM unnest(f.proconfig) AS s(setting) WHERE setting LIKE 'search\\_path=%'),
  CASE WHEN octet_length(f.definition) <= 65536
    AND sum(octet_length(f.definition)) OVER (ORDER BY octet_length(f.definition), f.oid) <= 33554432
    THEN f.definition END
FROM (SELECT p.oid, n.nspname, p.proname, p.prosecdef, p.proconfig,
    CASE WHEN l.lanname IN ('sql', 'plpgsql') AND p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) END AS definition
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
  WHERE ${OF_USERS}) f`

/** Operators of users that run code which is not compiled: schema, name, function. */
export const OPERATORS = `
SELECT n.nspname, o.oprname, p.oid
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
JOIN pg_proc p ON p.oid = o.oprcode JOIN pg_language l ON l.oid = p.prolang
WHERE ${OF_USERS} AND l.lanname NOT IN ${COMPILED}`

/** Views that run code of users which is not compiled: view, function. */
export const VIEW_CALLS = `
SELECT DISTINCT r.ev_class, p.oid
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
  AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
JOIN pg_proc p ON p.oid = coalesce(o.oprcode::oid, d.refobjid) JOIN pg_language l ON l.oid = p.prolang
WHERE ${USER_VIEWS} AND r.rulename = '_RETURN' AND l.lanname NOT IN ${COMPILED} AND p.oid >= 16384`

/** Rules but those that make views: relation, event, definition when it is not too long. */
export const RULES = `
SELECT r.ev_class, r.ev_type, CASE WHEN octet_length(r.definition) <= 65536 THEN r.definition END
FROM (SELECT ev_class, ev_type, pg_get_ruledef(oid) AS definition FROM pg_rewrite
  WHERE rulename <> '_RETURN' AND oid >= 16384) r`

/** Relations with triggers of users. */
export const TRIGGERS = `SELECT DISTINCT tgrelid FROM pg_trigger WHERE NOT tgisinternal`

const { read, insert, update, delete: remove, truncate, lock, plan, explain } = occasion
const STORING = insert | update
const LOOKING = read | insert | update | remove | lock

/** Types that are made of others: domains, arrays, rows, ranges. */
const USES = `uses(whole, part) AS (
  SELECT oid, typbasetype FROM pg_type WHERE typbasetype <> 0
  UNION ALL SELECT oid, typelem FROM pg_type WHERE typelem <> 0
  UNION ALL SELECT r.reltype, a.atttypid FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid
    WHERE r.reltype <> 0 AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT rngtypid, rngsubtype FROM pg_range
  UNION ALL SELECT (to_jsonb(r) ->> 'rngmultitypid')::oid, rngtypid FROM pg_range r
  UNION ALL SELECT k.contypid, d.refobjid FROM pg_constraint k
    JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid AND d.refclassid = 'pg_type'::regclass
    WHERE k.contypid <> 0)`

/** Types of users that run code of users, which is not compiled, when their values, or those in them, are cast or compared. */
const VALUED = `
valued(type, code) AS (
  SELECT u.type, p.oid
  FROM (SELECT castsource AS type, castfunc::oid AS code FROM pg_cast WHERE castfunc >= 16384
    UNION SELECT amproclefttype, amproc::oid FROM pg_amproc WHERE amproc::oid >= 16384
    UNION SELECT x.amoplefttype, o.oprcode::oid FROM pg_amop x JOIN pg_operator o ON o.oid = x.amopopr
      WHERE o.oprcode::oid >= 16384) u
  JOIN pg_proc p ON p.oid = u.code JOIN pg_language l ON l.oid = p.prolang
  WHERE u.type >= 16384 AND l.lanname NOT IN ${COMPILED}
  UNION SELECT u.whole, v.code FROM valued v JOIN uses u ON u.part = v.type)`

/**
 * Relations with columns, or rows, of such a type: relation, function. Of a cast from the type, and of an operator class that
 * orders or hashes it. (Whether the statement asks for it is not looked at: such types are few. A cast to such a type is seen in the text.)
 */
export const VALUE_CALLS = `
WITH RECURSIVE ${USES}, ${VALUED}
SELECT a.attrelid, v.code FROM valued v JOIN pg_attribute a ON a.atttypid = v.type AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION SELECT c.oid, v.code FROM valued v JOIN pg_class c ON c.reltype = v.type AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`

/** What calls functions of users; types whose values run some when they come in, be it inside of others. */
const CODED = `called AS MATERIALIZED (
  SELECT d.classid, d.objid, p.oid AS routine, p.provolatile <> 'v' OR l.lanname = 'sql' AS folds
  FROM pg_depend d LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
  JOIN pg_proc p ON p.oid = coalesce(o.oprcode::oid, d.refobjid) JOIN pg_language l ON l.oid = p.prolang
  WHERE d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) AND d.refobjid >= 16384
    AND p.oid >= 16384 AND l.lanname NOT IN ${COMPILED}),
${USES},
coded(type, routine, folds) AS (
  SELECT k.contypid, c.routine, c.folds FROM pg_constraint k
  JOIN called c ON c.classid = 'pg_constraint'::regclass AND c.objid = k.oid WHERE k.contypid <> 0
  UNION SELECT objid, routine, folds FROM called WHERE classid = 'pg_type'::regclass
  UNION SELECT u.whole, c.routine, c.folds FROM coded c JOIN uses u ON u.part = c.type)`

/**
 * What relations run by themselves: relation, function, occasions (bits of `occasion`). Of row policies, defaults, generated
 * columns, constraints, triggers, index expressions, extended statistics, partition keys; of the types of columns
 * (a domain's checks, also inside of arrays, rows and ranges); of casts that storing asks for, and of operator classes. Found
 * by what the server itself notes that they depend on (of a partition's trigger, by that of its parent). Code in C is left out: only a superuser makes it.
 * The planner may run whatever does not say that it is volatile, and what it finds in a function in SQL.
 * Row policies count for everybody: whom they are for changes with roles, views and owners.
 */
export const OWN_CODE = `
WITH RECURSIVE ${CODED},
keyed(relation, top) AS (
  SELECT c.oid, c.oid FROM pg_class c WHERE c.relkind = 'p'
  UNION SELECT i.inhrelid, k.top FROM keyed k JOIN pg_inherits i ON i.inhparent = k.relation),
triggered(relation, tgtype, trigger) AS (
  SELECT tgrelid, tgtype, oid FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'
  UNION SELECT t.relation, t.tgtype, (to_jsonb(p) ->> 'tgparentid')::oid FROM triggered t JOIN pg_trigger p ON p.oid = t.trigger
    WHERE to_jsonb(p) ->> 'tgparentid' <> '0'),
running(relation, classid, objid, occasions, folding, types_only) AS (
  SELECT p.polrelid, 'pg_policy'::regclass::oid, p.oid,
    CASE p.polcmd WHEN 'a' THEN ${insert} WHEN 'w' THEN ${update | lock} WHEN 'd' THEN ${remove} ELSE ${LOOKING} END,
    CASE WHEN p.polcmd IN ('r', '*') THEN ${plan} ELSE ${explain} END, false
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid AND c.relrowsecurity
  UNION ALL SELECT d.adrelid, 'pg_attrdef'::regclass, d.oid,
    CASE WHEN to_jsonb(a) ->> 'attgenerated' = 'v' THEN ${LOOKING} ELSE ${STORING} END,
    CASE WHEN to_jsonb(a) ->> 'attgenerated' = 'v' THEN ${plan} ELSE ${explain} END, false
  FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  UNION ALL SELECT conrelid, 'pg_constraint'::regclass, oid, ${STORING}, ${plan}, false FROM pg_constraint WHERE conrelid <> 0
  UNION ALL SELECT relation, 'pg_trigger'::regclass, trigger,
    CASE WHEN tgtype & 4 > 0 THEN ${insert} ELSE 0 END | CASE WHEN tgtype & 8 > 0 THEN ${remove} ELSE 0 END
    | CASE WHEN tgtype & 16 > 0 THEN ${update} ELSE 0 END | CASE WHEN tgtype & 32 > 0 THEN ${truncate} ELSE 0 END, 0, false
  FROM triggered
  UNION ALL SELECT indrelid, 'pg_class'::regclass, indexrelid, ${STORING}, ${plan}, false FROM pg_index
  UNION ALL SELECT stxrelid, 'pg_statistic_ext'::regclass, oid, 0, ${plan}, false FROM pg_statistic_ext
  UNION ALL SELECT relation, 'pg_class'::regclass, top, ${STORING}, ${plan}, false FROM keyed
  UNION ALL SELECT ev_class, 'pg_rewrite'::regclass, oid, ${LOOKING}, ${plan}, true FROM pg_rewrite WHERE oid >= 16384),
classes(relation, class) AS (
  SELECT indrelid, unnest(indclass) FROM pg_index UNION SELECT partrelid, unnest(partclass) FROM pg_partitioned_table),
support(family, routine) AS (
  SELECT amprocfamily, amproc::oid FROM pg_amproc WHERE amproc::oid >= 16384
  UNION SELECT x.amopfamily, o.oprcode::oid FROM pg_amop x JOIN pg_operator o ON o.oid = x.amopopr WHERE o.oprcode::oid >= 16384)
SELECT found.relation, found.routine, bit_or(found.occasions) FROM (
  SELECT r.relation, c.routine, r.occasions | CASE WHEN c.folds THEN r.folding ELSE 0 END AS occasions
  FROM running r JOIN called c ON c.classid = r.classid AND c.objid = r.objid WHERE NOT r.types_only
  UNION ALL SELECT r.relation, t.routine, r.occasions | CASE WHEN t.folds THEN r.folding ELSE 0 END
  FROM coded t JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = t.type
  JOIN running r ON r.classid = d.classid AND r.objid = d.objid
  UNION ALL SELECT a.attrelid, t.routine, ${LOOKING} | CASE WHEN t.folds THEN ${plan} ELSE 0 END
  FROM coded t JOIN pg_attribute a ON a.atttypid = t.type AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT a.attrelid, p.oid, ${STORING} | CASE WHEN p.provolatile <> 'v' OR l.lanname = 'sql' THEN ${explain} ELSE 0 END
  FROM pg_cast c JOIN pg_attribute a ON a.atttypid = c.casttarget AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_proc p ON p.oid = c.castfunc JOIN pg_language l ON l.oid = p.prolang
  WHERE c.castcontext IN ('a', 'i') AND c.casttarget >= 16384 AND p.oid >= 16384 AND l.lanname NOT IN ${COMPILED}
  UNION ALL SELECT k.relation, p.oid, ${LOOKING | plan}
  FROM classes k JOIN pg_opclass c ON c.oid = k.class JOIN support s ON s.family = c.opcfamily
  JOIN pg_proc p ON p.oid = s.routine JOIN pg_language l ON l.oid = p.prolang WHERE l.lanname NOT IN ${COMPILED}
) found JOIN pg_class c ON c.oid = found.relation AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
GROUP BY 1, 2`

/**
 * Where one relation's occasion is another's: relation, its occasions, the other, those of the other. Row policies read; keys
 * look for their rows, and change those of others when theirs go.
 */
export const LEADS_TO = `
SELECT p.polrelid, CASE p.polcmd WHEN 'a' THEN ${insert} WHEN 'w' THEN ${update | lock} WHEN 'd' THEN ${remove} ELSE ${LOOKING} END,
  d.refobjid, ${read | plan}
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid AND c.relrowsecurity
JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass
WHERE d.refobjid <> p.polrelid
UNION SELECT conrelid, ${STORING}, confrelid, ${plan} FROM pg_constraint WHERE contype = 'f'
UNION SELECT confrelid, ${remove}, conrelid,
  CASE confdeltype WHEN 'c' THEN ${remove} WHEN 'n' THEN ${update} WHEN 'd' THEN ${update} ELSE 0 END | ${plan}
FROM pg_constraint WHERE contype = 'f'
UNION SELECT confrelid, ${update}, conrelid, CASE WHEN confupdtype IN ('c', 'n', 'd') THEN ${update} ELSE 0 END | ${plan}
FROM pg_constraint WHERE contype = 'f'`

/**
 * Types whose values run code of users when they come in (a domain's checks), or when they are cast: type, function. A parameter
 * that is declared to be of one runs the first when it is bound, the other where it stands.
 */
export const TYPE_CODE = `
WITH RECURSIVE ${CODED}, ${VALUED}
SELECT type, routine FROM coded UNION SELECT type, code FROM valued`

/**
 * Types of users but for tables' row types and arrays: schema, name, and whether a cast to it runs no code of a user: no
 * check of it, no cast to it or from it, or of what it is made of, is one.
 */
export const NAMED_TYPES = `
WITH RECURSIVE ${CODED}, ${VALUED},
running(type) AS (
  SELECT type FROM coded UNION SELECT type FROM valued
  UNION SELECT c.casttarget FROM pg_cast c JOIN pg_proc p ON p.oid = c.castfunc JOIN pg_language l ON l.oid = p.prolang
    WHERE l.lanname NOT IN ${COMPILED}
  UNION SELECT u.whole FROM running r JOIN uses u ON u.part = r.type AND u.whole >= 16384)
SELECT n.nspname, t.typname, t.typtype IN ('e', 'b', 'c', 'd', 'r', 'm') AND t.oid NOT IN (SELECT type FROM running)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class r ON r.oid = t.typrelid
WHERE ${OF_USERS} AND t.typcategory <> 'A' AND coalesce(r.relkind, 'c') = 'c'`

/**
 * Functions of users behind casts of built-in types, which no text need write: those that the server applies unasked,
 * and those between built-in types. Any statement may run them.
 */
export const UNASKED_CASTS = `
SELECT DISTINCT p.oid FROM pg_cast c JOIN pg_proc p ON p.oid = c.castfunc JOIN pg_language l ON l.oid = p.prolang
WHERE c.castsource < 16384 AND (c.castcontext = 'i' OR c.casttarget < 16384) AND p.oid >= 16384 AND l.lanname NOT IN ${COMPILED}`
