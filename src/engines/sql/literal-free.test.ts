import { beforeAll, describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { type Analyser, createPostgresAnalyser } from './index.ts'
import { LiteralForm, literalFree } from './literal-free.ts'

let uncached: Analyser
beforeAll(async () => {
  uncached = await createPostgresAnalyser({ maxEntries: 0 })
})

describe('the shape of a text', () => {
  it('is shared by texts that differ in integers and plain strings', () => {
    const shape = literalFree("SELECT a1 FROM t WHERE b = 12 AND c = 'it''s'")
    expect(shape).toBe(literalFree("SELECT a1 FROM t WHERE b = 3 AND c = ''"))
    expect(literalFree('SELECT "a 1\'" FROM t WHERE b = 1')).toBe(
      literalFree('SELECT "a 1\'" FROM t WHERE b = 2'),
    )
    expect(literalFree('SELECT "a 1" FROM t WHERE b = 1')).not.toBe(
      literalFree('SELECT "a 2" FROM t WHERE b = 1'),
    )
    expect(shape).not.toBe(literalFree("SELECT a2 FROM t WHERE b = 3 AND c = ''"))
    expect(shape).not.toBe(literalFree("SELECT a1 FROM t WHERE b = '3' AND c = 4"))
  })

  it.each([
    'SELECT 1 -- x',
    'SELECT 1 /* x */',
    "SELECT E'a'",
    "SELECT e'a'",
    "SELECT B'1'",
    "SELECT N'a'",
    "SELECT U&'a'",
    "SELECT 'a\\b'",
    "SELECT 'é'",
    "SELECT 'a\nb'",
    'SELECT $1',
    'SELECT $$a$$, 1',
    'SELECT U&"1", 1',
    'SELECT "1, 1',
    'SELECT "é", 1',
    'SELECT 1.5',
    'SELECT .5',
    'SELECT 1e5',
    'SELECT 0x1f',
    'SELECT 1_000',
    'SELECT 12345678901',
    "SELECT 'a",
    "SELECT 1'a'",
    'SELECT 1\u0001',
    'SELECT é, 1',
    "SET a = 'b'",
    "COPY a TO 'b'",
    'WITH a AS (SELECT 1) SELECT 2',
    'SELECT a FROM b',
  ])('is not there for %j', text => {
    expect(literalFree(text)).toBeUndefined()
  })
})

describe('a shape that texts are held against', () => {
  const mark = fc.constantFrom(
    ...[
      "'",
      "''",
      '"',
      '`',
      '.',
      '-',
      '--',
      '/',
      '*',
      '/*',
      '&',
      'U&',
      'E',
      'a1',
      '_',
      ' ',
      ', ',
      '(',
      '=',
      '#',
      '@',
    ],
    ...[
      '\\',
      '$',
      '\n',
      '\x01',
      '\x02',
      'é',
      ';',
      '1',
      '12',
      '999999999',
      '1234567890',
      '1.5',
      "'x'",
      "'it''s'",
      "'é'",
      "''",
    ],
  )
  const kept = fc.constantFrom(
    'a ',
    ' = ',
    ', ',
    '(',
    '"n 1"',
    '`n 1`',
    ' -',
    ' & ',
    ' /',
    '.b',
    '; ',
  )
  const value = fc.constantFrom('0', '7', '12345', "'x'", "''", "'it''s'", "'--'", "'1'")
  const names = fc.constantFrom('"' as const, '`' as const)

  it('is that of exactly the texts that have it', () => {
    const text = fc.array(mark, { maxLength: 7 }).map(marks => `select ${marks.join('')}`)
    const values = fc.array(value, { minLength: 12, maxLength: 12 })
    const filled = fc
      .tuple(fc.array(kept, { maxLength: 6 }), values, values, fc.nat(6))
      .map(
        ([parts, first, second, odd]) =>
          [first, second].map(
            (each, which) =>
              `select ${each[6 + odd - 1] ?? ''} ${parts.map((part, at) => `${part}${which === 1 && at === odd ? '0' : ''}${each[at]}`).join('')} `,
          ) as [string, string],
      )
    let same = 0
    let others = 0
    fc.assert(
      fc.property(fc.oneof(filled, fc.tuple(text, text)), names, ([one, other], quote) => {
        const shape = literalFree(one, quote)
        if (shape === undefined) return
        const isSame = literalFree(other, quote) === shape
        if (isSame) same++
        else others++
        const form = new LiteralForm(shape)
        expect(form.has(one)).toBe(true)
        expect(form.has(other)).toBe(isSame)
      }),
      { numRuns: 20_000 },
    )
    // Otherwise nothing was tried.
    expect(Math.min(same, others)).toBeGreaterThan(200)
  })

  it("is no longer text's than those that have a shape", () => {
    const shape = literalFree("select 'x'") ?? ''
    expect(new LiteralForm(shape).has(`select '${'x'.repeat(4_085)}'`)).toBe(true)
    const long = `select '${'x'.repeat(4_090)}'`
    expect([literalFree(long), new LiteralForm(shape).has(long)]).toEqual([undefined, false])
  })
})

/** Literals whose value means something somewhere. */
const integer = fc.constantFrom('0', '1', '2', '5', '999999999')
const string = fc.constantFrom(
  "''",
  "'a'",
  "'%'",
  "'t'",
  "'off'",
  "'on'",
  "'client_encoding'",
  "'application_name'",
  "'role'",
  "'search_path'",
  "'pg_catalog, a'",
  "'a, pg_catalog'",
  "'s.q'",
  "'server_version'",
  "'app.x'",
  "'it''s'",
  "'UTF8'",
  "'SJIS'",
  "'false'",
  "'.*'",
)
const literal = fc.oneof(integer, string)
const template = fc.constantFrom(
  'SELECT ? FROM t WHERE a = ?',
  'SELECT set_config(?, ?, false)',
  'SELECT set_config(?, ?, ?)',
  'SELECT set_config(setting_name => ?, new_value => ?, is_local => true)',
  'SELECT nextval(?), currval(?)',
  'SELECT current_setting(?), lower(?)',
  'SELECT current_setting(?::text)',
  'DELETE FROM t WHERE ? = ?',
  'DELETE FROM t WHERE a = ? OR ?',
  'DELETE FROM t WHERE a = ? OR ? = ?',
  'DELETE FROM t WHERE a LIKE ?',
  'DELETE FROM t WHERE a ~ ?',
  'DELETE FROM t WHERE a = ? OR a <> ?',
  'DELETE FROM t WHERE a = ? OR NOT a = ?',
  'DELETE FROM t WHERE a IN (?, ?)',
  'DELETE FROM t WHERE (a = a) = ?',
  'DELETE FROM t WHERE a + ? = a + ?',
  'DELETE FROM t WHERE a BETWEEN a + ? AND a',
  'DELETE FROM t WHERE CASE WHEN a = ? THEN ? ELSE ? END',
  'DELETE FROM t WHERE a IS DISTINCT FROM ?',
  'DELETE FROM t WHERE a IN (SELECT a FROM t WHERE ? = ?)',
  'UPDATE t SET a = ? WHERE b = ?',
  'UPDATE t SET a = ? WHERE ?',
  'INSERT INTO t VALUES (?, ?) RETURNING a, ?',
  'SELECT a FROM t ORDER BY ? LIMIT ? OFFSET ?',
  'SELECT (SELECT count(*) FROM t LIMIT ?), ? FROM t',
  'SELECT ?; SET search_path = ?',
  'SELECT ?; PREPARE q AS DELETE FROM t WHERE ? = ?',
  'SELECT ?; BEGIN; COPY t TO STDOUT (FORMAT text, DELIMITER ?)',
  'SELECT ?; EXPLAIN (ANALYZE ?) DELETE FROM t',
  'SELECT ?; NOTIFY x, ?',
  'SELECT ?; DECLARE c CURSOR FOR SELECT nextval(?)',
)

describe('an analysis that is kept by shape', () => {
  it('is the one that the text itself would get', async () => {
    const cached = await createPostgresAnalyser()
    const texts = template.chain(each => {
      const count = each.split('?').length - 1
      const fill = (values: readonly string[]) => {
        let at = 0
        return each.replace(/\?/g, () => values[at++] ?? '0')
      }
      const values = fc.array(literal, { minLength: count, maxLength: count })
      return fc.tuple(values, values).map(([one, other]) => [fill(one), fill(other)] as const)
    })
    let shared = 0
    fc.assert(
      fc.property(texts, ([first, second]) => {
        cached.analyse(first)
        if (cached.analyse(first) === cached.analyse(second) && first !== second) shared++
        expect(cached.analyse(second)).toEqual(uncached.analyse(second))
      }),
      { numRuns: 4000 },
    )
    // Otherwise nothing was tried.
    expect(shared).toBeGreaterThan(50)
  })

  it('is shared by statements whose literals do not matter', async () => {
    const cached = await createPostgresAnalyser()
    const one = cached.analyse('SELECT a FROM t WHERE b = 1')
    expect(cached.analyse('SELECT a FROM t WHERE b = 2')).toBe(one)
    const update = cached.analyse("UPDATE t SET a = a + 1 WHERE b = 2 AND c = 'x'")
    expect(cached.analyse("UPDATE t SET a = a + 7 WHERE b = 9 AND c = 'y'")).toBe(update)
  })
})
