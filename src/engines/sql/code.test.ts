import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { Statement } from '#model'
import {
  type Analyser,
  type Code,
  createPostgresAnalyser,
  type Names,
  type ResolvedRoutine,
  readRoutine,
  readRule,
  toStatement,
} from './index.ts'

let analyser: Analyser
beforeAll(async () => {
  analyser = await createPostgresAnalyser()
})

const tables: Record<string, readonly string[]> = {
  customers: ['id', 'email', 'ssn'],
  orders: ['id', 'total'],
  log: ['line'],
}

interface Given {
  readonly [name: string]: string | { readonly definition: string; readonly definer: true }
}

/** A catalog with these functions, by name, and a rule on `orders` that logs each insert. */
function catalog(given: Given, schema = 'public'): Names {
  const routines = new Map<string, ResolvedRoutine>()
  for (const [name, each] of Object.entries(given)) {
    const definition = typeof each === 'string' ? each : each.definition
    routines.set(name, {
      object: `public.${name}`,
      definer: typeof each !== 'string',
      size: definition.length,
      code: () => readRoutine(definition),
    })
  }
  const rule =
    'create rule r as on insert to public.orders do also insert into public.log values (new.id)'
  return {
    resolve: ({ schema: written, name }) => {
      const columns = tables[name]
      if (columns === undefined || (written ?? schema) !== 'public') return []
      const rules = [{ event: 'INSERT' as const, size: 0, code: () => readRule(rule) }]
      return [
        {
          object: `public.${name}`,
          kind: 'table',
          columns,
          ...(name === 'orders' ? { rules } : {}),
        },
      ]
    },
    routines: ({ name }) => {
      const found = routines.get(name)
      return found === undefined ? [] : [found]
    },
    operators: ({ name }) => {
      const found = routines.get(name)
      return found === undefined ? [] : [found]
    },
    withSearchPath: path => catalog(given, path ?? ''),
  }
}

function made(text: string, names: Names): Statement {
  const analysis = analyser.analyse(text)
  if (!analysis.readable) throw new Error(analysis.message)
  return toStatement(analysis, names, { text, phase: 'execute' })
}
const says = (statement: Statement) =>
  statement.operations
    .map(({ action, verb, object, flags, category }) =>
      [action, verb, object.name, category, ...flags].join(' '),
    )
    .sort()

const sql = (body: string) =>
  `create function public.f(a int) returns int language sql as $f$${body}$f$`
const plpgsql = (body: string) =>
  `create function public.f(a int) returns setof int language plpgsql as $f$${body}$f$`

describe('the call of a function of a user', () => {
  it.each([
    ['in SQL', sql('delete from orders where id = a; select 1')],
    [
      'in SQL that is parsed once',
      'create procedure public.f(a int) language sql begin atomic delete from orders where id = a; end',
    ],
    ['in PL/pgSQL', plpgsql('begin delete from orders where id = a; return; end')],
    [
      'in PL/pgSQL, deep in it',
      plpgsql(`begin if a > 1 then for i in 1..a loop begin delete from orders where id = i;
        exception when others then null; end; end loop; end if; end`),
    ],
  ])('is also what its body does: %s', (_, definition) => {
    const names = catalog({ f: definition })
    const text = definition.includes('procedure') ? 'call f(1)' : 'select f(1)'
    const verb = text.split(' ')[0]?.toUpperCase()
    expect(says(made(text, names))).toEqual([
      `execute ${verb} public.f code`,
      'write DELETE public.orders write_row indirect',
    ])
  })

  it('is told apart when it runs with the rights of its owner', () => {
    const names = catalog({
      f: { definition: sql('select g(a)'), definer: true },
      g: sql('select ssn from customers'),
    })
    expect(says(made('select f(1)', names))).toEqual([
      'execute SELECT public.f code',
      'execute SELECT public.g code indirect definer',
      'read SELECT public.customers read indirect definer',
    ])
    expect(says(made('select f(1), g(1)', names))).toContain(
      'read SELECT public.customers read indirect',
    )
  })

  it('may derive its answer from what its body reads, and no more', () => {
    const names = catalog({ f: sql('select ssn from customers where id = a') })
    const { mayDeriveFrom } = made('select f(total) from orders', names)
    expect(mayDeriveFrom).toEqual(
      expect.arrayContaining([
        { object: 'public.customers', column: 'ssn' },
        { object: 'public.orders', column: 'total' },
      ]),
    )
    expect(mayDeriveFrom).not.toContainEqual({ object: 'public.customers', column: 'email' })
  })

  it.each([
    ['text that is built at run time', plpgsql("begin execute 'drop table ' || a; end")],
    ['a query that is', plpgsql("begin return query execute 'select 1'; end")],
    [
      'a loop over one',
      plpgsql("declare r record; begin for r in execute 'x' loop null; end loop; end"),
    ],
    ['a cursor over one', plpgsql("declare c refcursor; begin open c for execute 'x'; end")],
    [
      'another language',
      'create function public.f(a int) returns int language plpython3u as $$1$$',
    ],
    ['C', "create function public.f(a int) returns int language c as 'lib', 'f'"],
    ['code that cannot be read', plpgsql('this is nothing')],
    ['what our grammar does not know', sql('selekt 1')],
    [
      'a default of a row that the parser does not tell of',
      plpgsql('declare r record := g(1); begin end'),
    ],
  ])('is dynamic for %s', (_, definition) => {
    const statement = made('select f(1)', catalog({ f: definition, g: sql('select 1') }))
    expect(statement.operations.map(({ flags }) => flags)).toContainEqual(['dynamic'])
    expect(statement.mayDeriveFrom).toBe('all')
  })

  it('is looked through as deep as functions call each other, with an end', () => {
    const chain: Record<string, string> = { f9: sql('delete from orders') }
    for (let at = 0; at < 9; at++) chain[`f${at}`] = sql(`select f${at + 1}(a)`)
    expect(says(made('select f5(1)', catalog(chain)))).toContain(
      'write DELETE public.orders write_all unfiltered indirect',
    )
    const deep = made('select f0(1)', catalog(chain))
    expect(says(deep).join()).toContain('dynamic')
    const self = made('select f(1)', catalog({ f: sql('select f(a - 1) from log') }))
    expect(says(self)).toEqual([
      'execute SELECT public.f code',
      'execute SELECT public.f code indirect',
      'read SELECT public.log read indirect',
    ])
  })

  it('counts the defaults of its parameters', () => {
    const f =
      'create function public.f(a int default (select max(id) from customers)) returns int language sql as $$select 1$$'
    expect(says(made('select f()', catalog({ f })))).toContain(
      'read SELECT public.customers read indirect',
    )
  })

  it('resolves names as its own search_path says', () => {
    const names = catalog({})
    const routine: ResolvedRoutine = {
      object: 'public.f',
      definer: false,
      size: 0,
      path: 'elsewhere',
      code: () => readRoutine(sql('select id from orders')),
    }
    const own: Names = { ...names, routines: ({ name }) => (name === 'f' ? [routine] : []) }
    expect(says(made('select f(1); select id from orders', own))).toEqual([
      'execute SELECT public.f code multiple',
      'read SELECT orders read indirect multiple',
      'read SELECT public.orders read multiple',
    ])
  })

  it('asks of columns, and takes values elsewhere, what its body does', () => {
    const body = "insert into log select ssn from customers where email like 'x%'; select 1"
    expect(made('select f(1)', catalog({ f: sql(body) })).lineage).toMatchObject([
      {
        probes: [{ use: 'condition', columns: [{ object: 'public.customers', column: 'email' }] }],
        transfers: [{ by: 'INSERT', sources: [{ object: 'public.customers', column: 'ssn' }] }],
      },
    ])
    const through = plpgsql(`declare x text; begin select ssn into x from customers;
      if x like '1%' then insert into log values (x); end if; end`)
    expect(made('select f(1)', catalog({ f: through })).lineage).toMatchObject([
      { probes: 'unknown', transfers: 'unknown' },
    ])
    expect(made('select f(1)', catalog({ f: sql('select a + 1') })).lineage).toMatchObject([
      { probes: [], transfers: [] },
    ])
  })

  it('tells when its code changes what names mean afterwards', () => {
    const text = 'select f(1)'
    const turned = (body: string): boolean => {
      const analysis = analyser.analyse(text)
      if (!analysis.readable) throw new Error(analysis.message)
      const turn = vi.fn<() => void>()
      toStatement(analysis, catalog({ f: sql(body) }), { text, phase: 'execute', turned: turn })
      return turn.mock.calls.length > 0
    }
    expect(turned("select set_config('search_path', 'x', false)")).toBe(true)
    expect(turned("select set_config('role', 'x', false)")).toBe(true)
    expect(turned("select set_config('work_mem', '1MB', false)")).toBe(false)
  })
})

describe('code that runs without being called by name', () => {
  it('is behind operators', () => {
    const names = catalog({ '===': sql('select ssn from customers'), '=': sql('delete from log') })
    expect(says(made('select 1 === 2', names))).toEqual(
      expect.arrayContaining(['read SELECT public.customers read indirect']),
    )
    for (const text of ['select 1 = 2', 'select 1 in (2)', 'select 1 in (select 2)']) {
      expect(says(made(text, names))).toContain(
        'write DELETE public.log write_all unfiltered indirect',
      )
    }
  })

  it('is behind rules', () => {
    expect(says(made('insert into orders values (1, 2)', catalog({})))).toEqual([
      'write INSERT public.log write_row indirect definer',
      'write INSERT public.orders write_row',
    ])
    expect(says(made('delete from orders', catalog({})))).toHaveLength(1)
  })

  it('is in DO', () => {
    expect(
      says(
        made(
          'do $$ begin delete from orders; perform f(1); end $$',
          catalog({ f: sql('select 1') }),
        ),
      ),
    ).toEqual([
      'execute DO plpgsql code',
      'execute SELECT public.f code indirect',
      'write DELETE public.orders write_all unfiltered indirect',
    ])
    expect(says(made("do $$ begin execute 'x'; end $$", catalog({})))).toEqual([
      'execute DO plpgsql code dynamic',
    ])
    expect(says(made("do language plperl 'x'", catalog({})))).toEqual([
      'execute DO plperl code dynamic',
    ])
    const many = `do $$ begin ${'perform 1 + 1 + 1;'.repeat(200)} end $$;`.repeat(30)
    expect(says(made(many, catalog({})))).toContain('execute DO plpgsql code dynamic multiple')
  })
})

describe('every construct of PL/pgSQL', () => {
  const body = `
    <<outer>>
    declare x text := (select max(t1) from d1); k constant int := f1(); n int; c cursor (p int) for select t2 from d2 where id = p;
      r record; e public.customers.email%type; arr int[] default array[f2()]; c2 refcursor; v varchar(10);
    begin
      open c(f3()); open c2 for select 1 from d3; fetch relative f4() from c into x; move forward f5() in c; close c;
      for i in reverse f6()..f7() by f8() loop continue when f9(); end loop;
      foreach x slice 1 in array f10() loop perform f11(); end loop;
      while f12() loop exit outer when f13(); end loop;
      raise exception using message = (select m from d4), hint = f14();
      raise notice 'x %', f15();
      if f16() then null; elsif f17() then null; else perform f18(); end if;
      case when f19() then perform f20(); else perform f21(); end case;
      case f22() when f23() then perform f24(); end case;
      execute 'x' into x using f25();
      for r in c(f26()) loop perform f27(); end loop;
      return query execute 'x' using f28(); return query select 1 from d5; return next f29();
      assert f30(), f31(); call f32(f33(), x); arr[f34()] := f35(); r.email = f36() from d6;
      insert into d7 values (1) returning id into x;
      begin perform f37(); exception when division_by_zero then perform f38(); end;
      get diagnostics n = row_count; commit; rollback; return;
    end`

  it('is looked into', () => {
    const code = readRoutine(plpgsql(body)) as Code
    expect(code.dynamic).toBe(true)
    const called = new Set(code.statements.flatMap(({ functions }) => functions))
    for (let at = 1; at <= 38; at++) expect(called).toContain(`f${at}`)
    const read = code.statements.flatMap(({ operations }) =>
      operations.map(({ relation }) => relation?.name),
    )
    for (let at = 1; at <= 7; at++) expect(read).toContain(`d${at}`)
  })
})
