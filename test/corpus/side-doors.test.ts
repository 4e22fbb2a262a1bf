// Every function and every relation that PostgreSQL 15 and 18 come with, and what reading or calling it is to us. What
// returns values of tables by a text or a number, statements of others, files or secrets is never a plain read. The
// lists are in side-doors.txt: a new version, or a change of ours, shows there and is reviewed.
import { describe, expect, it } from 'vitest'
import { createPostgresAnalyser } from '#engines/sql'
import { hasPostgres, type PostgresVersion, startPostgres } from '../servers/postgres.ts'

const analyser = await createPostgresAnalyser()
const versions: readonly PostgresVersion[] = [15, 18]
const available = (await Promise.all(versions.map(version => hasPostgres(version)))).every(Boolean)

/** `plain`, or the action and category that it needs. */
function sort(text: string): string {
  const result = analyser.analyse(text)
  if (!result.readable) return `refused: ${result.code}`
  const operations = result.statements.flatMap(each => each.operations)
  const more = operations.filter(({ action }) => action !== 'connect' && action !== 'read')
  return more.map(({ action, category }) => `${action} ${category}`)[0] ?? 'plain'
}

function wrapped(names: readonly string[]): string {
  let lines = ''
  let line = ' '
  for (const name of names) {
    if (line.length + name.length > 118) {
      lines += `${line}\n`
      line = ' '
    }
    line += ` ${name}`
  }
  return `${lines}${line}\n`
}

function listed(title: string, sorts: ReadonlyMap<string, readonly string[]>): string {
  const parts = [...sorts].sort().map(([kind, names]) => {
    const distinct = [...new Set(names)].sort()
    return `${kind}: ${distinct.length}\n${wrapped(distinct)}`
  })
  return `# ${title}\n${parts.join('')}\n`
}

function put(sorts: Map<string, string[]>, kind: string, name: string): void {
  const found = sorts.get(kind)
  if (found === undefined) sorts.set(kind, [name])
  else found.push(name)
}

const FUNCTIONS = `
select p.proname as name, bool_and(p.provolatile = 'i') as pure from pg_proc p
where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind in ('f', 'a', 'w')
  and not (p.prorettype = any (array['internal', 'trigger', 'event_trigger', 'language_handler', 'fdw_handler',
    'index_am_handler', 'tsm_handler', 'table_am_handler', 'cstring']::regtype[])
    or array['internal', 'cstring']::regtype[]::oid[] && p.proargtypes::oid[])
group by 1`

const RELATIONS = `
select n.nspname as schema, c.relname as name,
  case when c.relkind = 'v' then pg_get_viewdef(c.oid) end as definition
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'v', 'm') and n.nspname in ('pg_catalog', 'information_schema')`

describe.skipIf(!available)('side doors of PostgreSQL', async () => {
  const functions = new Map<string, string[]>()
  const relations = new Map<string, string[]>()
  /** Views that anybody may read though they call, or read, what needs more. */
  const through: string[] = []

  for (const version of available ? versions : []) {
    const server = await startPostgres({ version })
    for (const { name, pure } of await server.query(FUNCTIONS)) {
      const kind = sort(`select pg_catalog."${name}"()`)
      // Harmless by their label: no look at any table, setting or session.
      if (kind !== 'plain' || pure !== true) put(functions, kind, String(name))
    }
    for (const { schema, name, definition } of await server.query(RELATIONS)) {
      const kind = sort(`select * from ${schema}."${name}"`)
      put(relations, kind, `${schema === 'pg_catalog' ? '' : 'information_schema.'}${name}`)
      if (kind === 'plain' && definition !== null && sort(String(definition)) !== 'plain') {
        through.push(String(name))
      }
    }
    await server.stop()
  }

  it('are known by name and reviewed', async () => {
    await expect(
      listed('Functions that look beyond their arguments, or change something', functions) +
        listed('Relations, read with all their columns', relations) +
        listed('Views of plain relations over what is not plain', new Map([['plain', through]])),
    ).toMatchFileSnapshot('side-doors.txt')
  })

  it.each([
    ...['pg_stats', 'pg_statistic', 'pg_statistic_ext_data', 'pg_stats_ext', 'pg_stats_ext_exprs'],
    ...['pg_stat_activity', 'pg_authid', 'pg_shadow', 'pg_largeobject', 'pg_user_mapping'],
    ...['pg_config', 'pg_file_settings', 'pg_hba_file_rules', 'pg_settings', 'pg_db_role_setting'],
    ...['pg_stat_statements', 'public.pg_stat_statements', 'pg_toast.pg_toast_1', 'cron.job'],
  ])('%s is no plain read, however it is reached', name => {
    for (const text of [
      `select * from ${name}`,
      `table ${name}`,
      `select count(*) from (select * from ${name}) x`,
      `with x as (select * from ${name}) select * from x`,
      `copy ${name} to stdout`,
      `select x from ${name} x`,
    ]) {
      expect(sort(text), text).toMatch(/^administer /)
    }
  })

  it.each([
    ...[
      'query_to_xml',
      'query_to_xmlschema',
      'query_to_xml_and_xmlschema',
      'table_to_xml',
      'schema_to_xml',
    ],
    ...[
      'database_to_xml',
      'cursor_to_xml',
      'ts_stat',
      'ts_rewrite',
      'currtid2',
      'lo_get',
      'loread',
      'lo_import',
    ],
    ...[
      'pg_read_file',
      'pg_read_binary_file',
      'pg_ls_dir',
      'pg_ls_waldir',
      'pg_stat_file',
      'pg_config',
    ],
    ...[
      'pg_show_all_settings',
      'pg_show_all_file_settings',
      'pg_hba_file_rules',
      'pg_stat_get_activity',
    ],
    ...[
      'pg_stat_get_backend_activity',
      'pg_logical_slot_get_changes',
      'pg_logical_slot_peek_changes',
    ],
    ...[
      'pg_logical_emit_message',
      'pg_export_snapshot',
      'pg_notify',
      'pg_mcv_list_items',
      'current_setting',
    ],
    ...[
      'dblink',
      'dblink_exec',
      'pg_get_loaded_modules',
      'pg_prepared_xact',
      'pg_get_sequence_data',
    ],
  ])('%s is no plain read, however it is called', name => {
    for (const text of [
      `select ${name}('a')`,
      `select pg_catalog.${name}('a')`,
      `select * from ${name}('a')`,
      `select ('a'::text).${name}`,
      `select 1 where ${name}('a') is null`,
    ]) {
      if (text.includes(').') && name.startsWith('dblink')) continue // a name outside pg_catalog: the catalog tells
      expect(sort(text), text).toMatch(/^execute (?!read$)/)
    }
  })

  it('still lets tools ask what they must', () => {
    for (const text of [
      "select setting from pg_settings where name = 'max_identifier_length'",
      'select rolname, rolsuper from pg_roles',
      'select srvname from pg_foreign_server',
      'select oid, relname from pg_class',
      "select has_table_privilege('t', 'select')",
      'select pg_get_viewdef(1)',
    ]) {
      expect(sort(text), text).toBe('plain')
    }
    for (const text of [
      "select setting from pg_settings where name = 'primary_conninfo'",
      "select setting from pg_settings where name = 'search_path' or true",
      'select rolconfig from pg_roles',
      'select r.rolconfig from pg_roles r',
      'select srvoptions from pg_foreign_server',
    ]) {
      expect(sort(text), text).toMatch(/^administer /)
    }
  })
})
