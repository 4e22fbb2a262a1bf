// What the catalog tells of relations, columns and code, read from a real MariaDB.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createMysqlAnalyser,
  type MysqlAnalyser,
  type MysqlReading,
  mysqlGrammar,
  readMysqlBody,
  toStatement,
} from '#engines/sql'
import type { Statement } from '#model'
import { startMariadb } from '../../../test/servers/mariadb.ts'
import { readRows } from './catalog-rows.ts'
import { CatalogSnapshot } from './catalog-snapshot.ts'

const world = `
create table customers (id int primary key, Name varchar(40), SSN varchar(20), secret varchar(20) invisible,
  loud varchar(50) as (upper(ssn)) virtual);
create table orders (id int primary key, note varchar(40));
create table log (what varchar(40));
create view plain as select id, ssn as s, upper(ssn) as u, 1 as one from customers;
create view nested as select s, u from plain;
create function own(x int) returns varchar(20) reads sql data return (select ssn from customers where id = x);
create view calling as select own(id) as o from customers;
create function built() returns int return 1;
create function größe() returns int return 2;
create procedure runs(t text) begin prepare s from @q; execute s; end;
create procedure removes(i int) begin declare n int; delete from orders where id = i; end;
create trigger logs after update on orders for each row insert into log values (new.note);
`

const reading: MysqlReading = { flavour: 'mariadb', version: 101119, database: 'app' }
let stop: () => Promise<void>
let analyser: MysqlAnalyser
let catalog: CatalogSnapshot
/** Of a server whose names of tables have no case. */
let folding: CatalogSnapshot

beforeAll(async () => {
  const server = await startMariadb({ init: world })
  stop = () => server.stop()
  analyser = await createMysqlAnalyser(await readFile(mysqlGrammar))
  const session = await server.session({ rowsAsArray: true })
  const rows = await readRows(async question => {
    const [answer] = await session.query({ sql: question, rowsAsArray: true })
    return (answer as unknown[][]).map(row =>
      row.map(cell => (cell === null ? null : String(cell))),
    )
  })
  const snapshot = (fold: boolean) =>
    new CatalogSnapshot(rows, {
      analyser,
      flavour: 'mariadb',
      version: 101119,
      fold,
      codeOf: (body, parameters, within) =>
        readMysqlBody(body, parameters, text => analyser.analyse(text, within)),
    })
  catalog = snapshot(false)
  folding = snapshot(true)
})
afterAll(() => stop())

function made(text: string): Statement {
  const analysis = analyser.analyse(text, reading)
  if (!analysis.readable) throw new Error(analysis.message)
  return catalog.expanded(toStatement(analysis, catalog.names('app'), { text, phase: 'execute' }))
}

const outputs = (text: string): unknown => made(text).lineage?.[0]?.outputs
const of = (column: string) => ({ object: 'app.customers', column })

describe('columns', () => {
  it('have lower case names, and hidden ones are none that a star shows', () => {
    expect(catalog.names('app').resolve({ schema: undefined, name: 'customers' })).toMatchObject([
      {
        object: 'app.customers',
        kind: 'table',
        columns: ['id', 'name', 'ssn', 'loud'],
        hidden: ['secret'],
        numeric: new Set(['id']),
      },
    ])
  })

  it('of a view are what the view makes them of', () => {
    const s = { object: 'app.plain', column: 's' }
    expect(catalog.columnOf('app.plain', 's')).toEqual({ sources: [s, of('ssn')], shape: 'same' })
    expect(catalog.columnOf('app.plain', 'u')).toMatchObject({ shape: 'computed' })
    expect(catalog.columnOf('app.nested', 'u')?.sources).toContainEqual(of('ssn'))
    expect(catalog.columnOf('app.plain', 'one')?.sources).toEqual([
      { object: 'app.plain', column: 'one' },
    ])
    expect(catalog.columnOf('app.calling', 'o')).toEqual({ sources: 'all', shape: 'computed' })
  })

  it('that are generated are what they are made of', () => {
    expect(catalog.columnOf('app.customers', 'loud')).toEqual({
      sources: [of('loud'), of('ssn')],
      shape: 'computed',
    })
  })

  it('that nobody has are not known', () => {
    expect(catalog.columnOf('app.customers', 'nosuch')).toBeUndefined()
    expect(catalog.columnOf('app.nosuch', 'ssn')).toBeUndefined()
  })
})

describe('a statement', () => {
  it('is traced through views and generated columns', () => {
    expect(outputs('select s, u, one from nested join plain using (s, u)')).toMatchObject([
      { sources: expect.arrayContaining([of('ssn')]) },
      { sources: expect.arrayContaining([of('ssn')]), how: 'transformed' },
      { sources: [{ object: 'app.plain', column: 'one' }] },
    ])
    expect(outputs('select Loud from customers')).toMatchObject([
      { sources: [of('loud'), of('ssn')], how: 'transformed' },
    ])
    expect(outputs('select * from customers')).toHaveLength(4)
  })

  it('of a table that no catalog shows may answer with anything', () => {
    const statement = made('select ssn from kept')
    expect(statement.operations).toMatchObject([{ object: { name: 'app.kept' } }])
    expect(statement.lineage?.[0]?.outputs).toMatchObject([{ how: 'unknown' }])
  })

  it('asks the server about itself without counting as anything else', () => {
    const text = "select TABLE_NAME from INFORMATION_SCHEMA.tables where table_schema = 'app'"
    expect(outputs(text)).toMatchObject([{ how: 'identity' }])
    expect(outputs('select info from information_schema.processlist')).toMatchObject([
      { how: 'unknown' },
    ])
  })

  it('that calls a function does what the function does', () => {
    const { operations, lineage } = made('select own(1)')
    expect(operations).toContainEqual(
      expect.objectContaining({
        action: 'read',
        object: expect.objectContaining({ name: 'app.customers' }),
        flags: expect.arrayContaining(['indirect', 'definer']),
      }),
    )
    expect(lineage?.[0]?.outputs).toMatchObject([{ how: 'unknown' }])
  })

  it('that calls a procedure does what is in it, or anything when that is built at run time', () => {
    expect(made('call removes(1)').operations).toContainEqual(
      expect.objectContaining({
        action: 'write',
        verb: 'DELETE',
        object: expect.objectContaining({ name: 'app.orders' }),
      }),
    )
    expect(made("call runs('x')").operations).toContainEqual(
      expect.objectContaining({ flags: expect.arrayContaining(['dynamic']) }),
    )
  })

  it.each([
    ['call rémoves(1)', 'app.removes'],
    ['call REMÖVES(1)', 'app.removes'],
    ['select öwn(1)', 'app.own'],
    ['select app.ówn(1)', 'app.own'],
    ['select grose()', 'app.größe'],
    ['select GRÖSE()', 'app.größe'],
  ])('%s calls what the server takes for that name', (text, object) => {
    expect(made(text).operations.map(each => each.object.name)).toContain(object)
  })

  it('that calls what nobody has made calls that', () => {
    expect(made('select ówns(1)').operations.map(each => each.object.name)).not.toContain('app.own')
  })

  it('that writes does what triggers do', () => {
    const { operations } = made('update orders set note = 1 where id = 1')
    expect(operations).toContainEqual(
      expect.objectContaining({
        verb: 'INSERT',
        object: expect.objectContaining({ name: 'app.log' }),
        flags: expect.arrayContaining(['indirect']),
      }),
    )
  })
})

describe('a relation whose name has letters that only some servers take for one', () => {
  const named = (snapshot: CatalogSnapshot, name: string) =>
    snapshot
      .names('app')
      .resolve({ schema: undefined, name })
      .map(({ object }) => object)

  it('is that one where names of tables have no case', () => {
    for (const name of ['plain', 'PLAIN', 'plaİn', 'PLAİN'])
      expect(named(folding, name)).toEqual(['app.plain'])
    expect(named(folding, 'custo\u1e3fers')).toEqual(['app.customers'])
  })

  it('is another where they have', () => {
    expect(named(catalog, 'plaİn')).toEqual(['app.plaİn'])
    expect(named(catalog, 'PLAIN')).toEqual(['app.PLAIN'])
  })
})
