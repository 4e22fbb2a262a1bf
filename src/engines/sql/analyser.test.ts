import { beforeAll, describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import type { Analyser, Analysis, SqlStatement, Unreadable } from './index.ts'
import { createPostgresAnalyser } from './index.ts'

let analyser: Analyser
beforeAll(async () => {
  analyser = await createPostgresAnalyser()
})

function readable(text: string): Analysis {
  const result = analyser.analyse(text)
  if (!result.readable) throw new Error(`${text}: ${result.message}`)
  return result
}
function refused(text: string): Unreadable {
  const result = analyser.analyse(text)
  if (result.readable) throw new Error(`${text} was read`)
  return result
}
function only(text: string): SqlStatement {
  const { statements } = readable(text)
  expect(statements).toHaveLength(1)
  return statements[0] as SqlStatement
}
/** `action verb object[flags]` of each operation. */
function says(text: string): string[] {
  return readable(text).statements.flatMap(statement =>
    statement.operations.map(({ action, verb, relation, object, flags }) => {
      const name = relation
        ? `${relation.schema === undefined ? '' : `${relation.schema}.`}${relation.name}`
        : object
          ? `${object.kind}:${object.name}`
          : '-'
      return `${action} ${verb} ${name}${flags.length > 0 ? ` [${flags.join(' ')}]` : ''}`
    }),
  )
}

describe('what a text does', () => {
  const cases: readonly (readonly [text: string, ...operations: string[]])[] = [
    // nothing
    ['', ...[]],
    ['-- a comment', ...[]],
    ['SELECT 1', 'connect SELECT -'],
    ['SELECT now(), current_user, $1', 'connect SELECT -'],
    // reads
    ['SELECT * FROM customers', 'read SELECT customers'],
    ['TABLE shop.customers', 'read SELECT shop.customers'],
    ['SELECT 1 FROM a, b JOIN c ON true', 'read SELECT a', 'read SELECT b', 'read SELECT c'],
    ['SELECT (SELECT x FROM a) FROM b', 'read SELECT b', 'read SELECT a'],
    [
      'SELECT 1 FROM a, LATERAL (SELECT * FROM b WHERE b.i = a.i) s',
      'read SELECT a',
      'read SELECT b',
    ],
    ['SELECT 1 FROM a UNION SELECT 1 FROM b', 'read SELECT a', 'read SELECT b'],
    ['SELECT * FROM a FOR UPDATE', 'read SELECT a [locking]'],
    ['SELECT * FROM a WHERE EXISTS (SELECT 1 FROM b)', 'read SELECT a', 'read SELECT b'],
    // CTEs
    ['WITH x AS (SELECT * FROM a) SELECT * FROM x', 'read SELECT a'],
    ['WITH a AS (SELECT * FROM a) SELECT * FROM a', 'read SELECT a'],
    ['WITH RECURSIVE a AS (SELECT 1 UNION SELECT * FROM a) SELECT * FROM a', 'connect SELECT -'],
    ['WITH x AS (SELECT 1) SELECT * FROM public.x', 'read SELECT public.x'],
    ['SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x) s, x', 'read SELECT x'],
    ['WITH x AS (SELECT 1) UPDATE x SET a = 1 WHERE b = 2', 'write UPDATE x'],
    ['WITH x AS MATERIALIZED (DELETE FROM a) SELECT 1', 'write DELETE a [unfiltered]'],
    [
      'WITH x AS (DELETE FROM a WHERE i = 1 RETURNING *) SELECT * FROM x',
      'write DELETE a',
      'read DELETE a',
    ],
    ['WITH delete AS (SELECT 1) SELECT * FROM delete', 'connect SELECT -'],
    // writes
    ['INSERT INTO a VALUES (1)', 'write INSERT a'],
    ['INSERT INTO a SELECT * FROM b', 'write INSERT a', 'read SELECT b'],
    ['INSERT INTO a VALUES (1) RETURNING id', 'write INSERT a', 'read INSERT a'],
    [
      'INSERT INTO a VALUES (1) ON CONFLICT (i) DO UPDATE SET x = excluded.x',
      'write INSERT a',
      'write UPDATE a',
    ],
    ['UPDATE a SET x = 1 WHERE i = 1', 'write UPDATE a'],
    ['UPDATE a SET x = b.x FROM b WHERE b.i = a.i', 'write UPDATE a', 'read SELECT b'],
    ['DELETE FROM a USING b WHERE b.i = a.i', 'write DELETE a', 'read SELECT b'],
    ['DELETE FROM a USING b WHERE b.i = 1', 'write DELETE a [unfiltered]', 'read SELECT b'],
    [
      'MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)',
      'write MERGE a',
      'write DELETE a',
      'write INSERT a',
      'read SELECT b',
    ],
    [
      'MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE',
      'write MERGE a [unfiltered]',
      'write DELETE a [unfiltered]',
      'read SELECT b',
    ],
    [
      'TRUNCATE a, b.c',
      'write TRUNCATE a [unfiltered destructive]',
      'write TRUNCATE b.c [unfiltered destructive]',
    ],
    ['LOCK TABLE a IN ACCESS SHARE MODE', 'read LOCK a [locking]'],
    ['LOCK TABLE a', 'write LOCK a [locking]'],
    ["SELECT nextval('s.q')", 'write NEXTVAL s.q'],
    ['SELECT setval(\'"Q"\', 5)', 'write SETVAL Q'],
    ['SELECT nextval(x) FROM a', 'execute SELECT function:pg_catalog.nextval', 'read SELECT a'],
    // definitions
    ['CREATE TABLE a (i int)', 'define CREATE TABLE a'],
    ['CREATE TABLE a AS SELECT * FROM b', 'define CREATE TABLE AS a', 'read SELECT b'],
    ['SELECT * INTO a FROM b', 'define SELECT INTO a', 'read SELECT b'],
    ['CREATE VIEW v AS SELECT * FROM b', 'define CREATE VIEW v', 'read SELECT b'],
    [
      'CREATE TABLE a (i int REFERENCES b, LIKE c)',
      'define CREATE TABLE a',
      'read CREATE TABLE b',
      'read CREATE TABLE c',
    ],
    [
      'DROP TABLE a, b.c CASCADE',
      'define DROP TABLE a [destructive]',
      'define DROP TABLE b.c [destructive]',
    ],
    ['ALTER SEQUENCE q OWNED BY s.a.i', 'define ALTER SEQUENCE s.a', 'define ALTER SEQUENCE q'],
    ['ALTER SEQUENCE q OWNED BY NONE', 'define ALTER SEQUENCE q'],
    ['DROP FUNCTION f(int)', 'define DROP FUNCTION function:f [destructive]'],
    ['ALTER TABLE a ADD COLUMN x int', 'define ALTER TABLE a'],
    ['ALTER TABLE a DROP COLUMN x', 'define ALTER TABLE a [destructive]'],
    ['ALTER TABLE a OWNER TO x', 'administer ALTER TABLE a'],
    ['ALTER TABLE a DISABLE ROW LEVEL SECURITY', 'administer ALTER TABLE a'],
    ['COMMENT ON TABLE a IS $$x$$', 'define COMMENT a'],
    ['REFRESH MATERIALIZED VIEW m', 'write REFRESH MATERIALIZED VIEW m'],
    [
      'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$select 1$$',
      'define CREATE FUNCTION function:f [dynamic]',
    ],
    [
      'CREATE RULE r AS ON INSERT TO a DO ALSO DELETE FROM b',
      'define CREATE RULE rule:r [dynamic]',
      'define CREATE RULE a [dynamic]',
      'write DELETE b [unfiltered]',
    ],
    [
      'CREATE SCHEMA s CREATE TABLE x (i int) CREATE VIEW v AS SELECT * FROM a',
      'define CREATE SCHEMA schema:s',
      'define CREATE TABLE s.x',
      'define CREATE VIEW s.v',
      'read SELECT a',
    ],
    // rights and the server
    ['GRANT SELECT ON a TO x', 'administer GRANT a'],
    ['REVOKE x FROM y', 'administer REVOKE -'],
    ['CREATE ROLE x SUPERUSER', 'administer CREATE ROLE role:x'],
    [
      'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO x',
      'administer ALTER DEFAULT PRIVILEGES -',
      'administer GRANT -',
    ],
    [
      'CREATE POLICY p ON a USING (true)',
      'administer CREATE POLICY policy:p',
      'administer CREATE POLICY a',
    ],
    ["ALTER SYSTEM SET work_mem = '1GB'", 'administer ALTER SYSTEM -'],
    ["ALTER ROLE x SET client_encoding = 'SJIS'", 'administer ALTER ROLE -'],
    ["LOAD 'x'", 'administer LOAD - [server_files]'],
    ['CREATE EXTENSION dblink', 'administer CREATE EXTENSION extension:dblink'],
    ['VACUUM FULL a', 'administer VACUUM a'],
    ['ANALYZE', 'administer ANALYZE -'],
    ['REINDEX TABLE a', 'administer REINDEX a'],
    ['CHECKPOINT', 'administer CHECKPOINT -'],
    ["SECURITY LABEL ON TABLE a IS 'x'", 'administer SECURITY LABEL a'],
    ["COMMIT PREPARED 'x'", 'administer COMMIT PREPARED -'],
    // COPY
    ['COPY a TO STDOUT', 'read COPY a [bulk]'],
    ['COPY a FROM STDIN', 'write COPY a [bulk]'],
    ["COPY a TO PROGRAM 'curl x'", 'read COPY a [bulk]', 'administer COPY - [server_files]'],
    ["COPY a FROM '/etc/passwd'", 'write COPY a [bulk]', 'administer COPY - [server_files]'],
    ['COPY (SELECT * FROM a) TO STDOUT', 'read SELECT a [bulk]'],
    [
      'COPY (DELETE FROM a RETURNING *) TO STDOUT',
      'write DELETE a [unfiltered bulk]',
      'read DELETE a [bulk]',
    ],
    // EXPLAIN
    ['EXPLAIN SELECT * FROM a', 'read EXPLAIN a [explain]'],
    ['EXPLAIN DELETE FROM a', 'read EXPLAIN a [explain]'],
    ['EXPLAIN ANALYZE DELETE FROM a', 'write DELETE a [unfiltered]'],
    ['EXPLAIN ANALYSE DELETE FROM a', 'write DELETE a [unfiltered]'],
    ['EXPLAIN (ANALYSE) DELETE FROM a', 'write DELETE a [unfiltered]'],
    ['EXPLAIN ("analyze") DELETE FROM a', 'write DELETE a [unfiltered]'],
    ['EXPLAIN (ANALYZE 1) DELETE FROM a', 'write DELETE a [unfiltered]'],
    ['EXPLAIN (ANALYZE maybe) DELETE FROM a', 'write DELETE a [unfiltered]'],
    ['EXPLAIN (ANALYZE off, ANALYZE) DELETE FROM a', 'write DELETE a [unfiltered]'],
    ['EXPLAIN (ANALYZE OFF) DELETE FROM a', 'read EXPLAIN a [explain]'],
    ['EXPLAIN (ANALYZE 0) DELETE FROM a', 'read EXPLAIN a [explain]'],
    ['EXPLAIN (ANALYZE false, VERBOSE) DELETE FROM a', 'read EXPLAIN a [explain]'],
    ['EXPLAIN SELECT purge()', 'execute EXPLAIN function:purge [explain]'],
    [
      'EXPLAIN ANALYZE CREATE TABLE x AS SELECT * FROM a',
      'define CREATE TABLE AS x',
      'read SELECT a',
    ],
    // statements that hold others
    ['PREPARE q AS DELETE FROM a', 'write DELETE a [unfiltered]'],
    ['DECLARE c CURSOR FOR SELECT * FROM a', 'read SELECT a'],
    ['EXECUTE q (1)', 'connect EXECUTE -'],
    ['DO $$begin end$$', 'execute DO code:plpgsql'],
    ["DO LANGUAGE plpython3u 'x'", 'execute DO code:plpython3u [dynamic]'],
    ['CALL lower(1)', 'execute CALL procedure:lower'],
    // session
    ['BEGIN', 'connect BEGIN -'],
    ['SET ROLE x', 'administer SET -'],
    ['RESET ROLE', 'administer RESET -'],
    ['SET SESSION AUTHORIZATION x', 'administer SET -'],
    ['DISCARD ALL', 'administer DISCARD -'],
    ['DISCARD PLANS', 'connect DISCARD -'],
    ["SET application_name = 'x'", 'connect SET -'],
    ['SET TIME ZONE UTC', 'connect SET -'],
    ['SET session_replication_role = replica', 'administer SET -'],
    ['SET row_security = off', 'administer SET -'],
    ["SET app.tenant = 'x'", 'administer SET -'],
    ['SET search_path = a, b', 'connect SET -'],
    ['SET search_path = a, pg_catalog', 'administer SET -'],
    ["SET client_encoding = 'UTF-8'", 'connect SET -'],
    ["SET NAMES 'utf8'", 'connect SET -'],
    ['RESET client_encoding', 'connect RESET -'],
    ['SET standard_conforming_strings = on', 'connect SET -'],
    ["SELECT set_config('search_path', '', false)", 'connect SET -'],
    ["SELECT pg_catalog.set_config('ROLE', 'x', false)", 'administer SET -'],
    ['SHOW server_version', 'connect SHOW -'],
    ['SHOW ALL', 'administer SHOW -'],
    ['SHOW primary_conninfo', 'administer SHOW -'],
    ["SELECT current_setting('server_version')", 'connect SELECT -'],
    ["SELECT current_setting('app.secret')", 'execute SELECT function:pg_catalog.current_setting'],
    ['LISTEN x', 'read LISTEN channel:x'],
    ["NOTIFY x, 'y'", 'write NOTIFY channel:x'],
    // catalogs that hold values of others
    ['SELECT * FROM pg_stats', 'administer SELECT pg_stats'],
    ['SELECT * FROM pg_catalog.pg_statistic', 'administer SELECT pg_catalog.pg_statistic'],
    ['COPY pg_authid TO STDOUT', 'administer COPY pg_authid [bulk]'],
    ['SELECT * FROM pg_toast.pg_toast_1', 'administer SELECT pg_toast.pg_toast_1'],
    ['SELECT * FROM pg_class', 'read SELECT pg_class'],
    ['SELECT * FROM mine.pg_stats', 'read SELECT mine.pg_stats'],
  ]
  it.each(cases)('reads %s', (text, ...operations) => {
    expect(says(text).sort()).toEqual([...operations].sort())
  })
})

describe('functions', () => {
  it.each([
    ['SELECT purge()', 'function:purge'],
    ['SELECT public.lower($1)', 'function:public.lower'],
    ["SELECT query_to_xml('delete from a', true, true, '')", 'function:pg_catalog.query_to_xml'],
    ["SELECT pg_catalog.pg_read_file('x')", 'function:pg_catalog.pg_read_file'],
    ['SELECT lo_unlink(1)', 'function:pg_catalog.lo_unlink'],
    ['SELECT pg_terminate_backend(1)', 'function:pg_catalog.pg_terminate_backend'],
    ["SELECT pg_input_is_valid('x', 'a_domain')", 'function:pg_catalog.pg_input_is_valid'],
    ["SELECT * FROM dblink('x', 'delete')", 'function:dblink'],
    ["SELECT ts_stat('select 1')", 'function:pg_catalog.ts_stat'],
    ["SELECT ('/etc/passwd'::text).pg_read_file", 'function:pg_catalog.pg_read_file'],
    [
      'SELECT g.pg_terminate_backend FROM generate_series(1, 9) g',
      'function:pg_catalog.pg_terminate_backend',
    ],
    ['SELECT 1 OPERATOR(mine.+) 2', 'operator:mine.+'],
    ['SELECT $1 === $2', 'operator:==='],
    ['SELECT $1 < ANY (SELECT purge())', 'function:purge'],
    ['SELECT 1 ORDER BY 1 USING OPERATOR(mine.<)', 'operator:mine.<'],
    ['SELECT count(*) FILTER (WHERE purge() > 0)', 'function:purge'],
    ['SELECT sum(1) OVER (ORDER BY purge())', 'function:purge'],
    ['SELECT 1 LIMIT purge()', 'function:purge'],
    ['SELECT CASE WHEN true THEN purge() END', 'function:purge'],
    ['VALUES (purge())', 'function:purge'],
    ['EXECUTE q (purge())', 'function:purge'],
    ['CALL p(purge())', 'function:purge'],
    ['SELECT XMLELEMENT(NAME x, purge())', 'function:purge'],
    ["SELECT JSON_VALUE(purge(), '$')", 'function:purge'],
    ["SELECT * FROM JSON_TABLE(purge(), '$' COLUMNS (a int)) j", 'function:purge'],
    ["SELECT * FROM XMLTABLE('x' PASSING purge() COLUMNS a int) j", 'function:purge'],
    ['SELECT GREATEST(1, purge())', 'function:purge'],
    ['SELECT ROW(purge())', 'function:purge'],
    ['SELECT ARRAY[purge()]', 'function:purge'],
    ['SELECT $1[purge()]', 'function:purge'],
    ['SELECT purge() IS NULL', 'function:purge'],
    ['INSERT INTO a DEFAULT VALUES RETURNING purge()', 'function:purge'],
    ['UPDATE a SET (x, y) = (SELECT purge(), 1) WHERE i = 1', 'function:purge'],
    ['SELECT 1 GROUP BY GROUPING SETS ((purge()), ())', 'function:purge'],
    ['SELECT 1 WINDOW w AS (PARTITION BY purge())', 'function:purge'],
    ['CREATE INDEX ON a (purge(x))', 'function:purge'],
    ['COPY a FROM STDIN WHERE purge() > 0', 'function:purge'],
  ])('finds the call in %s', (text, object) => {
    const operations = readable(text).statements.flatMap(each => each.operations)
    const found = operations.filter(each => each.action === 'execute')
    expect(found.map(each => `${each.object?.kind}:${each.object?.name}`)).toContain(object)
  })

  it('lets built-in ones pass, however they are qualified', () => {
    expect(
      says("SELECT lower('A'), pg_catalog.upper('b'), extract(year FROM now()), count(*)"),
    ).toEqual(['connect SELECT -'])
    expect(only('SELECT lower($1), pg_catalog.lower($1), public.f()').functions).toEqual([
      'lower',
      'public.f',
    ])
  })
})

describe('settings that change how a text is read', () => {
  it.each([
    'SET client_encoding = SJIS',
    'SET "Client_Encoding" = \'SJIS\'',
    "SET NAMES 'latin1'",
    'SET standard_conforming_strings = off',
    'SET LOCAL standard_conforming_strings TO false',
    "SELECT set_config('standard_conforming_strings', 'off', false)",
    "SELECT set_config('STANDARD_conforming_strings'::text, 'off', true)",
    "SELECT set_config(setting_name => 'client_encoding', new_value => 'SJIS', is_local => false)",
    "SELECT set_config('client_' || 'encoding', 'SJIS', false)",
    'SELECT set_config(name, $1, false) FROM a',
    "SELECT set_config('client_encoding', $1, false)",
    "SELECT set_config('application_name', ssn, false) FROM customers",
    "SELECT set_config('application_name', (SELECT ssn FROM customers LIMIT 1), false)",
    'SET backslash_quote = on',
    "UPDATE pg_settings SET setting = 'off' WHERE name = 'standard_conforming_strings'",
    "WITH x AS (UPDATE pg_catalog.pg_settings s SET setting = 'off') SELECT 1",
    "COPY a TO STDOUT (ENCODING 'SJIS')",
    "EXPLAIN ANALYZE SELECT set_config('client_encoding', 'SJIS', false)",
    "PREPARE q AS SELECT set_config('client_encoding', 'SJIS', false)",
  ])('refuses %s', text => {
    expect(refused(text).code).toBe('setting_refused')
  })

  const dump = (more: Readonly<Record<string, string>> = {}) => {
    const { value = 'view, foreign-table', from = 'pg_settings', name = '', rest = '' } = more
    const which = name === '' ? 'restrict_nonsystem_relation_kind' : name
    return `SELECT set_config(name, '${value}', false) FROM ${from} WHERE name = '${which}'${rest}`
  }

  it("knows pg_dump's restriction of itself, and no longer what an unqualified name means", () => {
    for (const text of [dump(), dump({ from: 'pg_catalog.pg_settings' })]) {
      expect(only(text).settings).toEqual([
        { name: 'restrict_nonsystem_relation_kind', value: 'view, foreign-table', local: false },
        { name: 'search_path', value: undefined, local: false },
      ])
    }
  })

  it.each([
    dump({ value: 'app' }),
    dump({ name: 'role' }),
    dump({ from: 'mine.pg_settings' }),
    dump({ from: 'pg_settings, mine.settings' }),
    dump({ from: 'pg_settings AS s' }),
    dump({ from: "(SELECT 'client_encoding' AS name) AS pg_settings" }),
    dump({ rest: " OR name = 'role'" }),
    dump({ rest: ' UNION SELECT 1::text' }),
    `WITH pg_settings AS (SELECT 'role' AS name) SELECT (${dump()})`,
    `WITH pg_settings AS (SELECT 'role' AS name) ${dump()}`,
    dump().replace('WHERE name =', 'WHERE name <>'),
    dump().replace('WHERE name =', 'WHERE name OPERATOR(mine.=)'),
    dump().replace('set_config(name,', 'set_config(setting,'),
  ])('refuses what only resembles it: %s', text => {
    expect(refused(text).code).toBe('setting_refused')
  })

  it('says what a setting becomes', () => {
    expect(only('SET LOCAL search_path = "A b", c').settings).toEqual([
      { name: 'search_path', value: '"A b", c', local: true },
    ])
    expect(only("SELECT set_config('search_path', 'a, b', false)").settings).toEqual([
      { name: 'search_path', value: 'a, b', local: false },
    ])
    expect(only('RESET search_path').settings).toEqual([
      { name: 'search_path', value: undefined, local: false },
    ])
    expect(only("SELECT set_config('search_path', 'a', $1)").settings[0]?.value).toBeUndefined()
  })
})

describe('texts that hide a statement', () => {
  it.each([
    'SELECT 1 -- x\r; DELETE FROM customers',
    'SELECT 1 AS a$$; DELETE FROM customers; --$$',
    "SELECT E'a\\''; DELETE FROM customers; --'",
    'SELECT $tag$ ; $tag$; DELETE FROM customers',
    'SELECT 1 /* /* */ */; DELETE FROM customers',
    'SELECT 1;;; DELETE FROM customers',
    'SELECT U&"d\\0061t" FROM b; DELETE FROM U&"customer\\0073"',
    'select 1;dElEtE from"customers"',
    'SELECT 1;\u000bDELETE FROM customers',
    'EXPLAIN (VERBOSE, ANALYZE TRUE, COSTS OFF) DELETE FROM customers',
    'COPY (WITH x AS (DELETE FROM customers RETURNING 1) SELECT * FROM x) TO STDOUT',
    'PREPARE q AS WITH x AS NOT MATERIALIZED (DELETE FROM customers RETURNING 1) SELECT 1',
    'CREATE TABLE t AS WITH x AS (DELETE FROM customers RETURNING 1) SELECT * FROM x',
    'INSERT INTO b WITH x AS (DELETE FROM customers RETURNING 1) SELECT * FROM x',
  ])('sees the DELETE in %j', text => {
    const result = analyser.analyse(text)
    const found = result.readable
      ? result.statements.flatMap(each => each.operations).filter(each => each.verb === 'DELETE')
      : []
    // A text that the server would not read either may be refused instead.
    if (!result.readable) expect(result.code).toMatch(/^statement_(unreadable|too_large)$/)
    else
      expect(found.map(each => `${each.action} ${each.relation?.name}`)).toContain(
        'write customers',
      )
  })

  it.each([
    "SELECT ';DELETE FROM customers'",
    'SELECT $$;DELETE FROM customers$$',
    'SELECT 1 AS delete',
  ])('is not misled by %s', text => {
    expect(says(text)).toEqual(['connect SELECT -'])
  })
})

describe('columns', () => {
  const columnsOf = (text: string, relation: string) => {
    const operation = only(text).operations.find(each => each.relation?.name === relation)
    return {
      named: [...(operation?.columns ?? []), ...(operation?.qualified ?? [])].sort(),
      star: operation?.star,
    }
  }

  it('names those that are qualified, and those of the only relation', () => {
    expect(
      columnsOf('SELECT c.ssn, name FROM customers c WHERE c.id = 1', 'customers').named,
    ).toEqual(['id', 'name', 'ssn'])
    expect(columnsOf('SELECT a.x FROM a JOIN b ON b.y = a.z', 'b').named).toEqual(['y'])
    expect(columnsOf('SELECT (SELECT o.x) FROM o', 'o').named).toEqual(['x'])
  })

  it('takes a star and a whole row for all', () => {
    for (const text of [
      'SELECT * FROM c',
      'SELECT c.* FROM c',
      'SELECT c FROM c',
      'SELECT row_to_json(c) FROM c',
      'SELECT (c).ssn FROM c',
      'SELECT a FROM c AS a',
      'COPY c TO STDOUT',
    ]) {
      expect(only(text).columnNames, text).toBe('all')
      expect(columnsOf(text, 'c').star, text).toBe(true)
    }
    for (const text of [
      'SELECT x FROM c AS c(x)',
      'SELECT 1 FROM c NATURAL JOIN d',
      'SELECT old FROM c old',
      'UPDATE c SET x = 1 WHERE i = 1 RETURNING old',
      'INSERT INTO c VALUES (1) RETURNING new',
    ]) {
      expect(only(text).columnNames, text).toBe('all')
    }
  })

  it('counts names wherever they stand', () => {
    const text =
      'SELECT a FROM t JOIN u USING (b) WHERE c = 1 AND EXISTS (SELECT 1 FROM v WHERE v.d = t.e) GROUP BY f HAVING max(g) > 0 ORDER BY h'
    expect([...only(text).columnNames].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
  })
})

describe('shapes that a protocol needs', () => {
  it('tells how COPY puts rows on the wire', () => {
    expect(
      only("COPY s.a (x, y) TO STDOUT WITH (FORMAT csv, HEADER, DELIMITER ';', FORCE_QUOTE (x))")
        .copy,
    ).toEqual({
      direction: 'out',
      relation: { schema: 's', name: 'a' },
      columns: ['x', 'y'],
      format: 'csv',
      options: {
        delimiter: ';',
        nullText: '',
        quote: '"',
        escape: '"',
        header: true,
        forceQuote: ['x'],
      },
      query: false,
      to: 'stdout',
    })
    expect(only('COPY a FROM STDIN').copy).toMatchObject({
      direction: 'in',
      columns: undefined,
      format: 'text',
      options: { delimiter: '\t', nullText: '\\N', header: false },
      to: 'stdin',
    })
    expect(only("COPY a FROM STDIN CSV NULL 'x' QUOTE ''''").copy?.options).toMatchObject({
      nullText: 'x',
      quote: "'",
      escape: "'",
    })
    expect(only('COPY (SELECT 1) TO STDOUT BINARY').copy).toMatchObject({
      format: 'binary',
      query: true,
    })
    expect(only('COPY a TO STDOUT (HEADER off)').copy?.options.header).toBe(false)
  })

  it('names prepared statements, cursors and transactions', () => {
    expect(only('PREPARE q AS SELECT * FROM a').prepares?.statement.verb).toBe('SELECT')
    expect(only('EXPLAIN ANALYZE EXECUTE q')).toMatchObject({
      executes: { name: 'q' },
      explainOnly: false,
    })
    expect(only('EXPLAIN EXECUTE q')).toMatchObject({ executes: { name: 'q' }, explainOnly: true })
    expect(only('DEALLOCATE ALL').deallocates).toEqual({ name: undefined })
    expect(only('DECLARE c CURSOR FOR SELECT 1').declares).toMatchObject({
      cursor: 'c',
      held: false,
    })
    expect(only('DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT 1').declares?.held).toBe(true)
    expect(only('FETCH 5 FROM c').fetches).toEqual({ cursor: 'c' })
    expect(only('CLOSE ALL').closes).toEqual({ cursor: undefined })
    expect(
      readable('BEGIN; SAVEPOINT a; ROLLBACK TO a; RELEASE a; COMMIT').statements.map(
        each => each.transaction,
      ),
    ).toEqual(['begin', 'savepoint', 'rollback_to', 'release', 'commit'])
  })

  it('knows what makes the catalog stale and what returns rows', () => {
    const yes = [
      'CREATE TABLE a (i int)',
      'DROP VIEW v',
      'SELECT 1 INTO a',
      'DO $$$$',
      'CREATE TABLE a AS SELECT 1',
    ]
    for (const text of yes) expect(only(text).changesCatalog, text).toBe(true)
    for (const text of ['SELECT 1', 'DELETE FROM a', 'TRUNCATE a'])
      expect(only(text).changesCatalog).toBe(false)
    for (const text of [
      'SELECT 1',
      'SHOW all',
      'EXPLAIN SELECT 1',
      'DELETE FROM a RETURNING 1',
      'FETCH c',
      'EXECUTE q',
    ])
      expect(only(text).returnsRows, text).toBe(true)
    for (const text of ['SELECT 1 INTO a', 'DELETE FROM a', 'MOVE c', 'SET work_mem = 1'])
      expect(only(text).returnsRows, text).toBe(false)
  })
})

describe('a whole row', () => {
  it.each([
    'SELECT c FROM customers c',
    'SELECT customers FROM customers',
    'SELECT * FROM (SELECT c FROM customers c) s',
    'SELECT s.* FROM (SELECT to_json(c) FROM customers c) s',
    'SELECT * FROM (SELECT (c).name FROM customers c) s',
  ])('is every column of its relation in %s', text => {
    expect(only(text).operations).toEqual([
      expect.objectContaining({ relation: { schema: undefined, name: 'customers' }, star: true }),
    ])
  })
})

describe('texts that are refused', () => {
  it('gives the server’s words and a position in characters', () => {
    expect(refused('SELECT é FORM x y')).toMatchObject({
      code: 'statement_unreadable',
      message: expect.stringContaining('syntax error'),
      position: 15,
    })
  })

  it('refuses NUL, halves of a character, and too much', async () => {
    expect(refused('SELECT 1\0; DELETE FROM a').code).toBe('statement_unreadable')
    expect(refused("SELECT '\ud800'").code).toBe('statement_unreadable')
    expect(refused(`SELECT '${'x'.repeat(1024 * 1024)}'`).code).toBe('statement_too_large')
    expect(refused(`SELECT '${'é'.repeat(600 * 1024)}'`).code).toBe('statement_too_large')
    expect(refused('SELECT 1;'.repeat(10_001)).code).toBe('statement_too_large')
    const small = await createPostgresAnalyser({ maxTextBytes: 10 })
    expect(small.analyse('SELECT 12345')).toMatchObject({ code: 'statement_too_large' })
  })

  it.each([
    ['parentheses', `SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`],
    ['sums', `SELECT ${'1+'.repeat(50_000)}1`],
    ['sub-queries', `${'SELECT * FROM ('.repeat(3000)}SELECT 1${') a'.repeat(3000)}`],
    ['negations', `SELECT ${'NOT '.repeat(20_000)}true`],
  ])('survives deep %s and reads the next text', (_name, text) => {
    const result = analyser.analyse(text)
    if (!result.readable) expect(result.code).toMatch(/^statement_(unreadable|too_large)$/)
    expect(says('SELECT 1')).toEqual(['connect SELECT -'])
  })

  it('never throws, whatever it is given', () => {
    const word = fc.constantFrom(
      'SELECT',
      'FROM',
      'a',
      '*',
      ',',
      '(',
      ')',
      "'x'",
      '$$',
      ';',
      'DELETE',
      'WITH',
      'AS',
      '1',
      '--',
      '/*',
      'SET',
      'x.y',
      '::',
      'WHERE',
      '=',
      'COPY',
      'TO',
      'STDOUT',
      'EXPLAIN',
      'ANALYZE',
    )
    const noise = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.array(word, { maxLength: 30 }).map(words => words.join(' ')),
    )
    fc.assert(
      fc.property(noise, text => {
        const result = analyser.analyse(text)
        if (result.readable)
          for (const each of result.statements) expect(each.operations.length).toBeGreaterThan(0)
        else expect(result.message).not.toBe('')
      }),
      { numRuns: 2000 },
    )
  })
})
