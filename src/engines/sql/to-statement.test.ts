import { beforeAll, describe, expect, it } from 'vitest'
import type { Statement } from '#model'
import {
  type Analyser,
  createPostgresAnalyser,
  type Names,
  type SqlStatement,
  type StatementContext,
  toStatement,
} from './index.ts'

let analyser: Analyser
beforeAll(async () => {
  analyser = await createPostgresAnalyser()
})

const tables: Record<string, readonly string[]> = {
  customers: ['id', 'name', 'ssn'],
  orders: ['id', 'customer_id', 'total'],
}
const names: Names = {
  resolve: ({ schema, name }) =>
    (schema ?? 'public') === 'public' && tables[name] !== undefined
      ? [{ object: `public.${name}`, kind: 'table', columns: tables[name] }]
      : [],
}

function made(text: string, more: Partial<StatementContext> = {}, by: Names = names): Statement {
  const analysis = analyser.analyse(text)
  if (!analysis.readable) throw new Error(analysis.message)
  return toStatement(analysis, by, { text, phase: 'execute', ...more })
}
function says(statement: Statement): string[] {
  return statement.operations.map(
    ({ action, verb, object, columns, flags }) =>
      `${action} ${verb} ${object.kind}:${object.name}(${columns.join(' ')})${flags.length > 0 ? ` [${flags.join(' ')}]` : ''}`,
  )
}
const origins = (statement: Statement) =>
  statement.mayDeriveFrom === 'all'
    ? 'all'
    : statement.mayDeriveFrom.map(each => `${each.object}.${each.column}`).sort()
function inner(text: string): SqlStatement | undefined {
  const analysis = analyser.analyse(text)
  return analysis.readable ? analysis.statements[0] : undefined
}

describe('a statement', () => {
  it('names objects and columns as the catalog does', () => {
    const [customers, orders] = made(
      'SELECT c.name, total FROM customers c JOIN orders ON customer_id = c.id',
    ).operations
    expect([...(customers?.columns ?? [])].sort()).toEqual(['id', 'name'])
    expect([...(orders?.columns ?? [])].sort()).toEqual(['customer_id', 'total'])
  })

  it('names all columns for a star, in a write without a list too', () => {
    expect(says(made('SELECT * FROM customers'))).toEqual([
      'read SELECT table:public.customers(id name ssn)',
    ])
    expect(says(made('INSERT INTO orders SELECT 1, 2, 3'))).toEqual([
      'write INSERT table:public.orders(id customer_id total)',
    ])
  })

  it('names what the catalog does not know as written', () => {
    expect(says(made('SELECT x FROM s.nothing'))).toEqual(['read SELECT table:s.nothing(x)'])
    expect(says(made('CREATE TABLE fresh (i int)'))).toEqual(['define CREATE TABLE table:fresh()'])
    expect(
      says(made('CREATE TABLE fresh (i int)', {}, { ...names, creationSchema: 'app' })),
    ).toEqual(['define CREATE TABLE table:app.fresh()'])
  })

  it('takes names as written where the columns are not known', () => {
    const bare: Names = {
      resolve: ({ name }) => [{ object: `public.${name}`, kind: 'table', columns: [] }],
    }
    const statement = made('SELECT c.name, ssn FROM customers c', {}, bare)
    expect(says(statement)).toEqual(['read SELECT table:public.customers(name ssn)'])
    expect(statement.mayDeriveFrom).toBe('all')
    const spied: Names = {
      ...bare,
      functions: ({ name }) => (name === 'spy' ? ['public.spy'] : []),
    }
    expect(says(made('SELECT c.spy FROM customers c', {}, spied))).toContain(
      'execute SELECT function:public.spy() [dynamic]',
    )
  })

  it('has an operation for each relation that a name may mean', () => {
    const two: Names = {
      resolve: ({ name }) =>
        ['a', 'b'].map(schema => ({ object: `${schema}.${name}`, kind: 'table', columns: ['x'] })),
    }
    expect(says(made('SELECT x FROM t', {}, two))).toEqual([
      'read SELECT table:a.t(x)',
      'read SELECT table:b.t(x)',
    ])
  })

  it('says when it is one of several, and is never empty', () => {
    expect(says(made('BEGIN; DELETE FROM orders'))).toEqual([
      'connect BEGIN resource:() [multiple]',
      'write DELETE table:public.orders() [unfiltered multiple]',
    ])
    expect(says(made(' -- nothing'))).toEqual(['connect EMPTY resource:()'])
    expect(says(made('SELECT 1'))).toEqual(['connect SELECT resource:()'])
  })

  it('carries what it was given', () => {
    const parameters = [{ type: '23', format: 'text' as const, value: null }]
    expect(
      made('SELECT $1', {
        phase: 'prepare',
        parameters,
        state: { role: 'x' },
        inTransaction: true,
      }),
    ).toMatchObject({
      text: 'SELECT $1',
      phase: 'prepare',
      parameters,
      state: { role: 'x' },
      inTransaction: true,
      functions: [],
    })
  })
})

describe('what stands for another statement', () => {
  const prepared = (name: string) => (name === 'q' ? inner('DELETE FROM orders') : undefined)

  it('is judged as that statement', () => {
    expect(says(made('EXECUTE q', { prepared }))).toEqual([
      'write DELETE table:public.orders() [unfiltered]',
    ])
    expect(says(made('EXPLAIN ANALYZE EXECUTE q', { prepared }))).toEqual([
      'write DELETE table:public.orders() [unfiltered]',
    ])
    expect(says(made('EXPLAIN EXECUTE q', { prepared }))).toEqual([
      'read DELETE table:public.orders() [unfiltered explain]',
    ])
    expect(says(made('FETCH c', { cursor: () => inner('SELECT ssn FROM customers') }))).toEqual([
      'read SELECT table:public.customers(ssn)',
    ])
  })

  it('is dynamic when nobody knows the name', () => {
    const unknown = made('EXECUTE nothing', { prepared })
    expect(says(unknown)).toEqual(['execute EXECUTE prepared statement:nothing() [dynamic]'])
    expect(unknown.mayDeriveFrom).toBe('all')
    expect(says(made('FETCH c'))).toEqual(['execute FETCH cursor:c() [dynamic]'])
    expect(says(made('EXECUTE e', { prepared: () => inner('EXPLAIN EXECUTE e') }))).toContain(
      'execute EXECUTE prepared statement:e() [dynamic]',
    )
  })

  it('is found earlier in the same text', () => {
    expect(says(made('PREPARE p AS DELETE FROM orders; EXECUTE p'))).toEqual([
      'write DELETE table:public.orders() [unfiltered multiple]',
    ])
    expect(says(made('DECLARE c CURSOR FOR SELECT ssn FROM customers; FETCH c'))).toEqual([
      'read SELECT table:public.customers(ssn) [multiple]',
    ])
  })
})

describe('what an output may derive from', () => {
  it('is the columns that the text names', () => {
    expect(origins(made('SELECT upper(name) FROM customers WHERE ssn = $1'))).toEqual([
      'public.customers.name',
      'public.customers.ssn',
    ])
    expect(origins(made('SELECT count(*) FROM customers'))).toEqual([])
    expect(origins(made('SELECT (SELECT max(total) FROM orders) FROM customers'))).toEqual([
      'public.orders.total',
    ])
  })

  it('is all columns of what is touched, for a star or a whole row', () => {
    const all = ['public.customers.id', 'public.customers.name', 'public.customers.ssn']
    for (const text of [
      'SELECT * FROM customers',
      'SELECT to_json(c) FROM customers c',
      'SELECT c.to_json FROM customers c',
    ]) {
      const seen = origins(made(text))
      expect(seen === 'all' || all.every(each => seen.includes(each)), text).toBe(true)
    }
  })

  it.each([
    'SELECT purge()',
    'SELECT x FROM nowhere',
    'DO $$begin end$$',
    'CALL p()',
    'EXECUTE q',
    'SELECT most_common_vals FROM pg_stats',
    'SELECT c.purge FROM customers c',
    'SELECT name::mood FROM customers',
  ])('is anything for %s', text => {
    expect(origins(made(text))).toBe('all')
  })

  it.each([
    "update customers set name = 'x'",
    'insert into customers (id) values (1)',
    'alter table customers add check (id > 0)',
    'create index on customers ((id::int))',
  ])(
    'is all columns of what is changed or defined, for constraints and triggers quote rows: %s',
    text => {
      expect(origins(made(text))).toEqual([
        'public.customers.id',
        'public.customers.name',
        'public.customers.ssn',
      ])
    },
  )

  it('includes what a view is made from', () => {
    const view: Names = {
      resolve: () => [
        {
          object: 'public.v',
          kind: 'view',
          columns: ['a'],
          derivesFrom: [{ object: 'public.customers', column: 'ssn' }],
        },
      ],
    }
    expect(origins(made('SELECT a FROM v', {}, view))).toEqual([
      'public.customers.ssn',
      'public.v.a',
    ])
  })
})

describe('functions of users', () => {
  it('are calls when they are written as columns', () => {
    expect(says(made('SELECT c.purge FROM customers c'))).toContain(
      'execute SELECT function:purge()',
    )
    expect(says(made('SELECT c.ctid, c.name FROM customers c'))).toHaveLength(1)
  })

  it('are found behind built-in names, casts and attributes when the catalog tells', () => {
    const known: Names = {
      ...names,
      functions: ({ name }) =>
        ['lower', 'spy', 'pg_sleep'].includes(name) ? [`public.${name}`] : [],
      isPlainType: ({ name }) => name === 'mood',
    }
    expect(says(made('SELECT lower($1)', {}, known))).toContain(
      'execute SELECT function:public.lower() [dynamic]',
    )
    expect(says(made('SELECT pg_catalog.lower($1)', {}, known))).toEqual([
      'connect SELECT resource:()',
    ])
    expect(says(made('SELECT spy()', {}, known))).toEqual([
      'execute SELECT function:public.spy() [dynamic]',
    ])
    expect(says(made('SELECT pg_sleep(1)', {}, known))).toEqual([
      'execute SELECT function:pg_catalog.pg_sleep()',
      'execute SELECT function:public.pg_sleep() [dynamic]',
    ])
    expect(says(made('SELECT s.spy FROM (SELECT 1) s', {}, known))).toContain(
      'execute SELECT function:public.spy() [dynamic]',
    )
    expect(says(made("SELECT 'x'::mood", {}, known))).toEqual(['connect SELECT resource:()'])
    expect(says(made("SELECT 'x'::other", {}, known))).toContain('execute SELECT type:other()')
  })

  it.each([
    [`SELECT * FROM json_to_record('{"c": "x"}') AS r(c spied)`, 'SELECT'],
    [`SELECT * FROM ROWS FROM (json_to_record('{}') AS (c spied[])) r`, 'SELECT'],
    ['PREPARE q (int, spied) AS SELECT $2', 'PREPARE'],
    ["PREPARE q (spied) AS SELECT $1; EXECUTE q ('x')", 'SELECT'],
  ])('are found behind the types that values become in %s', (text, verb) => {
    expect(says(made(text)).join()).toContain(`execute ${verb} type:spied()`)
  })

  it('are not looked for behind the types of a definition', () => {
    expect(says(made('CREATE TABLE t (c spied)'))).toEqual(['define CREATE TABLE table:t()'])
  })
})

describe('names that change their meaning within a text', () => {
  it('are followed along the search path', () => {
    const at = (path: string | undefined): Names => ({
      resolve: ({ schema, name }) =>
        (schema === undefined ? (path === undefined ? ['a', 'b'] : [path]) : [schema]).map(
          each => ({
            object: `${each}.${name}`,
            kind: 'table',
            columns: ['x'],
          }),
        ),
      withSearchPath: at,
    })
    const objects = (text: string) =>
      made(text, {}, at('a')).operations.map(each => each.object.name)
    expect(objects('SELECT x FROM t; SET search_path = b; SELECT x FROM t')).toEqual([
      'a.t',
      '',
      'b.t',
    ])
    expect(objects("SELECT set_config('search_path', 'b', false); SELECT x FROM t")).toEqual([
      '',
      'b.t',
    ])
    expect(objects('SET search_path = b; SELECT x FROM a.t')).toEqual(['', 'a.t'])
    expect(objects('RESET ALL; SELECT x FROM t')).toEqual(['', 'a.t', 'b.t'])
    expect(objects('BEGIN; SET LOCAL search_path = b; COMMIT; SELECT x FROM t')).toEqual([
      '',
      '',
      '',
      'a.t',
      'b.t',
    ])
  })

  it('are dynamic when the path cannot be followed', () => {
    const statement = made('SET search_path = b; SELECT name FROM customers')
    expect(says(statement)).toContain('read SELECT table:customers(name) [dynamic multiple]')
    expect(statement.mayDeriveFrom).toBe('all')
  })

  it.each([
    'CREATE TEMP TABLE orders AS SELECT ssn AS total FROM customers; SELECT total FROM orders',
    'SELECT ssn AS total INTO TEMP orders FROM customers; SELECT total FROM orders',
    'CREATE TEMP TABLE z AS SELECT ssn AS total FROM customers; ALTER TABLE z RENAME TO orders; SELECT total FROM orders',
    'CREATE TABLE orders AS SELECT ssn AS total FROM customers; SELECT total FROM orders',
  ])('may hide anything in %s', text => {
    expect(made(text).mayDeriveFrom).toBe('all')
  })

  it('are told to the protocol', () => {
    expect(inner('CREATE TEMP TABLE orders (i int)')?.shadows).toEqual(['orders'])
    expect(inner('CREATE TABLE pg_temp.orders (i int)')?.shadows).toEqual(['orders'])
    expect(inner('CREATE TEMP VIEW orders AS SELECT 1')?.shadows).toEqual(['orders'])
    expect(inner('ALTER TABLE z RENAME TO orders')?.shadows).toEqual(['orders'])
    expect(inner('CREATE TABLE orders (i int)')?.shadows).toEqual([])
  })
})
