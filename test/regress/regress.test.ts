// A part of PostgreSQL's regression suite at each run of the tests, by psql and by the extended protocol;
// all of it with REGRESS=all, or with test/regress/run.ts (docs/compatibility.md has what that found).
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPair } from './extended.ts'
import { type Comparison, hasSuite, schedule, startComparison } from './suite.ts'

const PART =
  `test_setup boolean char name varchar text int2 int4 int8 oid float4 float8 bit numeric strings
  date time timestamp timestamptz interval opr_sanity create_type create_function_sql create_misc create_procedure
  create_view copy copy2 copyselect copydml advisory_lock arrays async case combocid create_aggregate delete
  domain enum errors expressions generated groupingsets identity insert_conflict join json jsonb jsonpath
  largeobject limit lock matview md5 merge namespace plancache polymorphism portals portals_p2 prepare
  prepared_xacts rangetypes returning rowtypes rules select select_distinct select_having select_into sequence
  subselect temp transactions truncate tsearch txid union update uuid window with plpgsql_transaction
  plpgsql_trap xml`.split(/\s+/)

// Each statement is a round trip of its own, on both sides.
const EXTENDED =
  `boolean int4 numeric strings timestamptz arrays case copy delete errors insert_conflict join
  jsonb limit merge portals prepare rangetypes returning select sequence subselect temp transactions union update
  window with`.split(/\s+/)

const all = process.env['REGRESS'] === 'all'

describe.skipIf(!hasSuite)('the regression suite (left out where ../shared/vectors is not)', () => {
  let comparison: Comparison
  beforeAll(async () => {
    comparison = await startComparison()
  })
  afterAll(() => comparison?.stop())

  test.each(all ? schedule() : PART)(
    '%s prints the same in psql through the gateway',
    async name => {
      const { differences, lines } = await comparison.compare(name)
      expect(differences).toEqual([])
      expect(lines).toBeGreaterThan(10)
    },
  )
})

describe.skipIf(!hasSuite)('the regression suite by the extended protocol', () => {
  let comparison: Comparison
  beforeAll(async () => {
    comparison = await startComparison()
    await comparison.compare('test_setup')
  })
  afterAll(() => comparison?.stop())

  test.each(all ? schedule().slice(1) : EXTENDED)(
    '%s is answered the same through the gateway',
    async name => {
      const pair = await openPair(comparison)
      try {
        const { statements, differences } = await pair.compare(name)
        expect(differences).toEqual([])
        expect(statements).toBeGreaterThan(0)
      } finally {
        await pair.close()
      }
    },
  )
})
