// What the gateway says that a statement does, against what real servers say it did. A seed that finds something is
// printed with it; longer runs: test/differential/run.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasPostgres } from '../servers/postgres.ts'
import { gaps, isGap } from './gaps.ts'
import { Random } from './random.ts'
import { eachTemplate, statement } from './statements.ts'
import { type Differential, newTally, startDifferential } from './suite.ts'

const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 20_261_121)
const COUNT = Number(process.env['DIFFERENTIAL_COUNT'] ?? 1200)

for (const version of [15, 18] as const) {
  const missing = (await hasPostgres(version)) ? '' : ' (left out: not installed)'
  describe.skipIf(missing !== '')(`PostgreSQL ${version}${missing}`, () => {
    let differential: Differential
    beforeAll(async () => {
      differential = await startDifferential(version)
    })
    afterAll(() => differential?.stop())

    it(`writes nothing and touches nothing that is not said (seed ${SEED})`, async () => {
      const random = new Random(SEED + version)
      const tally = newTally()
      for (const text of eachTemplate(random)) await differential.try(text, tally)
      for (let at = 0; at < COUNT; at += 1) await differential.try(statement(random), tally)
      expect(tally.found.filter(found => !isGap(found))).toEqual([])
      // That most of them run, that we read them and that what is named is what is touched makes it a test.
      expect(tally.ran / tally.tried).toBeGreaterThan(0.75)
      expect([...tally.unread.values()].reduce((sum, by) => sum + by, 0)).toBeLessThan(
        tally.tried / 50,
      )
      expect(tally.covers.get('named')).toBeGreaterThan(tally.tried / 2)
    }, 300_000)

    // When one of these fails, its gap is closed: take it from gaps.ts.
    it.fails.each(gaps)('knows a gap: $name', async ({ example }) => {
      const tally = newTally()
      await differential.try(example, tally)
      expect(tally.ran).toBe(1)
      expect(tally.found).toEqual([])
    })
  })
}
