// Soundness of lineage, on real servers: every column of every table carries a mark of its own, random queries are
// run, and each mark that comes out in a column must be of a source that we named for it (or we said that it cannot be told).
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPostgresAnalyser } from '../../src/engines/sql/index.ts'
import { createCatalogs } from '../../src/protocols/postgres/catalogs.ts'
import { Scope } from '../../src/protocols/postgres/scope.ts'
import { SessionNames } from '../../src/protocols/postgres/session-names.ts'
import { StatementBuilder } from '../../src/protocols/postgres/statement.ts'
import { fakeSession } from '../../src/protocols/postgres/test-doubles.ts'
import { Random } from '../differential/random.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { type Judge, leaksOf, newTally, spillsOf } from './marks.ts'
import { Queries } from './queries.ts'
import { INIT } from './world.ts'
import { Writes } from './writes.ts'

const LIMITS = {
  messageBytes: 64 << 20,
  heldBodyBytes: 1 << 28,
  bodyBytesPerSecond: 0,
  loginMs: 5_000,
  upstreamLoginMs: 5_000,
}
const QUERIES = Number(process.env['LINEAGE_QUERIES'] ?? 1_500)
const SEED = Number(process.env['LINEAGE_SEED'] ?? 7)

for (const version of [15, 18] as const) {
  describe.skipIf(!(await hasPostgres(version)))(`PostgreSQL ${version}`, () => suite(version))
}

async function connected({ host, port, user, database }: PostgresServer): Promise<Client> {
  const client = new Client({ host, port, user, database })
  client.on('error', () => {}) // the server may be gone: the query that waits rejects
  await client.connect()
  await client.query("set statement_timeout = '100ms'; set jit = off")
  return client
}

function suite(version: 15 | 18): void {
  let server: PostgresServer
  let judge: Judge
  let leave: () => void

  beforeAll(async () => {
    server = await startPostgres({ version, init: INIT, auth: 'trust' })
    const { host, port, user, database } = server
    const client = await connected(server)
    const double = fakeSession({ host, port, database, tls: 'disable' }, { user, secrets: {} })
    const joined = createCatalogs(() => performance.now()).join(double, database, LIMITS)
    leave = joined.leave
    await joined.catalog.fresh()
    const analyser = await createPostgresAnalyser()
    const scope = new Scope(['$user', 'public'], user)
    const builder = new StatementBuilder(analyser, joined.catalog, scope, new SessionNames())
    judge = { client, analyser, builder }
  })

  afterAll(async () => {
    leave?.()
    await judge?.client.end()
    await server?.stop()
  })

  /** PostgreSQL 18 was seen to crash on `old` in a sub-query of RETURNING: it comes back, and so do we. Other errors are ours. */
  async function again(error: Error): Promise<undefined> {
    if (!/Connection terminated|connection error/.test(error.message)) throw error
    await expect
      .poll(async () => {
        judge.client = await connected(server)
        return true
      })
      .toBe(true)
  }

  it('shows nothing in a column but what was said to be a source of it', {
    timeout: 300_000,
  }, async () => {
    const queries = new Queries(new Random(SEED), version >= 17)
    const tally = newTally()
    const wrong: string[] = []
    for (let count = 0; count < QUERIES; count++) {
      const { sql } = queries.query(3)
      const leaks = await leaksOf(sql, judge, tally)
      if (leaks !== undefined && leaks.length > 0) wrong.push(`${sql}\n    ${leaks.join('\n    ')}`)
    }
    expect(wrong.slice(0, 5).join('\n')).toBe('')
    expect(tally.ran / tally.tried).toBeGreaterThan(0.3)
    // Saying `unknown` of everything would be sound, too.
    expect(tally.untold / tally.outputs).toBeLessThan(0.1)
    expect(tally.seen / tally.named).toBeGreaterThan(0.25)
  })

  it('stores nothing but what was said to go there', { timeout: 300_000 }, async () => {
    const random = new Random(SEED)
    const modern = version >= 17
    const writes = new Writes(random, new Queries(random, modern), modern)
    const tally = newTally()
    const wrong: string[] = []
    for (let count = 0; count < QUERIES / 2; count++) {
      const text = writes.statement()
      const leaks = await spillsOf(text, judge, tally).catch(again)
      if (leaks !== undefined && leaks.length > 0)
        wrong.push(`${text}\n    ${leaks.join('\n    ')}`)
    }
    expect(wrong.slice(0, 5).join('\n')).toBe('')
    expect(tally.ran / tally.tried).toBeGreaterThan(0.3)
    // Saying `unknown` of everything would be sound, too.
    expect(tally.untold / tally.outputs).toBeLessThan(0.1)
    expect(tally.seen / tally.named).toBeGreaterThan(0.25)
  })
}
