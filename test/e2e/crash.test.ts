// kill -9 at any moment under load: after a restart the log verifies, and every answer that a client
// received has its entry. And the orderly end: SIGTERM lets nothing half done.
import { readFileSync } from 'node:fs'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditRecords } from '../servers/audit-files.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage({
    policies: {
      'all.cedar': '@id("everything") permit (principal, action, resource);',
    },
    init: 'create table counted (who int, n int); alter table counted owner to app;',
  })
})
afterAll(() => stage?.stop())

interface Answered {
  writes: number
  reads: number
}

/** A client that writes and reads until its connection breaks; how many answers it got, which `done` tells meanwhile. */
async function work(
  who: number,
  token: string,
  done: Answered = { writes: 0, reads: 0 },
): Promise<Answered> {
  const db = new Client({
    host: '127.0.0.1',
    port: stage.gateway.port,
    user: 'worker',
    password: token,
    database: 'shop',
    ssl: { ca: readFileSync(stage.gateway.ca, 'utf8') },
  })
  db.on('error', () => {
    // The connection breaks: that is what the test does.
  })
  try {
    await db.connect()
    for (;;) {
      await db.query('insert into counted values ($1, $2)', [who, done.writes])
      done.writes += 1
      await db.query('select count(*) from counted where who = $1', [who])
      done.reads += 1
    }
  } catch {
    // Whatever was not answered is not counted.
    return done
  } finally {
    await db.end().catch(() => {
      // It is broken already.
    })
  }
}

test('after kill -9 the log verifies, and no answer lacks its entry', async () => {
  const answered = { writes: 0, reads: 0 }
  for (let round = 0; round < 5; round += 1) {
    const token = await stage.token('ana')
    const first = { writes: 0, reads: 0 }
    const workers = [1, 2, 3, 4].map(who =>
      work(round * 10 + who, token, who === 1 ? first : undefined),
    )
    await expect.poll(() => first.writes, { timeout: 60_000 }).toBeGreaterThan(4)
    await new Promise(resolve => setTimeout(resolve, 250 * round))
    await stage.gateway.kill()
    for (const done of await Promise.all(workers)) {
      answered.writes += done.writes
      answered.reads += done.reads
    }
    // Offline, before anything has repaired anything, and again after the restart.
    await stage.gateway.start()
    const { data } = stage.gateway
    const verified = await stage.gateway.cli(['audit', 'verify', '--data', data])
    expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  }
  expect(answered.writes).toBeGreaterThan(20)
  const [row] = await stage.server.query('select count(*)::int as n from counted')
  const executed = auditRecords(stage.gateway.data).filter(
    entry => entry.kind === 'statement.permitted',
  )
  const inserts = executed.filter(entry => entry.action?.verbs?.includes('INSERT'))
  const selects = executed.filter(entry => entry.action?.verbs?.includes('SELECT'))
  expect(inserts.length).toBeGreaterThanOrEqual(answered.writes)
  expect(selects.length).toBeGreaterThanOrEqual(answered.reads)
  // What reached the server at all was on record first, answered or not.
  expect(inserts.length).toBeGreaterThanOrEqual(Number(row?.['n']))
}, 240_000)

test('SIGTERM ends sessions with a native error, and the log says that it was closed well', async () => {
  const done = { writes: 0, reads: 0 }
  const working = work(99, await stage.token('ana'), done)
  await expect.poll(() => done.writes, { timeout: 60_000 }).toBeGreaterThan(4)
  expect(await stage.gateway.stop()).toBe(0)
  expect((await working).writes).toBeGreaterThan(0)
  const verified = await stage.gateway.cli(['audit', 'verify', '--data', stage.gateway.data])
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  await stage.gateway.start()
  const starts = auditRecords(stage.gateway.data).filter(entry => entry.kind === 'log.start')
  expect(starts.at(-1)?.details).toMatchObject({ cleanShutdown: true })
  // The restarts before were after a kill.
  expect(starts.at(-2)?.details).toMatchObject({ cleanShutdown: false })
}, 120_000)

test('after kill -9 a session is found by what is in its recording', async () => {
  const token = await stage.token('ana')
  const db = new Client({
    host: '127.0.0.1',
    port: stage.gateway.port,
    user: 'worker',
    password: token,
    database: 'shop',
    ssl: { ca: readFileSync(stage.gateway.ca, 'utf8') },
  })
  db.on('error', () => {
    // The connection breaks: that is what the test does.
  })
  await db.connect()
  await db.query("select n, 'cut_off_here' as word from counted limit 1")
  const live = await stage.gateway.cli(['sessions', '--text', 'cut_off_here', '--json'], token)
  const [{ id }] = JSON.parse(live.stdout) as [{ id: string }]
  // Somebody reads it: what was asked so far is in its recording, whatever comes.
  await stage.gateway.cli(['session', 'replay', id], token)
  await stage.gateway.kill()
  await stage.gateway.start()
  const asked = ['sessions', '--text', 'cut_off_here', '--table', 'counted', '--json']
  await expect
    .poll(async () => JSON.parse((await stage.gateway.cli(asked, token)).stdout))
    .toMatchObject([{ id, closeReason: 'failed' }])
  await db.end().catch(() => {
    // It is broken already.
  })
})
