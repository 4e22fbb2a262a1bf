import { expect, it } from 'vitest'
import { planText, readEstimate } from './preview-plan.ts'

/** As MariaDB tells it: id, select_type, table, type, possible_keys, key, key_len, ref, rows, filtered, Extra. */
const line = (id: string, select: string, rows: string | null, filtered = '100.00', extra = '') =>
  [id, select, 't', 'ALL', null, null, null, null, rows, filtered, extra] as const

it.each([
  ['one table', [line('1', 'SIMPLE', '500')], 500],
  ['what the server filters', [line('1', 'SIMPLE', '500', '10.00')], 50],
  ['a join, by its product', [line('1', 'SIMPLE', '50'), line('1', 'SIMPLE', '3')], 150],
  [
    'a query within it, which is not counted',
    [line('1', 'PRIMARY', '50'), line('2', 'SUBQUERY', '9')],
    50,
  ],
  ['a write of a query', [line('1', 'INSERT', null), line('1', 'SIMPLE', '7')], 7],
  ['a condition that nothing meets', [line('1', 'SIMPLE', null, '100.00', 'Impossible WHERE')], 0],
  ['a list of values', [line('1', 'INSERT', null)], undefined],
  ['a union', [line('1', 'PRIMARY', '5'), line('2', 'UNION', '5')], undefined],
  ['no number', [line('1', 'SIMPLE', '-1e99')], undefined],
  ['another shape', [['1', 'x']], undefined],
  ['no rows', [], undefined],
])('estimates %s', (_, rows, most) => {
  expect(readEstimate(rows)).toBe(most)
})

it('shows the plan as lines under each other, and nothing of what it cannot read', () => {
  expect(planText([line('1', 'SIMPLE', '500', '100.00', 'Using where')])).toBe(
    'id  select_type  table  type  key  rows  filtered  Extra\n1   SIMPLE       t      ALL   -    500   100.00    Using where',
  )
  expect(planText([['a']])).toBe(undefined)
})
