// Tables in which every cell carries a mark of its column: a letter sequence that survives case, quoting and
// escaping, so that a value can be recognised wherever it comes out.

/** Relation → its text columns. What is a view's or a child's own column shows marks of others. */
export const tables: Readonly<Record<string, readonly string[]>> = {
  t1: ['a', 'b', 'c'],
  t2: ['a', 'd', 'e'],
  t3: ['b', 'f'],
  kid: ['a', 'b', 'c', 'k'],
  parts: ['p', 'q'],
  made: ['m', 'g'],
  v1: ['a', 'x'],
  v2: ['u', 'w'],
  w1: ['x', 'y'],
}

export const markOf = (table: string, column: string): string => `q${table}${column}q`

/** Marks, and the columns that they are planted in. */
export const marks: ReadonlyMap<string, string> = new Map(
  (['t1', 't2', 't3', 'kid', 'parts', 'made', 'w1'] as const).flatMap(table =>
    (tables[table] ?? [])
      // (What a child inherits is its parent's; what is generated is what it is made of.)
      .filter(column => column !== 'g' && (table !== 'kid' || column === 'k'))
      .map((column): [string, string] => [markOf(table, column), `public.${table}.${column}`]),
  ),
)

function filled(table: string, columns: readonly string[]): string {
  const values = columns.map(column => `'${markOf(table, column)}' || i`)
  return `insert into ${table} (id, ${columns.join(', ')}) select i, ${values.join(', ')} from generate_series(1, 3) i;`
}

export const INIT = `
  create type pair as (l text, r text);
  create table t1 (id int primary key, a text, b text, c text);
  create table t2 (id int primary key, a text, d text, e text);
  create table t3 (id int primary key, b text, f text);
  create table kid (k text) inherits (t1);
  create table parts (id int, p text, q text) partition by range (id);
  create table parts_low partition of parts for values from (0) to (2);
  create table parts_high (q text, dropped int, id int, p text);
  alter table parts_high drop column dropped;
  alter table parts attach partition parts_high for values from (2) to (9);
  create table made (id int primary key, m text, g text generated always as (m || '-') stored);
  create table w1 (id int primary key, x text, y text);
  ${filled('t1', ['a', 'b', 'c'])}
  ${filled('t2', ['a', 'd', 'e'])}
  ${filled('t3', ['b', 'f'])}
  insert into kid select i + 10, '${markOf('t1', 'a')}', '${markOf('t1', 'b')}', '${markOf('t1', 'c')}', '${markOf('kid', 'k')}'
    from generate_series(1, 2) i;
  ${filled('parts', ['p', 'q'])}
  ${filled('made', ['m'])}
  ${filled('w1', ['x', 'y'])}
  create view v1 as select t1.id, t1.a, upper(t2.d) as x from t1 join t2 using (id);
  create view v2 as with c as (select * from v1) select id, x as u, (select max(f) from t3) as w from c;
  grant all on all tables in schema public to app;
  grant create on schema public to app;
`
