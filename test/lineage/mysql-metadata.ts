// What MariaDB's column definitions say of where a column's values come from, asked shape by shape: by text, by PREPARE and
// by EXECUTE. docs/mysql-metadata.md has the answers; by hand: `node test/lineage/mysql-metadata.ts` writes them there.
import { readFile, writeFile } from 'node:fs/promises'
import type { Connection, FieldPacket } from 'mysql2/promise'
import { type MariadbServer, startMariadb } from '../servers/mariadb.ts'

const PAGE = new URL('../../docs/mysql-metadata.md', import.meta.url)
const BEGIN = '<!-- measured: begin -->'
const END = '<!-- measured: end -->'

const world = `
create table customers (id int primary key, name varchar(40), ssn varchar(20), j json,
  loud varchar(50) as (upper(ssn)) virtual, both_names varchar(60) as (concat(name, ssn)) stored, key (name));
insert into customers (id, name, ssn, j) values (1, 'ann', '111-22-3333', '{"a": 1}'), (2, 'bob', '999-88-7777', '{}');
create table orders (id int primary key, customer_id int, note varchar(40));
insert into orders values (1, 1, 'x');
create table parts (id int, ssn varchar(20)) partition by hash (id) partitions 2;
insert into parts values (1, 'p');
create algorithm = merge view merged as select id, ssn as s, upper(ssn) as u from customers;
create algorithm = temptable view stored as select id, ssn as s from customers;
create view grouped as select max(ssn) as m from customers;
create view nested as select s from merged;
create function own(x int) returns varchar(20) reads sql data return (select ssn from customers where id = x);
create procedure answers() select ssn, upper(ssn) as u from customers;
`

const shapes: readonly string[] = [
  'select ssn from customers',
  'select ssn as x from customers c',
  'select (ssn) from customers',
  'select upper(ssn) from customers',
  'select ssn collate utf8mb4_bin from customers',
  'select cast(ssn as char) from customers',
  "select ifnull(ssn, '') from customers",
  'select coalesce(ssn) from customers',
  "select if(1, ssn, '') from customers",
  'select case when 1 then ssn end from customers',
  'select max(ssn) from customers',
  'select group_concat(ssn) from customers',
  'select json_arrayagg(ssn) from customers',
  "select json_value(j, '$.a') from customers",
  'select (select ssn from customers limit 1)',
  'select s from (select ssn as s from customers) d',
  'select s from (select ssn as s from customers limit 5) d',
  'select s from (select distinct ssn as s from customers) d',
  'select s from (select upper(ssn) as s from customers) d',
  'select note from (select ssn as note from customers) orders',
  'with x as (select ssn from customers) select ssn from x',
  'with orders as (select ssn as note from customers) select note from orders',
  'with x as (select ssn from customers limit 5) select ssn from x',
  'with recursive r as (select ssn, 1 as n from customers union all select ssn, n + 1 from r where n < 2) select ssn from r',
  'select ssn from customers union select ssn from customers',
  'select ssn from customers union all select note from orders',
  'select ssn from customers intersect select ssn from customers',
  'values (1)',
  'select s from merged',
  'select u from merged',
  'select s from stored',
  'select m from grouped',
  'select s from nested',
  'select ssn from customers group by ssn',
  'select ssn from customers group by ssn with rollup',
  'select distinct ssn from customers',
  'select ssn from customers order by ssn limit 1',
  'select first_value(ssn) over (order by id) from customers',
  'select ssn, row_number() over (order by id) from customers',
  'select id from customers join orders using (id)',
  'select id from customers right join orders using (id)',
  'select * from orders natural join customers',
  'select o.note from customers c left join orders o on o.id = 99',
  'select own(1)',
  'select @v := ssn from customers',
  'select @v',
  'select loud, both_names from customers',
  'select ssn from parts partition (p1)',
  "select 'x' as ssn",
  "select t.a from customers, json_table(j, '$' columns (a int path '$.a')) t",
  'select ssn from customers for update',
  'select ssn from customers procedure analyse()',
  'insert into orders (id, note) select 7, ssn from customers limit 1 returning note',
  'delete from orders where id = 7 returning note',
  'show columns from orders',
  'show create table orders',
  'show tables',
  'show warnings',
  'explain select ssn from customers',
  'analyze select ssn from customers',
  "select column_name from information_schema.columns where table_schema = 'app' limit 1",
  'call answers()',
  'create temporary table kept as select ssn from customers',
  'select ssn from kept',
  'handler orders open',
  'handler orders read first',
]

/** They would do a second time what they did the first. */
const once = /^(insert|delete|create|handler|select @v :=)/

export interface Measured {
  readonly shape: string
  readonly text: string
  /** Undefined: it cannot be prepared, or was not. */
  readonly prepared: string | undefined
  readonly executed: string | undefined
}

/** On a server of its own. */
export async function measure(): Promise<readonly Measured[]> {
  const server = await startMariadb({ init: world })
  try {
    return await measured(server)
  } finally {
    await server.stop()
  }
}

async function measured(server: MariadbServer): Promise<readonly Measured[]> {
  const session = await server.session()
  const all: Measured[] = []
  for (const shape of shapes) {
    const text = told(await fieldsOf(session, shape))
    const more = once.test(shape) ? undefined : await byExecute(session, shape)
    all.push({ shape, text, prepared: more?.prepared, executed: more?.executed })
  }
  return all
}

async function fieldsOf(session: Connection, shape: string): Promise<readonly FieldPacket[]> {
  const [, fields] = await session.query({ sql: shape, rowsAsArray: true })
  return first(fields)
}

async function byExecute(
  session: Connection,
  shape: string,
): Promise<{ readonly prepared: string; readonly executed: string }> {
  const prepared = await session.prepare(shape)
  const inner = (prepared as unknown as { readonly statement: { readonly columns: FieldPacket[] } })
    .statement
  const before = told(inner.columns)
  const [, fields] = await prepared.execute([])
  await prepared.close()
  return { prepared: before, executed: told(first(fields)) }
}

/** Of several answers the first. */
function first(fields: unknown): readonly FieldPacket[] {
  if (!Array.isArray(fields)) return []
  return Array.isArray(fields[0]) ? (fields[0] as FieldPacket[]) : (fields as FieldPacket[])
}

/** `schema.table.column` as `schema`, `org_table`, `org_name`; what is empty is `-`. The `table` in brackets where it differs. */
function told(fields: readonly FieldPacket[]): string {
  if (fields.length === 0) return 'no columns'
  const each = fields.map(field => {
    const { schema, table, orgTable, orgName } = field as FieldPacket & { readonly schema: string }
    const says = [schema, orgTable, orgName].map(part =>
      part === '' || part === undefined ? '-' : part,
    )
    const origin = says.every(part => part === '-') ? '-' : says.join('.')
    return table === orgTable || table === '' ? origin : `${origin} (${table})`
  })
  return [...new Set(each)].join(', ')
}

/** The lines of the table in the page. */
export function linesOf(all: readonly Measured[]): readonly string[] {
  const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``
  return all.map(({ shape, text, prepared, executed }) => {
    const other = prepared === undefined || prepared === text ? '' : code(prepared)
    const last = executed === undefined || executed === text ? '' : code(executed)
    return `| ${code(shape)} | ${code(text)} | ${other} | ${last} |`
  })
}

/** What the page says. */
export async function linesInPage(): Promise<readonly string[]> {
  const page = await readFile(PAGE, 'utf8')
  const between = page.slice(page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END))
  return between.trim().split('\n').slice(2)
}

if (import.meta.main) {
  const page = await readFile(PAGE, 'utf8')
  const table = [
    '| statement | text | where PREPARE says something else | where EXECUTE does |',
    '|---|---|---|---|',
    ...linesOf(await measure()),
  ]
  const start = page.indexOf(BEGIN) + BEGIN.length
  await writeFile(
    PAGE,
    `${page.slice(0, start)}\n${table.join('\n')}\n${page.slice(page.indexOf(END))}`,
  )
}
