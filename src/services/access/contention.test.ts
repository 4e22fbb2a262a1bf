// Many at once, on the real store: whatever the order, a yes is used once, one no wins, and no use is taken twice.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { grantIdOf, type StatementRequest, type TimeRequest } from '#model'
import { type Database, openDatabase } from '#services/db'
import { fc } from '../../../test/property.ts'
import {
  type AccessTables,
  accessMigrations,
  Grants,
  isMet,
  type NewRequest,
  type RequestEvent,
  Requests,
} from './index.ts'

const NOW = 1_000_000
let database: Database
let now = NOW
/** Two nodes on one store: each has its own memory. */
let nodes: readonly { requests: Requests; grants: Grants }[]

beforeAll(async () => {
  database = await openDatabase(':memory:', [accessMigrations])
  const node = () => ({
    requests: new Requests(database.tables<AccessTables>(), () => now),
    grants: new Grants(database.tables<AccessTables>(), () => now),
  })
  nodes = [node(), node()]
})
afterAll(() => database.close())

const asked = {
  digest: 'd'.repeat(64),
  resource: 'shop',
  protocol: 'x',
  principal: 'bot',
  principalKind: 'agent',
  excluded: ['bot'],
  message: 'ask first',
  policies: ['p'],
  approvers: ['dba'],
} as const
const statement = (quorum: number): NewRequest<StatementRequest> => ({
  ...asked,
  kind: 'statement',
  session: 'ses-1',
  statement: 'delete from t',
  parameters: [],
  objects: ['t'],
  verbs: ['DELETE'],
  flags: [],
  quorum,
  expiresAt: now + 1_000,
})
const time = (quorum: number, uses: number): NewRequest<TimeRequest> => ({
  ...asked,
  kind: 'time',
  reason: 'ticket 7',
  actions: ['connect', 'read'],
  seconds: 60,
  uses,
  outlook: [],
  quorum,
  expiresAt: now + 1_000,
})

type Act = RequestEvent | { readonly kind: 'wait'; readonly ms: number }
const vote = fc.record({
  kind: fc.constant('vote' as const),
  vote: fc.constantFrom(
    'approve' as const,
    'approve' as const,
    'approve' as const,
    'deny' as const,
  ),
  approver: fc.constantFrom('a', 'b', 'c', 'd'),
  approvedForMs: fc.constant(1_000),
})
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: vote },
  { weight: 3, arbitrary: fc.constant({ kind: 'consume' as const }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { kind: 'cancel' as const },
      { kind: 'expire' as const },
      { kind: 'supersede' as const },
      { kind: 'revoke' as const },
    ),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(600) }) },
)

/** All at once, on both nodes by turns; what was done, in no order. */
async function contend(id: string, acts: readonly Act[]): Promise<readonly RequestEvent[]> {
  const tries = acts.map(async (each, turn) => {
    if (each.kind === 'wait') {
      now += each.ms
      return []
    }
    // Where in the other ones' work it falls is left to the scheduler, and differs from turn to turn.
    for (let pause = turn % 3; pause > 0; pause--) await Promise.resolve()
    return nodes[turn % 2]!.requests.apply(id, each).then(
      () => [each],
      error => {
        if (error.code === 'request_conflict') return []
        throw error
      },
    )
  })
  return (await Promise.all(tries)).flat()
}

describe('requests that many change at once', () => {
  it('are used once at most, never without yeses enough, and never after a no', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { minLength: 4, maxLength: 24 }),
        fc.integer({ min: 1, max: 3 }),
        async (acts, quorum) => {
          const [node] = nodes
          const { id } = await node!.requests.create(statement(quorum))
          const done = await contend(id, acts)
          const after = await node!.requests.get(id)
          const uses = done.filter(({ kind }) => kind === 'consume').length
          expect(uses).toBeLessThanOrEqual(1)
          expect(after.state === 'consumed').toBe(uses === 1)
          const denied = done.some(each => each.kind === 'vote' && each.vote === 'deny')
          expect(after.state === 'denied').toBe(denied)
          if (denied) expect(uses).toBe(0)
          expect(new Set(after.votes.map(({ approver }) => approver)).size).toBe(after.votes.length)
          const yes = after.votes.filter(each => each.vote === 'approve').length
          if (['approved', 'consumed', 'revoked'].includes(after.state)) expect(yes).toBe(quorum)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('become one right for a time, and no session more than it has uses', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 2, max: 10 }),
        async (uses, sessions) => {
          const [first, second] = nodes
          const made = await first!.requests.create(time(2, uses))
          const yeses = ['a', 'b', 'c', 'd'].map((approver, turn) =>
            nodes[turn % 2]!.requests.apply(made.id, {
              kind: 'vote',
              vote: 'approve',
              approver,
              approvedForMs: 0,
            }).catch(() => undefined),
          )
          const after = (await Promise.all(yeses)).filter(each => each?.state === 'approved')
          expect(after).toHaveLength(1)
          const approved = (await first!.requests.get(made.id)) as TimeRequest
          await Promise.all([first, second, first].map(node => node!.grants.createFor(approved)))
          const id = grantIdOf(approved)
          const taken = await Promise.all(
            Array.from({ length: sessions }, (_, turn) => nodes[turn % 2]!.grants.take(id)),
          )
          expect(taken.filter(Boolean)).toHaveLength(Math.min(uses, sessions))
          expect((await second!.grants.get(id)).uses).toBe(Math.min(uses, sessions))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('give no use after the right was revoked, whoever was on the way', async () => {
    const [node] = nodes
    const made = await node!.requests.create(time(1, 5))
    const approved = (await node!.requests.apply(made.id, {
      kind: 'vote',
      vote: 'approve',
      approver: 'a',
      approvedForMs: 0,
    })) as TimeRequest
    const { id } = await node!.grants.createFor(approved)
    await node!.grants.revoke(id)
    const late = Array.from({ length: 4 }, (_, turn) => nodes[turn % 2]!.grants.take(id))
    expect(await Promise.all(late)).toEqual([false, false, false, false])
    // A crash before the right was made is mended at the next start; what was revoked stays so.
    expect((await node!.grants.createFor(approved)).revokedAt).toBeDefined()
  })
})

describe('needs of several groups', () => {
  it('are met exactly when people can be seated so that each has one place', () => {
    const voter = fc.array(fc.constantFrom(0, 1, 2), { maxLength: 3 })
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 1, maxLength: 3 }),
        fc.array(voter, { maxLength: 6 }),
        (counts, voters) => {
          const needs = counts.map((count, at) => ({ groups: [String(at)], count }))
          const votes = voters.map((fits, at) => ({
            approver: String(at),
            vote: 'approve' as const,
            at: 0,
            counts: fits,
          }))
          const met = isMet({
            ...statement(0),
            id: 'r',
            state: 'pending',
            createdAt: 0,
            needs,
            votes,
          })
          expect(met).toBe(
            canSeat(
              counts.flatMap((count, at) => Array(count).fill(at)),
              voters,
            ),
          )
        },
      ),
    )
  })
})

/** By trying everything. */
function canSeat(places: readonly number[], voters: readonly (readonly number[])[]): boolean {
  const [place, ...rest] = places
  if (place === undefined) return true
  return voters.some(
    (fits, at) =>
      fits.includes(place) &&
      canSeat(
        rest,
        voters.filter((_, other) => other !== at),
      ),
  )
}
