// How long each list of the API takes with 1,000,000 statements of 100,000 sessions in the embedded store, over real HTTPS.
// `node bench/lists.ts [SESSIONS]`. CPU is of the whole process, the asking side too; wall time is what a client waits.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { paths } from '#contract'
import { testApi } from '../src/api/harness.ts'
import { nobodyWaits, principal, write } from '../src/gateway/gateway.testing.ts'
import { fillLog, fillRest, fillSessions } from './filled-store.ts'

const SESSIONS = Number(process.argv[2] ?? 100_000)
const STATEMENTS = SESSIONS * 10
const OTHERS = 20_000
const CALLS = 25
const MOST_MS = 50

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("ask") @approvers("dba") @within("15m") @reason("Ask the DBAs.")
forbid (principal, action == Action::"write", resource) unless { context.approved };
@id("looks") permit (principal in Group::"looks", action in [Action::"console:read", Action::"console:audit"], resource == Gateway::"sallyport");
`

const folder = mkdtempSync(join(tmpdir(), 'sallyport-lists-'))
const api = await testApi(POLICIES, {}, join(folder, 'store.db'))
try {
  const from = performance.now()
  await fillSessions(api.store, SESSIONS, STATEMENTS, api.clock.now)
  const between = performance.now()
  await fillRest(api, await sampleRequest(), OTHERS)
  await fillLog(api, 200_000)
  console.log(
    `${SESSIONS} sessions, ${STATEMENTS} statements in ${Math.round((between - from) / 1_000)} s; ${OTHERS} requests, grants and people, 200000 entries in ${Math.round((performance.now() - between) / 1_000)} s`,
  )
  const all = api.signIn(principal('aude', ['looks']))
  const own = api.signIn(principal('person-3', []))
  const year = 365 * 86_400_000
  const half = api.clock.now - year / 2
  const middle = `ses-${Math.floor(SESSIONS / 2)
    .toString(16)
    .padStart(18, '0')}`
  const sessions = (query: string): string => `${paths.sessions}?${query}`
  const only = process.argv[3] ?? ''
  const cases: readonly (readonly [string, string, string?])[] = [
    ['sessions', sessions('')],
    ['sessions, 500 of the middle', sessions(`before=${middle}&limit=500`)],
    ['sessions of one', sessions('principal=person-3')],
    ['sessions of one who had few', sessions('principal=person-1990')],
    ['sessions, own', sessions(''), own],
    ['sessions on a resource', sessions('resource=resource-7')],
    ['sessions, live', sessions('live=true')],
    ['sessions, ended', sessions('live=false')],
    ['sessions on a table, many', sessions('table=table_0')],
    ['sessions on a table, few', sessions('table=public.table_39')],
    ['sessions with a class', sessions('class=card')],
    ['sessions with a denial', sessions('decision=deny')],
    ['sessions with a text of all', sessions('text=select%20id')],
    ['sessions with a text of many', sessions('text=City77%27')],
    ['sessions with a text of few', sessions('text=id%20%3D%20123456')],
    [
      'sessions with a long text of none',
      sessions(
        `text=${encodeURIComponent('select id, name, email from public.table_0 where id = 1234567890 and city')}`,
      ),
    ],
    ['sessions with a text of none', sessions('text=nowhere%20to%20be%20found')],
    ['sessions of half a year ago', sessions(`from=${half}&until=${half + 3_600_000}`)],
    [
      'sessions of half a year ago, one text',
      sessions(`from=${half}&until=${half + 86_400_000}&text=City77%27`),
    ],
    ['sessions: who and text', sessions('principal=person-3&text=City77%27')],
    ['sessions: who, few, and a text of all', sessions('principal=person-1990&text=select%20id')],
    ['sessions: table and class', sessions('table=table_39&class=card')],
    ['sessions: table, denied', sessions('table=table_3&decision=deny')],
    ['sessions: table, class and text', sessions('table=table_3&class=card&text=City77%27')],
    [
      'sessions: two of many that never meet',
      sessions('resource=resource-3&table=table_0&decision=deny&class=card'),
    ],
    [
      'sessions: all at once',
      sessions(
        `principal=person-3&resource=resource-3&live=false&table=table_1&class=email&decision=permit&text=City&from=${half}&until=${api.clock.now}`,
      ),
    ],
    ['requests', paths.requests],
    ['requests, pending', `${paths.requests}?state=pending`],
    ['requests, own', paths.requests, own],
    ['grants', paths.grants],
    ['grants, ended too', `${paths.grants}?ended=true`],
    ['log, newest', paths.audit],
    ['log, middle', `${paths.audit}?from=100000`],
    ['people', paths.principals],
    ['people, searched', `${paths.principals}?search=known%2019`],
    ['runs', paths.runs],
    ['credentials', paths.credentials],
    ['resources', paths.resources],
  ]
  let slow = 0
  console.log(`${'list'.padEnd(40)} found  p50 ms  p95 ms  CPU p50 ms`)
  for (const [name, path, token = all] of cases) {
    if (!name.includes(only)) continue
    const wall: number[] = []
    const cpu: number[] = []
    let found = 0
    for (let at = 0; at < CALLS; at++) {
      const before = process.cpuUsage()
      const start = performance.now()
      const answer = await api.call('GET', path, { token })
      wall.push(performance.now() - start)
      const { user, system } = process.cpuUsage(before)
      cpu.push((user + system) / 1_000)
      if (answer.status !== 200) throw new Error(`${path}: ${answer.text}`)
      const { body } = answer
      found = Array.isArray(body) ? body.length : Object.values(body as object)[0].length
    }
    const used = middleOf(cpu, 0.5)
    if (used > MOST_MS) slow += 1
    console.log(
      `${used > MOST_MS ? '✗' : '✓'} ${name.padEnd(40)} ${String(found).padStart(5)} ${middleOf(wall, 0.5).toFixed(1).padStart(7)} ${middleOf(wall, 0.95).toFixed(1).padStart(7)} ${used.toFixed(1).padStart(7)}`,
    )
  }
  process.exitCode = slow > 0 ? 1 : 0
} finally {
  await api.stop()
  rmSync(folder, { recursive: true, force: true })
}

function middleOf(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(at * sorted.length)] ?? 0
}

async function sampleRequest() {
  api.hold.user = 0
  const session = await api.open(principal('ana', ['staff']))
  const refused = await Promise.resolve(
    session.authorize(write('delete from t where id = 7'), nobodyWaits),
  ).then(
    () => undefined,
    (error: { requestId?: string }) => error,
  )
  return api.requests.get(refused?.requestId ?? '')
}
