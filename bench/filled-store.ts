// Fills a store as a year of use would: sessions with what they are found by, requests, grants, people, the log. Sessions go
// in through the index's own code, the rest as rows.
import { sql } from 'kysely'
import type { AccessRequest } from '#model'
import type { Database } from '#services/db'
import type { RecordingTables } from '#services/recording'
import type { TestApi } from '../src/api/harness.ts'
import { BegunSessions } from '../src/services/recording/begun-sessions.ts'
import { SearchIndex } from '../src/services/recording/search-index.ts'

const TABLES = 40
const PEOPLE = 2_000
const CLASSES = ['email', 'phone', 'card', 'ssn']
const DAY = 86_400_000

/** The same figures each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

export async function fillSessions(
  store: Database,
  sessions: number,
  statements: number,
  now: number,
): Promise<void> {
  const any = numbers(1)
  const begun = new BegunSessions({ add() {}, clear() {} })
  const index = new SearchIndex(store.tables<RecordingTables>(), begun, error => {
    throw error
  })
  const each = Math.round(statements / sessions)
  const from = now - 365 * DAY
  const step = (365 * DAY) / sessions
  for (let first = 1; first <= sessions; first += 1_000) {
    const rows: (string | number | null)[][] = []
    for (let no = first; no < Math.min(first + 1_000, sessions + 1); no++) {
      const startedAt = Math.round(from + no * step)
      const ended = no > sessions - 50 ? null : startedAt + 1_000 + any(DAY / 2)
      // Some do much, most do little.
      const who = Math.floor((any(PEOPLE) * any(PEOPLE)) / PEOPLE)
      let denied = 0
      const entry = index.begin({ no })
      for (let at = 0; at < each; at++) {
        const table = `public.table_${Math.floor((any(TABLES) * any(TABLES)) / TABLES)}`
        const effect = any(50) === 0 ? 'deny' : any(100) === 0 ? 'held' : 'permit'
        if (effect === 'deny') denied += 1
        const text = `select id, name, email from ${table} where id = ${any(1_000_000)} and city = 'City${any(500)}' limit 10`
        entry.statement(text, effect, { objects: [table], verbs: ['SELECT'] })
        if (effect === 'permit' && any(10) === 0)
          entry.masked(text, [CLASSES[any(CLASSES.length)] ?? ''])
      }
      entry.end()
      rows.push([
        `ses-${no.toString(16).padStart(18, '0')}`,
        `resource-${any(20)}`,
        `person-${who}`,
        `run-${Math.floor(no / 7)}`,
        startedAt,
        ended,
        each,
        denied,
        no,
      ])
    }
    await sql`insert into recording_sessions (id, resource, protocol, principal, principal_kind, actor, run, ip, port, client,
        started_at, ended_at, close_reason, statements, denied, rows, bytes, no, indexed)
      select value ->> 0, value ->> 1, 'test', value ->> 2, 'agent', null, value ->> 3, '10.0.0.1', 1, 'psql',
        value ->> 4, value ->> 5, iif(value ->> 5 is null, null, 'client_left'), value ->> 6, value ->> 7, 100, 1000, value ->> 8, 0
      from json_each(${JSON.stringify(rows)})`.execute(store.kysely)
    await index.settle()
  }
}

export async function fillRest(api: TestApi, sample: AccessRequest, count: number): Promise<void> {
  const now = api.clock.now
  const any = numbers(2)
  const states = ['consumed', 'denied', 'expired', 'cancelled', 'approved']
  const { kysely } = api.store
  for (let first = 0; first < count; first += 1_000) {
    const requests: (string | number)[][] = []
    const grants: (string | number | null)[][] = []
    const people: (string | number)[][] = []
    for (let at = first; at < first + 1_000; at++) {
      const id = `req-${at.toString(16).padStart(12, '0')}`
      const createdAt = now - (count - at) * 1_000
      const principal = `person-${any(PEOPLE)}`
      const state = states[any(4)] ?? 'expired'
      const request = { ...sample, id, state, principal, createdAt, expiresAt: createdAt + 900_000 }
      requests.push([id, state, principal, createdAt, JSON.stringify(request)])
      grants.push([`grant-${at}`, principal, createdAt, now + any(2) * DAY - DAY / 2])
      people.push([`known-${at}`, `known ${at}`, createdAt])
    }
    await sql`insert into access_requests (id, state, digest, principal, resource, created_at, expires_at, body, version)
      select value ->> 0, value ->> 1, '', value ->> 2, 'shop', value ->> 3, value ->> 3, value ->> 4, 0 from json_each(${JSON.stringify(requests)})`.execute(
      kysely,
    )
    await sql`insert into access_grants (id, principal, resource, actions, created_at, expires_at, approved_by, reason)
      select value ->> 0, value ->> 1, 'shop', '["read"]', value ->> 2, value ->> 3, '["dora"]', 'because' from json_each(${JSON.stringify(grants)})`.execute(
      kysely,
    )
    await sql`insert into identity_principals (id, kind, name, issuer, groups, owners, sought, first_seen, last_seen)
      select value ->> 0, 'user', value ->> 1, 'https://idp', '["staff"]', '[]', value ->> 1, value ->> 2, value ->> 2 from json_each(${JSON.stringify(people)})`.execute(
      kysely,
    )
  }
}

export async function fillLog(api: TestApi, entries: number): Promise<void> {
  for (let at = 0; at < entries; at++) {
    const last = api.audit.append({
      kind: 'statement.permitted',
      session: `ses-${at % 1_000}`,
      details: { at },
    })
    if (at % 5_000 === 4_999) await api.audit.durable(last)
  }
}
