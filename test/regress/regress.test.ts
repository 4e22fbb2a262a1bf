// A part of PostgreSQL's regression suite at each run of the tests; all of it with test/regress/run.ts
// (docs/compatibility.md has what that found).
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Comparison, hasSuite, startComparison } from './suite.ts'

const FILES = ['test_setup', 'boolean', 'int4', 'numeric', 'timestamptz', 'select', 'union', 'join']
  .concat([
    'subselect',
    'with',
    'insert',
    'update',
    'returning',
    'transactions',
    'portals',
    'prepare',
  ])
  .concat(['limit', 'arrays', 'jsonb', 'temp', 'sequence', 'merge', 'copyselect', 'rangetypes'])

describe.skipIf(!hasSuite)('the regression suite (left out where ../shared/vectors is not)', () => {
  let comparison: Comparison
  beforeAll(async () => {
    comparison = await startComparison()
  })
  afterAll(() => comparison?.stop())

  test.each(FILES)(
    '%s gives the same through the gateway',
    async name => {
      const { differences, lines } = await comparison.compare(name)
      expect(lines).toBeGreaterThan(20)
      expect(differences.filter(line => !explained(line))).toEqual([])
    },
    120_000,
  )
})

/** By design: a text that does not parse is refused by the gateway, which adds its reason code. */
function explained(line: string): boolean {
  return line === '+ DETAIL:  reason: statement_unreadable'
}
