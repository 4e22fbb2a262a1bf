import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AccessRequest, StatementRequest } from '#model'
import { type Database, openDatabase } from '#services/db'
import { fc } from '../../../test/property.ts'
import {
  type AccessTables,
  accessMigrations,
  advance,
  Grants,
  type NewRequest,
  Requests,
} from './index.ts'

const NOW = 1_000_000
let database: Database
let now = NOW
let requests: Requests

beforeEach(async () => {
  now = NOW
  database = await openDatabase(':memory:', [accessMigrations])
  requests = new Requests(database.tables<AccessTables>(), () => now)
})
afterEach(() => database.close())

const asking: NewRequest<StatementRequest> = {
  kind: 'statement',
  digest: 'd'.repeat(64),
  resource: 'shop',
  protocol: 'x',
  session: 'ses-1',
  principal: 'bot',
  principalKind: 'agent',
  excluded: ['bot'],
  statement: 'delete from t',
  parameters: [],
  objects: ['t'],
  verbs: ['DELETE'],
  flags: ['unfiltered'],
  message: 'ask first',
  policies: ['p'],
  approvers: ['dba'],
  quorum: 1,
  expiresAt: NOW + 60_000,
}
const yes = (approver: string, maxRows?: number) =>
  ({
    kind: 'vote',
    vote: 'approve',
    approver,
    approvedForMs: 60_000,
    ...(maxRows === undefined ? {} : { maxRows }),
  }) as const

describe('an access request', () => {
  it('is approved by one yes when one is enough, and then consumed once', async () => {
    const { id } = await requests.create(asking)
    expect((await requests.apply(id, yes('dora'))).state).toBe('approved')
    expect((await requests.apply(id, { kind: 'consume' })).state).toBe('consumed')
    await expect(requests.apply(id, { kind: 'consume' })).rejects.toMatchObject({
      code: 'request_conflict',
    })
  })

  it('is consumed by one of many that try at once', async () => {
    const { id } = await requests.create(asking)
    await requests.apply(id, yes('dora'))
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, () => requests.apply(id, { kind: 'consume' })),
    )
    expect(tries.filter(each => each.status === 'fulfilled')).toHaveLength(1)
  })

  it('needs distinct people for its quorum', async () => {
    const { id } = await requests.create({ ...asking, quorum: 2 })
    expect((await requests.apply(id, yes('dora'))).state).toBe('pending')
    await expect(requests.apply(id, yes('dora'))).rejects.toMatchObject({
      code: 'request_conflict',
    })
    expect((await requests.apply(id, yes('dan'))).state).toBe('approved')
  })

  it('is denied by one veto, also after a yes', async () => {
    const { id } = await requests.create({ ...asking, quorum: 2 })
    await requests.apply(id, yes('dora'))
    const denied = await requests.apply(id, {
      kind: 'vote',
      vote: 'deny',
      approver: 'dan',
      reason: 'no',
      approvedForMs: 1,
    })
    expect(denied.state).toBe('denied')
    await expect(requests.apply(id, yes('eve'))).rejects.toMatchObject({ code: 'request_conflict' })
  })

  it('keeps the lowest bound on rows that any approver set', async () => {
    const { id } = await requests.create({ ...asking, quorum: 2 })
    await requests.apply(id, yes('dora', 10))
    expect(await requests.apply(id, yes('dan', 50))).toMatchObject({ maxRows: 10 })
  })

  it('is of no use to anybody once the yes was revoked', async () => {
    const { id } = await requests.create(asking)
    await requests.apply(id, yes('dora'))
    expect((await requests.apply(id, { kind: 'revoke' })).state).toBe('revoked')
    for (const event of [{ kind: 'consume' } as const, yes('dan')])
      await expect(requests.apply(id, event)).rejects.toMatchObject({ code: 'request_conflict' })
    expect(await requests.findFor(asking.digest, asking.principal)).toEqual([])
  })

  it('cannot be approved when its time is over, and is listed as expired', async () => {
    const { id } = await requests.create(asking)
    now = NOW + 60_000
    await expect(requests.apply(id, yes('dora'))).rejects.toMatchObject({
      code: 'request_conflict',
    })
    expect((await requests.list({ limit: 10 }))[0]?.state).toBe('expired')
  })

  it('is found by its digest and principal only, and only while it holds', async () => {
    const { id } = await requests.create(asking)
    expect((await requests.findFor(asking.digest, 'bot'))[0]?.id).toBe(id)
    expect(await requests.findFor(asking.digest, 'other')).toEqual([])
    expect(await requests.findFor('e'.repeat(64), 'bot')).toEqual([])
    now = NOW + 60_001
    expect(await requests.findFor(asking.digest, 'bot')).toEqual([])
  })

  it('is refused when its principal has a hundred that wait, however many come at once', async () => {
    const tries = await Promise.allSettled(
      Array.from({ length: 105 }, (_, at) =>
        requests.create({ ...asking, digest: String(at).padStart(64, '0') }),
      ),
    )
    const made = tries.filter(each => each.status === 'fulfilled')
    expect(made).toHaveLength(100)
    expect(tries.find(each => each.status === 'rejected')?.reason).toMatchObject({
      code: 'too_many_requests',
    })
    expect(await requests.list({ limit: 1000 })).toHaveLength(made.length)
    await requests.create({ ...asking, principal: 'other' })
    now = NOW + 60_001
    await requests.create({ ...asking, expiresAt: now + 1000 })
  })

  it('is not made again and again to be taken back: whoever is told of each would hear nothing else', async () => {
    for (let i = 0; i < 100; i++) {
      const { id } = await requests.create({ ...asking, expiresAt: NOW + 86_400_000 })
      await requests.apply(id, { kind: 'cancel' })
    }
    await expect(requests.create(asking)).rejects.toMatchObject({ code: 'too_many_requests' })
    await requests.create({ ...asking, principal: 'ana' })
    now += 3_600_000
    await requests.create({ ...asking, expiresAt: now + 60_000 })
  })

  it('is listed page by page, each once, also when several were made in the same millisecond', async () => {
    for (let at = 0; at < 7; at++) {
      now = NOW + Math.floor(at / 3)
      await requests.create(asking)
    }
    const seen: string[] = []
    let before: string | undefined
    for (;;) {
      const page = await requests.list({ limit: 2, ...(before === undefined ? {} : { before }) })
      if (page.length === 0) break
      seen.push(...page.map(each => each.id))
      before = page.at(-1)?.id
    }
    expect(new Set(seen).size).toBe(7)
    expect(seen).toHaveLength(7)
  })

  it('never leads from any order of events to a second use', () => {
    const event = fc.oneof(
      fc.record({
        kind: fc.constant('vote' as const),
        vote: fc.constantFrom('approve' as const, 'deny' as const),
        approver: fc.constantFrom('a', 'b', 'c'),
        approvedForMs: fc.constant(100),
      }),
      fc.constantFrom(
        { kind: 'consume' as const },
        { kind: 'cancel' as const },
        { kind: 'expire' as const },
        { kind: 'supersede' as const },
        { kind: 'revoke' as const },
      ),
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(event, fc.nat(80)), { maxLength: 12 }),
        fc.integer({ min: 1, max: 3 }),
        (events, quorum) => {
          let request: AccessRequest = {
            ...asking,
            quorum,
            id: 'r',
            state: 'pending',
            votes: [],
            createdAt: 0,
            expiresAt: 200,
          }
          let at = 0
          let uses = 0
          for (const [each, pause] of events) {
            at += pause
            try {
              request = advance(request, each, at)
              if (each.kind === 'consume') uses += 1
            } catch {
              // Refused: nothing changed.
            }
            const yeses = new Set(
              request.votes.filter(vote => vote.vote === 'approve').map(vote => vote.approver),
            )
            if (request.state === 'consumed') expect(yeses.size).toBeGreaterThanOrEqual(quorum)
          }
          expect(uses).toBeLessThanOrEqual(1)
        },
      ),
    )
  })
})

describe('a grant', () => {
  it('holds for its principal and resource until its absolute end', async () => {
    const grants = new Grants(database.tables<AccessTables>(), () => now)
    await grants.load()
    await grants.create({
      principal: 'ana',
      resource: 'shop',
      actions: ['read'],
      expiresAt: NOW + 1000,
      approvedBy: ['dora'],
      reason: 'ticket',
    })
    expect(grants.holding('ana', 'shop')).toHaveLength(1)
    expect(grants.holding('ana', 'other')).toHaveLength(0)
    now = NOW + 1000
    expect(grants.holding('ana', 'shop')).toHaveLength(0)
  })

  it('ends at once when it is revoked, tells who listens, and is not revoked twice', async () => {
    const grants = new Grants(database.tables<AccessTables>(), () => now)
    const grant = await grants.create({
      principal: 'ana',
      resource: 'shop',
      actions: ['read'],
      expiresAt: NOW + 1000,
      approvedBy: ['dora'],
      reason: 'ticket',
    })
    const heard: string[] = []
    grants.onChange(changed => heard.push(changed.id))
    await grants.revoke(grant.id)
    expect(heard).toEqual([grant.id])
    expect(grants.holding('ana', 'shop')).toHaveLength(0)
    await expect(grants.revoke(grant.id)).rejects.toMatchObject({ code: 'request_conflict' })
  })

  it('is still there after a restart', async () => {
    const first = new Grants(database.tables<AccessTables>(), () => now)
    await first.create({
      principal: 'ana',
      resource: 'shop',
      actions: ['read'],
      expiresAt: NOW + 1000,
      approvedBy: ['dora'],
      reason: 'ticket',
    })
    const second = new Grants(database.tables<AccessTables>(), () => now)
    await second.load()
    expect(second.holding('ana', 'shop')).toHaveLength(1)
  })
})
