import { describe, expect, it } from 'vitest'
import { hasCostlyRun } from './runs.ts'

describe('a run of operator characters', () => {
  it.each([
    ['pluses', `select ${'+'.repeat(500)}1`],
    ['comments in comments', `select 1 ${'/*'.repeat(500)}${'*/'.repeat(500)}`],
    ['comments that begin in an operator', `select 1 ${'*/'.repeat(500)}`],
    ['pluses behind a string that may go on', `select e'a' ${'+'.repeat(500)}1`],
  ])('of %s is costly', (_, text) => {
    expect(hasCostlyRun(text)).toBe(true)
  })

  it.each([
    ['an operator', 'select 1 operator(pg_catalog.+) 2 -- +-*/<>'],
    ['a string', `select '${'/*'.repeat(500)}', $$${'+'.repeat(500)}$$, "${'*/'.repeat(500)}"`],
    ['a line', `${'-'.repeat(500)}\nselect 1 --${'='.repeat(500)}`],
    ['a frame', `/*${'*'.repeat(500)}\n * select\n ${'*'.repeat(500)}*/ select 1`],
    ['brackets', `select ${'('.repeat(500)}1${')'.repeat(500)}`],
  ])('is not, as %s', (_, text) => {
    expect(hasCostlyRun(text)).toBe(false)
  })
})
