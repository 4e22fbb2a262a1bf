// What the gateway says that a statement does, against what real servers say it did. A seed that finds something is
// printed with it; longer runs: test/differential/run.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasPostgres } from '../servers/postgres.ts'
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
      expect(tally.found).toEqual([])
      // That most of them run, that we read them and that what is named is what is touched makes it a test.
      expect(tally.ran / tally.tried).toBeGreaterThan(0.75)
      expect([...tally.unread.values()].reduce((sum, by) => sum + by, 0)).toBeLessThan(
        tally.tried / 50,
      )
      expect(tally.covers.get('named')).toBeGreaterThan(tally.tried / 2)
    }, 300_000)

    // Each ran code that nothing said, once.
    it.each([
      ['a row security policy', 'select body from secrets'],
      ['a check that the planner folds', 'select * from guarded where id < 2'],
      ['a check that the planner folds, explained', 'explain select * from guarded where id < 2'],
      ['a default', "insert into defaulted (name) values ('x')"],
      ['a trigger', 'delete from watched where id = 1'],
      ['a domain of a column', "insert into pairs (id, c) values (2, 'x')"],
    ])('says what runs without being named: %s', async (_, text) => {
      const tally = newTally()
      await differential.try(text, tally)
      expect(tally.ran).toBe(1)
      expect(tally.found).toEqual([])
    })
  })
}
