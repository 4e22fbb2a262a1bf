import { expect, test } from 'vitest'
import { explain, leaveOut } from './explained.ts'

const row = (side: string, name: string) => `${side}  ${name} | 1`

test('the reason code of a text that does not parse is by design, another refusal is not', () => {
  const refused = '+ DETAIL:  reason: setting_refused'
  const { byDesign, left } = explain(['+ DETAIL:  reason: statement_unreadable', refused])
  expect([...byDesign]).toEqual([['reason code', 1]])
  expect(left).toEqual([refused])
})

test('rows that both sides have in another order are by design', () => {
  const moved = [row('-', 'a'), row('-', 'b'), row('+', 'b'), row('+', 'a')]
  expect(explain(moved).left).toEqual([])
})

test('a row that one side lacks, or has twice, is a difference', () => {
  expect(explain([row('-', 'a'), row('+', 'b')]).left).toHaveLength(2)
  expect(explain([row('-', 'a'), row('+', 'a'), row('+', 'a')]).left).toEqual([row('+', 'a')])
})

test('numbers of objects may all be further by the same few, and no other number may', () => {
  expect(explain(['-  20211 | 20216 | foo', '+  20209 | 20214 | foo']).left).toEqual([])
  expect(explain(['-  20211 | 20216 | foo', '+  20209 | 20216 | foo']).left).toHaveLength(2)
  expect(explain(['-  211 | foo', '+  209 | foo']).left).toHaveLength(2)
})

test('an answer in another place is a difference when it is no row', () => {
  const lines = ['- ERROR:  no', '+ ERROR:  no']
  expect(explain(lines).left).toEqual(lines)
})

test('what is refused by design is left out of a file, and nothing else', () => {
  const text = 'select 1;\nset standard_conforming_strings = off;\nselect 2;\n'
  expect(leaveOut('strings', text)).toBe('select 1;\n\nselect 2;\n')
  expect(leaveOut('boolean', text)).toBe(text)
})
