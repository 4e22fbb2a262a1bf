import { beforeAll, describe, expect, it } from 'vitest'
import { type Analyser, createPostgresAnalyser } from './index.ts'

let analyser: Analyser
beforeAll(async () => {
  analyser = await createPostgresAnalyser()
})

function isUnfiltered(text: string): boolean {
  const result = analyser.analyse(text)
  if (!result.readable) throw new Error(`${text}: ${result.message}`)
  return result.statements.some(each =>
    each.operations.some(operation => operation.flags.includes('unfiltered')),
  )
}

describe('a write that no condition narrows', () => {
  it.each([
    'true',
    "'t'",
    "'yes'::bool",
    'NOT false',
    'NOT NOT true',
    '1 = 1',
    '1 + 1 = 2',
    '2 * 3 > 5',
    "'a' = 'a'",
    "'a' || 'b' = 'ab'",
    '0.1 + 0.2 = 0.3',
    '1 = 1.0',
    'id = id',
    't.id = id OR false OR id >= id',
    '(id) = (id)',
    'id IS NOT DISTINCT FROM id',
    'id IN (1, id)',
    'id = ANY (ARRAY[id])',
    'id BETWEEN id AND id',
    'id = 5 OR true',
    'id = 5 OR 1 = 1',
    'id = 5 OR NOT id = 5',
    'id = 5 OR id <> 5',
    'id > 5 OR id <= 5',
    'id IS NULL OR id IS NOT NULL',
    'true AND (id = id)',
    'NOT (id <> id)',
    'NOT (id = 5 AND false)',
    '(id = id) = true',
    "(id = id) = 't'",
    '(id <> id) = false',
    '(id = id) IS TRUE',
    '(id = 5) IS NOT UNKNOWN',
    '(id + 1) IS NOT NULL',
    'CASE WHEN id = 5 THEN true ELSE true END',
    'COALESCE(id = id, true)',
    "name LIKE '%'",
    "name ILIKE '%%'",
    "name ~ '.*'",
    "name ~ ''",
    '(id = id)::bool',
    '$1',
    '$1 = 1',
    'now() > $1',
    'random() < 2',
    'EXISTS (SELECT 1)',
    'EXISTS (SELECT 1 FROM u)',
    'EXISTS (SELECT id FROM u WHERE id = 1)',
    '(SELECT true)',
    'id IN (SELECT id FROM t)',
    'id IN (SELECT id FROM t WHERE 1 = 1)',
    '1 OPERATOR(mine.=) 2',
  ])('is seen in WHERE %s', condition => {
    expect(isUnfiltered(`DELETE FROM t WHERE ${condition}`)).toBe(true)
    expect(isUnfiltered(`UPDATE t SET x = 1 WHERE ${condition}`)).toBe(true)
  })

  it.each([
    'id = 5',
    'id = $1',
    'id > 5 AND name = $2',
    'true AND id = 5',
    'id = 5 OR id = 6',
    'NOT id = 5',
    'NOT deleted',
    'deleted',
    'id IS NULL',
    'deleted_at IS NOT NULL',
    'id IN (1, 2)',
    'id = ANY ($1)',
    'id BETWEEN 1 AND 5',
    "name LIKE 'a%'",
    "name ~ '^a'",
    'EXISTS (SELECT 1 FROM u WHERE u.id = t.id)',
    'id IN (SELECT t_id FROM u)',
    'id IN (SELECT id FROM t WHERE id = 5)',
    'NOT EXISTS (SELECT 1 FROM u WHERE u.id = t.id)',
    'lower(name) = $1',
    'false',
    '1 = 2',
    'NULL',
    'CURRENT OF c',
  ])('is not seen in WHERE %s', condition => {
    expect(isUnfiltered(`DELETE FROM t WHERE ${condition}`)).toBe(false)
    expect(isUnfiltered(`UPDATE t SET x = 1 WHERE ${condition}`)).toBe(false)
  })

  it.each([
    'coalesce(true, id = 1)',
    'coalesce(NULL, true)',
    'id + 0 = id',
    '1 * id = id',
    't.id = id',
    'id = t.id',
    "name = name || ''",
    "name >= ''",
    "'' <= name",
    'length(name) >= 0',
    'id IN (id)',
    'EXISTS (SELECT 1)',
    'EXISTS (SELECT 1 FROM other)',
    'EXISTS (SELECT 1 FROM t x WHERE x.id = t.id)',
    'EXISTS (SELECT FROM t x WHERE x.id = t.id AND x.name = t.name)',
    '1 BETWEEN 0 AND 2',
    "'a' LIKE '%'",
    "name SIMILAR TO '%'",
    "name ~~ '%'",
    "starts_with(name, '')",
    '(id = id) IS NOT FALSE',
    '(SELECT 1) = 1',
    'random() >= 0',
    'CASE WHEN id = 1 THEN true ELSE true END',
    'id IS NOT NULL OR true',
    '(id, name) = (id, name)',
  ])('sees through a disguise: %s', condition => {
    expect(isUnfiltered(`DELETE FROM t WHERE ${condition}`)).toBe(true)
    expect(isUnfiltered(`UPDATE t SET a = 1 WHERE ${condition}`)).toBe(true)
  })

  it.each([
    'coalesce(active, false)',
    'coalesce(id, 0) = 1',
    'id + 1 = id',
    'id + 0 = 5',
    'other.id = id',
    "name >= 'a'",
    'length(name) >= 1',
    'EXISTS (SELECT 1 FROM t x WHERE x.parent = t.id)',
    'EXISTS (SELECT 1 FROM orders o WHERE o.id = t.id)',
    "name SIMILAR TO 'a%'",
    "starts_with(name, 'a')",
    'CASE WHEN id = 1 THEN true ELSE false END',
  ])('is not one that narrows: %s', condition => {
    expect(isUnfiltered(`DELETE FROM t WHERE ${condition}`)).toBe(false)
  })

  it('is one without a condition, in a CTE and in an alias too', () => {
    expect(isUnfiltered('DELETE FROM t')).toBe(true)
    expect(isUnfiltered('UPDATE t AS a SET x = b.x FROM b')).toBe(true)
    expect(isUnfiltered('UPDATE t AS a SET x = b.x FROM b WHERE a.id = b.id')).toBe(false)
    expect(isUnfiltered('UPDATE t AS a SET x = b.x FROM b WHERE b.id = 5')).toBe(true)
    expect(isUnfiltered('WITH d AS (DELETE FROM t) SELECT 1')).toBe(true)
    expect(isUnfiltered('INSERT INTO t VALUES (1)')).toBe(false)
  })

  it('is told of MERGE, too', () => {
    const merge = (on: string, when: string) => `MERGE INTO t USING u ON ${on} WHEN ${when}`
    expect(isUnfiltered(merge('true', 'MATCHED THEN DELETE'))).toBe(true)
    expect(isUnfiltered(merge('t.id = u.id', 'MATCHED THEN DELETE'))).toBe(false)
    expect(isUnfiltered(merge('true', 'MATCHED AND t.id = 5 THEN DELETE'))).toBe(false)
    expect(isUnfiltered(merge('t.id = u.id', 'NOT MATCHED BY SOURCE THEN DELETE'))).toBe(true)
    expect(isUnfiltered(merge('true', 'NOT MATCHED THEN INSERT VALUES (1)'))).toBe(false)
  })

  it('takes a condition too large to follow for one that narrows nothing', () => {
    const many = Array.from({ length: 1_500 }, (_, index) => `(id = ${index} AND a = 1)`).join(
      ' OR ',
    )
    expect(isUnfiltered(`DELETE FROM t WHERE ${many}`)).toBe(true)
  })
})
