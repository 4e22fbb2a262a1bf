import { describe, expect, it } from 'vitest'
import { leastCpuMs } from '../../../test/cpu.ts'
import { type Analyser, createPostgresAnalyser } from './index.ts'
import { reduce } from './reduce.ts'

const many = (count: number, item: (index: number) => string, by = ', ') =>
  Array.from({ length: count }, (_, index) => item(index)).join(by)

describe('lists made short', () => {
  it.each([
    ['insert into t values (1,2),(3,4),(5,6),(7,8)', 'insert into t values (1,2),(3,4)'],
    ["select 1 where a in (1, -2, null, 'x', $4)", 'select 1 where a in (1, -2)'],
    ["x = any(array['a'::uuid, 'b'::uuid, 'c'::uuid])", "x = any(array['a'::uuid, 'b'::uuid])"],
    ['(a,b) in ((1,2),(3,4),(5,6))', '(a,b) in ((1,2),(3,4))'],
    [
      "values (f('a'), x), (f('b'), x), (f('c'), x), (f('d'), y)",
      "values (f('a'), x), (f('b'), x), (f('d'), y)",
    ],
    ["values ('a'), (E'b'), ('c'), ('d')", "values ('a'), (E'b'), ('c')"],
  ])('keep two of each shape: %s', (text, expected) => {
    expect(reduce(text)?.text).toBe(expected)
  })

  it.each([
    'select f(1, 2, 3, 4, 5), 6, 7, 8',
    'select a in (select 1, 2, 3, 4)',
    'select a in ((select 1) union select 1, 2, 3, 4)',
    'insert into t(a, b, c) values (1, 2, 3)',
    'with values (a, b) as (select 1, 2) select * from values',
    'select "in" (1, 2, 3), x."values" (1), (2), (3)',
    "select 'in (1, 2, 3, 4)' -- in (1, 2, 3, 4)",
    'values (a), (b), (c), (d)',
    'select a in (b, c, d, e)',
    'select array(select 1, 2, 3)',
  ])('leave what is no list of the same: %s', text => {
    expect(reduce(text)?.text).toBe(text)
  })

  it('say where in the whole text a place is', () => {
    const text = 'values (1),(2),(3),(4) foo in (1,2,3,4) bar'
    const reduced = reduce(text)
    for (const word of ['values', '(2)', 'foo', 'bar']) {
      expect(reduced?.original((reduced?.text.indexOf(word) ?? 0) + 1)).toBe(text.indexOf(word) + 1)
    }
  })
})

describe('a long text', async () => {
  const analyser: Analyser = await createPostgresAnalyser()

  it('of rows that are alike means what two of them mean', () => {
    const head = 'insert into t(a, b) values '
    const short = analyser.analyse(`${head}(0, 'x'), (1, 'y')`)
    const long = analyser.analyse(head + many(30_000, index => `(${index}, 'name ${index}')`))
    expect(long).toEqual(short)
  })

  it('of many ids in a condition is read', () => {
    expect(
      analyser.analyse(`select * from t where id in (${many(60_000, index => `$${index + 1}`)})`),
    ).toEqual(analyser.analyse('select * from t where id in ($1, $2)'))
  })

  it.each([
    ['deletes all when one of its items is the column', (rest: string) => `id in (${rest}, id)`],
    ['deletes all when it is a constant', (rest: string) => `1 in (${rest})`],
  ])('%s', (_, condition) => {
    const text = `delete from t where ${condition(many(6_000, index => `${index}`))}`
    const analysis = analyser.analyse(text)
    if (!analysis.readable) throw new Error(analysis.message)
    expect(analysis.statements[0]?.operations[0]?.flags).toContain('unfiltered')
  })

  it('whose values matter is read whole, or not at all', () => {
    const call = (count: number) =>
      `values ${many(count, index => `(nextval('s${index}'), 'a long text to fill the line')`)}`
    const analysis = analyser.analyse(call(1_000))
    if (!analysis.readable) throw new Error(analysis.message)
    expect(analysis.statements[0]?.operations).toHaveLength(1_000)
    expect(analyser.analyse(call(4_000))).toMatchObject({ code: 'statement_too_large' })
  })

  it('keeps the position of an error', () => {
    const text = `insert into t values ${many(6_000, index => `(${index})`)} foo bar`
    expect(analyser.analyse(text)).toMatchObject({ readable: false, position: text.length - 6 })
  })

  it.each([
    ['columns', `select ${many(12_000, index => `a${index}`)} from t`],
    ['statements', 'select 1;'.repeat(9_000)],
    ['semicolons', ';'.repeat(1_000_000)],
    ['rows that are not alike', `values ${many(9_000, index => `(a${index})`)}`],
  ])('of too many words is refused before it is read: %s', (_, text) => {
    expect(analyser.analyse(text)).toMatchObject({ code: 'statement_too_large' })
  })

  it('that is one long string is cheap, whatever is in it', () => {
    const analysis = analyser.analyse(`select '${'a, '.repeat(300_000)}'`)
    expect(analysis.readable).toBe(true)
  })

  it.each([
    ['columns', `select ${many(9_900, index => `a${index}`)} from t`],
    ['conditions', `delete from t where ${many(4_900, index => `a = b${index}`, ' or ')}`],
    ['rows', `insert into t values ${many(40_000, index => `(${index}, 'name ${index}')`)}`],
    ['ids', `select * from t where id in (${many(100_000, index => `${index}`)})`],
    ['calls', `select ${many(4_900, index => `f${index}(x)`)}`],
    ['statements', 'delete from t where a = b;'.repeat(2_200)],
  ])('takes no more than 250 ms of the processor: %s', (_, text) => {
    const texts = Array.from({ length: 5 }, (_, at) => text + ' '.repeat(at))
    expect(leastCpuMs(attempt => analyser.analyse(texts[attempt] ?? ''), 250)).toBeLessThan(250)
  })
})
