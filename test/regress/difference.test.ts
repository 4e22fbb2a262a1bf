import { expect, test } from 'vitest'
import { difference, normal } from './difference.ts'

test('equal outputs have no difference', () => {
  expect(difference(['a', 'b'], ['a', 'b'])).toEqual([])
})

test('a line that only one side has is shown with its side', () => {
  const lines = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  expect(difference(lines, lines.toSpliced(2, 1))).toEqual(['- c'])
  expect(difference(lines, lines.toSpliced(2, 0, 'new'))).toEqual(['+ new'])
  expect(difference(lines, lines.toSpliced(2, 1, 'C'))).toEqual(['- c', '+ C'])
})

test('several differences far apart are each found', () => {
  const lines = Array.from({ length: 100 }, (_, at) => `line ${at}`)
  const other = lines.toSpliced(80, 1, 'x').toSpliced(10, 2)
  expect(difference(lines, other)).toEqual(['- line 10', '- line 11', '- line 80', '+ x'])
})

test('an output that ends early shows all that is missing', () => {
  expect(difference(['a', 'b', 'c'], ['a'])).toEqual(['- b', '- c'])
})

test('numbers that no two servers share are no difference, others are', () => {
  expect(normal('sent by PID 12')).toEqual(normal('sent by PID 999'))
  expect(normal('pg_temp_3.t')).toEqual(normal('pg_temp_14.t'))
  expect(normal('count 3')).not.toEqual(normal('count 4'))
})
