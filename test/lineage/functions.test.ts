// What lineage believes of the columns that built-in functions answer with, held against the servers' own catalogs: a
// name that it gives to a column which the server calls otherwise lets another relation's column pass for it.
import { describe, expect, it } from 'vitest'
import { safeFunctions } from '../../src/engines/sql/postgres/catalog-names.ts'
import { openFunctions, severalColumns } from '../../src/engines/sql/postgres/lineage-functions.ts'
import { hasPostgres, startPostgres } from '../servers/postgres.ts'

const QUESTION = `
  select p.proname, t.typtype::text, t.typname,
    (select string_agg(name, ' ' order by at) from unnest(p.proargnames, p.proargmodes) with ordinality u(name, mode, at)
      where mode in ('o', 'b', 't')) as columns
  from pg_proc p join pg_type t on t.oid = p.prorettype
  where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind in ('f', 'w')`

interface Routine {
  readonly proname: string
  readonly typtype: string
  readonly typname: string
  readonly columns: string | null
}

/** Of which a call may answer with a row: of the arguments' type, or of one of its own. */
const mayBeRow = /^(record|anyelement|anynonarray|anycompatible|anycompatiblenonarray)$/

for (const version of [15, 18] as const) {
  describe.skipIf(!(await hasPostgres(version)))(`PostgreSQL ${version}`, () => {
    it('calls the columns of every function that is taken for safe as lineage does', async () => {
      const server = await startPostgres({ version })
      const routines = (await server.query(QUESTION)) as unknown as readonly Routine[]
      await server.stop()
      expect(routines.length).toBeGreaterThan(2_500)
      const wrong = routines.flatMap(({ proname, typtype, typname, columns }) => {
        if (!safeFunctions.has(proname) || openFunctions.has(proname)) return []
        const believed = severalColumns.get(proname)?.join(' ')
        if (believed !== undefined) {
          return believed === columns ? [] : [`${proname}: ${columns}, not ${believed}`]
        }
        const row = typtype === 'c' || mayBeRow.test(typname)
        return columns === null && !row ? [] : [`${proname}: ${columns ?? typname}`]
      })
      expect([...new Set(wrong)]).toEqual([])
    })
  })
}
