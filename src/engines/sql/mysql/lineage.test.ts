// Where values come from and go in MySQL's and MariaDB's SQL.
import { describe, expect, it } from 'vitest'
import { outputsAs, probesAs, transfersAs } from '../lineage.testing.ts'
import { comparedIn, lineageByGrammar, lineageOf } from './lineage.testing.ts'

const outputs = (text: string) => outputsAs(lineageOf(text))
const probes = (text: string) => probesAs(lineageOf(text))
const transfers = (text: string) => transfersAs(lineageOf(text))

describe('the columns of an answer', () => {
  it.each([
    ['select ssn, id from customers', '=customers.ssn =customers.id'],
    ['select SSN as Id from shop.customers', '=customers.ssn'],
    ['select c.SSN from customers c', '=customers.ssn'],
    ['select shop.c.ssn from customers c', '=customers.ssn'],
    ['select (ssn) from customers', '=customers.ssn'],
    ['select * from customers', '=customers.id =customers.name =customers.ssn'],
    ['select c.* from customers c, orders', '=customers.id =customers.name =customers.ssn'],
    ['select upper(ssn), 1, now() from customers', '~customers.ssn - -'],
    ['select concat(name, ssn) from customers', '~customers.name,customers.ssn'],
    ['select if(id = 1, ssn, name) from customers', '~customers.id,customers.name,customers.ssn'],
    ['select ifnull(ssn, name) from customers', '~customers.name,customers.ssn'],
    ['select case id when 1 then ssn end from customers', '~customers.id,customers.ssn'],
    [
      'select cast(ssn as char), convert(ssn using latin1) from customers',
      '~customers.ssn ~customers.ssn',
    ],
    ['select ssn collate utf8mb4_bin, binary ssn from customers', '~customers.ssn ~customers.ssn'],
    [
      'select group_concat(ssn order by name separator 0x2c) from customers',
      '+customers.name,customers.ssn',
    ],
    ['select json_arrayagg(ssn), max(ssn) from customers', '+customers.ssn +customers.ssn'],
    ['select count(*), count(ssn), count(distinct ssn) from customers', '- - -'],
    ['select lag(ssn) over (order by id) from customers', '+customers.id,customers.ssn'],
    [
      'select first_value(ssn) over w from customers window w as (order by id)',
      '+customers.id,customers.ssn',
    ],
    ['select (select ssn from customers limit 1)', '=customers.ssn'],
    ['select exists(select 1 from customers where ssn = 0)', '~customers.ssn'],
    ['select x.s from (select ssn as s from customers) x', '=customers.ssn'],
    [
      'select * from (select ssn from customers union select note from orders) x',
      '=customers.ssn,orders.note',
    ],
    ["select ssn from customers union all select 'x'", '~customers.ssn'],
    ['(select ssn from customers) order by 1 limit 1', '=customers.ssn'],
    ['with x (s) as (select ssn from customers) select S from x', '=customers.ssn'],
    [
      'with recursive r as (select ssn, 1 as n from customers union all select ssn, n + 1 from r where n < 3) select ssn from r',
      '=customers.ssn',
    ],
    [
      'select * from customers join orders using (id)',
      '=customers.id,orders.id =customers.name =customers.ssn =orders.customer_id =orders.note',
    ],
    [
      'select * from customers natural right join orders',
      '=customers.id,orders.id =orders.customer_id =orders.note =customers.name =customers.ssn',
    ],
    [
      'select t.a from customers, json_table(ssn, "$" columns (a text path "$")) t',
      '~customers.ssn',
    ],
    ["select ssn->'$.a' from customers", '~customers.ssn'],
    ['select 1 from dual', '-'],
    ['select @@version, current_user, utc_date', '- - -'],
    ['select veiled.* from veiled', '=veiled.id =veiled.shown'],
    ['select ssn from veiled', '=veiled.ssn'],
    ['values (1, (select ssn from customers))', '- =customers.ssn'],
    ['delete from customers where id = 1', ''],
    ['insert into orders (note) values (1) returning note, id', '=orders.note =orders.id'],
    [
      'insert into orders (note) select ssn from customers returning upper(note)',
      '~customers.ssn,orders.note',
    ],
  ])('%s', (text, expected) => {
    expect(outputs(text)).toBe(expected)
  })

  it.each([
    'select @v from customers',
    'select mine(ssn) from customers',
    'select shop.own(ssn) from customers',
    'select load_file(ssn) from customers',
    'select _rowid from customers',
    'select x from nowhere',
    'select name_const("x", 1)',
  ])('of %s it cannot be told', text => {
    const { outputs: found } = lineageOf(text)
    expect(found === 'unknown' || found.every(({ how }) => how === 'unknown')).toBe(true)
  })
})

describe('names are looked for as the server does', () => {
  it('a qualified column that the nearest relation of the name has not is that of a farther one', () => {
    expect(outputs('select (select t.ssn from (select 1 as z) t) from customers t')).toBe(
      '=customers.ssn',
    )
  })

  it('a sub-query sees the aliases of the query around it', () => {
    expect(outputs('select ssn as x, (select x) from customers')).toBe(
      '=customers.ssn =customers.ssn',
    )
  })

  it('whether an alias in other letters is meant hangs on the server: it counts', () => {
    expect(
      outputs('select (select A.ssn from customers a) from (select note as ssn from orders) A'),
    ).toBe('=customers.ssn,orders.note')
  })

  it('a column that a star passes over is found in a join', () => {
    const joins = [
      'veiled cross join orders',
      'orders left join veiled using (id)',
      'orders, veiled',
    ]
    for (const from of joins) {
      expect(outputs(`select note as ssn, (select ssn) from ${from}`)).toBe(
        '=orders.note =orders.note,veiled.ssn',
      )
    }
  })

  it('a column of VALUES may be called anything', () => {
    const inner = '(values (1), ((select ssn from customers limit 1))) v'
    expect(
      outputs(`select (select \`1\` from ${inner}) from (select note as \`1\` from orders) o`),
    ).toBe('~customers.ssn,orders.note')
  })

  it('an expression without an alias is found by its text', () => {
    expect(outputs('select `upper(ssn)` from (select upper(ssn) from customers) d')).toBe(
      '~customers.ssn',
    )
    expect(
      outputs(
        'select (select `upper(ssn)` from (select upper(ssn) from customers) d) from (select 1 as `upper(ssn)`) o',
      ),
    ).toBe('~customers.ssn')
  })

  it('ORDER BY and HAVING see aliases inside expressions', () => {
    expect(probes('select ssn as x from customers order by concat(x)')).toBe('order:customers.ssn')
    expect(probes("select upper(ssn) as x from customers having x like 'a%'")).toBe(
      'condition:customers.ssn',
    )
  })

  it.each([
    'select sql_cache ssn from customers',
    'select (select sql_cache ssn from customers limit 1) from (select 1 as sql_cache) d',
    'select ssn from customers procedure',
    'select * from customers full join orders using (id)',
  ])('a word that the server reads otherwise ends it: %s', text => {
    expect(lineageByGrammar(text)).toEqual({
      outputs: 'unknown',
      probes: 'unknown',
      transfers: 'unknown',
    })
  })
})

describe('what is asked of columns', () => {
  it.each([
    ["select 1 from customers where ssn = '1'", 'equality:customers.ssn'],
    [
      "select 1 from customers where '1' = ssn and name <=> 'a'",
      'equality:customers.name,customers.ssn',
    ],
    ["select 1 from customers where ssn in ('1', ?)", 'equality:customers.ssn'],
    ['select 1 from customers where ssn = ?', 'equality:customers.ssn'],
    // A number is held against what each text is as a number: '0' for most.
    ['select 1 from customers where ssn = 0', 'condition:customers.ssn'],
    ['select 1 from customers where ssn = true', 'condition:customers.ssn'],
    ["select 1 from customers where ssn in ('1', 0)", 'condition:customers.ssn'],
    ['select 1 from customers where id = 7 or id in (1, -2)', 'equality:customers.id'],
    ["select 1 from customers where (id, ssn) = (1, '2')", 'equality:customers.id,customers.ssn'],
    ["select 1 from customers where ssn = '1' collate utf8mb4_bin", 'condition:customers.ssn'],
    ["select 1 from customers where not ssn = '1'", 'condition:customers.ssn'],
    ["select 1 from customers where ssn like '1%'", 'condition:customers.ssn'],
    ["select 1 from customers where ssn regexp '^1'", 'condition:customers.ssn'],
    ['select 1 from customers where ssn between 1 and 2', 'condition:customers.ssn'],
    ['select 1 from customers where ssn is null', 'condition:customers.ssn'],
    ["select 1 from customers where match (ssn) against ('1')", 'condition:customers.ssn'],
    [
      'select 1 from customers c join orders o on c.id = o.customer_id',
      'join:customers.id,orders.customer_id',
    ],
    ['select 1 from customers natural join orders', 'join:customers.id,orders.id'],
    ['select 1 from customers order by ssn', 'order:customers.ssn'],
    ['select ssn from customers order by 1', 'order:customers.ssn'],
    ['select 1 from customers group by ssn', 'group:customers.ssn'],
    ['select distinct ssn from customers', 'group:customers.ssn'],
    ['select exp(ssn) from customers', 'argument:customers.ssn'],
    ["select extractvalue(ssn, '/a') from customers", 'argument:customers.ssn'],
    ['select ssn + 1 from customers', 'argument:customers.ssn'],
    ['select if(ssn, sleep(1), 0) from customers', 'argument:customers.ssn'],
    ['select if(ssn, exp(999), 0) from customers', 'argument:customers.ssn'],
    ['select if(ssn, exp(id), 0) from customers', 'argument:customers.id,customers.ssn'],
    ['select if(ssn, (select 1 union select 2), 0) from customers', 'argument:customers.ssn'],
    ['update customers set name = 1 order by ssn limit 1', 'order:customers.ssn'],
    ['delete from customers order by ssn limit 1', 'order:customers.ssn'],
    ['insert ignore into customers (ssn) values (1)', 'conflict:customers.ssn'],
    ['insert low_priority ignore customers (ssn) values (1)', 'conflict:customers.ssn'],
    ['insert ignore into customers set ssn = 1', 'conflict:customers.ssn'],
    [
      'update ignore customers set ssn = 1, name = 2 where id = 3',
      'conflict:customers.name,customers.ssn equality:customers.id',
    ],
    ['update low_priority ignore customers c set c.ssn = 1', 'conflict:customers.ssn'],
    ['update ignore orders o, customers c set c.ssn = 1', 'conflict:customers.ssn'],
    ['replace into customers (ssn) values (1)', 'conflict:customers.ssn'],
  ])('%s', (text, expected) => {
    expect(probes(text)).toBe(expected)
  })

  it('a parameter that is bound as a number is no plain equality with text', () => {
    const text = 'select 1 from customers where ssn = ? and id = ?'
    expect(probesAs(lineageOf(text, { numbersBound: true }))).toBe(
      'condition:customers.ssn equality:customers.id',
    )
  })

  it('values are told by their place in the text', () => {
    const text =
      "select (select 1 from orders where id = ?) from customers where ssn = ? and name in ('a', 'b') order by ?"
    expect(comparedIn(text)).toEqual(
      expect.arrayContaining([
        { columns: [{ object: 'orders', column: 'id' }], value: { parameter: 0 } },
        { columns: [{ object: 'customers', column: 'ssn' }], value: { parameter: 1 } },
        { columns: [{ object: 'customers', column: 'name' }], value: { text: 'a' } },
      ]),
    )
  })
})

describe('values that go elsewhere', () => {
  it.each([
    ['insert into orders (note) select ssn from customers', 'INSERT =customers.ssn>orders.note'],
    [
      'insert into orders select id, 1, ssn from customers',
      'INSERT =customers.id>orders.id; INSERT =customers.ssn>orders.note',
    ],
    [
      'insert into orders set note = (select ssn from customers)',
      'INSERT =customers.ssn>orders.note',
    ],
    ['replace into orders (note) select ssn from customers', 'INSERT =customers.ssn>orders.note'],
    [
      'insert into veiled select id, ssn from customers',
      'INSERT =customers.id>veiled.id; INSERT =customers.ssn>veiled.shown',
    ],
    [
      'insert into orders (note) select name from customers on duplicate key update note = customers.ssn',
      'INSERT =customers.name>orders.note; INSERT =customers.ssn>orders.note',
    ],
    [
      'insert into orders (note) select ssn from customers on duplicate key update customer_id = values(note)',
      'INSERT =customers.ssn>orders.note; INSERT =customers.ssn>orders.customer_id',
    ],
    [
      'insert into orders (note) values ((select ssn from customers)) as new on duplicate key update note = new.note',
      'INSERT =customers.ssn>orders.note; INSERT =customers.ssn>orders.note',
    ],
    [
      'update orders o join customers c on c.id = o.id set o.note = c.ssn',
      'UPDATE =customers.ssn>orders.note',
    ],
    ['update orders join customers using (id) set note = ssn', 'UPDATE =customers.ssn>orders.note'],
    ['update customers set name = ssn', 'UPDATE =customers.ssn>customers.name'],
    ['create table x as select ssn from customers', 'CREATE TABLE AS =customers.ssn'],
    ['select ssn into @v from customers', 'SELECT INTO =customers.ssn'],
    ['select @v := ssn from customers', '@ =customers.ssn'],
    ['select 1 from customers where @v := ssn', '@ =customers.ssn'],
    ['set @v = (select ssn from customers)', 'SET =customers.ssn'],
    [
      'select get_lock(ssn, 1), sleep(ssn) from customers',
      'get_lock ~customers.ssn; sleep ~customers.ssn',
    ],
    ['select last_insert_id(id) from customers', 'last_insert_id ~customers.id'],
    ['select shop.own(ssn) from customers', 'own ~customers.ssn'],
    ['call own((select ssn from customers))', 'own ~customers.ssn'],
  ])('%s', (text, expected) => {
    expect(transfers(text)).toBe(expected)
  })

  it('a CTE of the source is none of the tables that ON DUPLICATE KEY UPDATE names', () => {
    const source = 'with orders as (select ssn as note from customers) select 1 from orders'
    const text = `insert into veiled (shown) ${source} on duplicate key update shown = orders.note`
    expect(transfers(text)).toBe('unknown')
  })

  it('into a file goes what the query answers', () => {
    const lineage = lineageOf('select ssn from customers', { into: 'INTO OUTFILE' })
    expect(transfersAs(lineage)).toBe('INTO OUTFILE =customers.ssn')
    expect(lineage.outputs).toEqual([])
  })

  it('a view that is made moves nothing: the catalog knows what it shows', () => {
    expect(transfers('create view v as select ssn from customers')).toBe('')
  })
})
