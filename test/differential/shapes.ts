// Texts that are too much of one thing: deep, long, wide.

type Shape = readonly [name: string, make: (size: number) => string]

const nested = (open: string, middle: string, close: string) => (size: number) =>
  open.repeat(size) + middle + close.repeat(size)
const joined = (one: (at: number) => string, by: string, size: number) =>
  Array.from({ length: size }, (_, at) => one(at)).join(by)

export const shapes: readonly Shape[] = [
  ['brackets', size => `select ${nested('(', '1', ')')(size)}`],
  ['sub-queries', nested('select (', 'select ssn from customers', ')')],
  ['derived tables', size => `${nested('select * from (', 'table customers', ') t')(size)}`],
  ['arrays', size => `select ${nested('array[', '1', ']')(size)}`],
  ['rows', size => `select ${nested('row(', '1', ')')(size)}`],
  ['calls', size => `select ${nested('lower(', "'a'", ')')(size)}`],
  ['casts', size => `select 1${'::int'.repeat(size)}`],
  ['signs', size => `select ${'- '.repeat(size)}1`],
  ['NOT', size => `select ${'not '.repeat(size)}true`],
  ['CASE', nested('select case when true then ', '1', ' end')],
  ['CASE in CASE', size => `select ${nested('case when ', 'true', ' then true end')(size)}`],
  ['indirections', size => `select (c)${'.a'.repeat(size)} from customers c`],
  ['subscripts', size => `select a${'[1]'.repeat(size)} from customers`],
  ['sums', size => `select ${joined(at => `${at}`, '+', size)}`],
  ['sums of columns', size => `select ${joined(at => `c${at}`, '+', size)} from customers`],
  ['conditions', size => `delete from customers where ${joined(at => `id=${at}`, ' or ', size)}`],
  [
    'conjunctions',
    size => `delete from customers where ${joined(at => `a${at}=a${at}`, ' and ', size)}`,
  ],
  ['unions', size => joined(at => `select ${at} from t${at % 50}`, ' union all ', size)],
  ['joins', size => `select * from ${joined(at => `t${at}`, ' natural join ', size)}`],
  ['lists of tables', size => `select a, b from ${joined(at => `t${at}`, ',', size)}`],
  [
    'CTEs',
    size =>
      `with ${joined(at => `w${at} as (select * from ${at === 0 ? 'customers' : `w${at - 1}`})`, ',', size)} select * from w0`,
  ],
  ['nested CTEs', nested('with w as (', 'select ssn from customers', ') select * from w')],
  ['columns', size => `select ${joined(at => `c${at}`, ',', size)} from customers`],
  ['stars', size => `select ${joined(() => '*', ',', size)} from customers a, customers b`],
  ['values', size => `insert into customers values ${joined(at => `(${at},'x')`, ',', size)}`],
  [
    'values with calls',
    size => `insert into customers values ${joined(at => `(f${at}())`, ',', size)}`,
  ],
  ['IN', size => `select 1 from customers where id in (${joined(at => `${at}`, ',', size)})`],
  ['statements', size => joined(at => `select ${at}`, ';', size)],
  ['drops', size => `drop table ${joined(at => `t${at}`, ',', size)}`],
  ['semicolons', size => ';'.repeat(size)],
  ['pluses', size => `select ${'+'.repeat(size)}1`],
  ['operators that are none', size => `select 1 ${'*/'.repeat(size)}`],
  ['open lists', size => `insert into t ${'values ('.repeat(size)}`],
  ['open arrays', size => `select ${'array[1,'.repeat(size)}`],
  ['lists in lists', nested('select 1 in (', '1', ')')],
  [
    'short comments',
    size => `select 1 ${`${'/*'.repeat(60)} ${'*/'.repeat(60)} `.repeat(Math.ceil(size / 50))}`,
  ],
  ['comments', size => `select 1 ${'/*'.repeat(size)}${'*/'.repeat(size)}`],
  ['a name', size => `select "${'x'.repeat(size)}" from customers`],
  ['a string', size => `select '${"''".repeat(size)}'`],
  ['an escaped string', size => `select e'${'\\u0041'.repeat(size)}'`],
  ['a number', size => `select ${'9'.repeat(size)}`],
  ['a dollar quote', size => `do $$${'begin '.repeat(size)}${'end; '.repeat(size)}$$`],
  ['parameters', size => `select ${joined(at => `$${at + 1}`, ',', size)}`],
  [
    'windows',
    size => `select ${joined(at => `sum(a) over (partition by b${at})`, ',', size)} from customers`,
  ],
  ['functions in FROM', size => `select * from ${joined(at => `f${at}()`, ',', size)}`],
  ['options', size => `explain (${joined(() => 'costs off', ',', size)}) select 1`],
  [
    'MERGE',
    size =>
      `merge into customers c using orders o on c.id = o.id ${joined(() => 'when matched then delete', ' ', size)}`,
  ],
  [
    'grouping sets',
    size => `select 1 from t group by ${nested('grouping sets (', 'a', ')')(size)}`,
  ],
  ['ALTER', size => `alter table t ${joined(at => `add column c${at} int`, ',', size)}`],
  ['EXPLAIN of EXPLAIN', size => `${'prepare x as '.repeat(size)}select 1`],
  [
    'schemas in schemas',
    size => `create schema a ${joined(at => `create table t${at} (i int)`, ' ', size)}`,
  ],
]
