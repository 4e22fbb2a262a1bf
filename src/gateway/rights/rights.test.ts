import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nobodyWaits, principal, read, type TestGateway, testGateway } from '../gateway.testing.ts'

let test: TestGateway
beforeEach(async () => {
  test = await testGateway('@id("staff") permit (principal in Group::"staff", action, resource);')
})
afterEach(() => test.close())

describe('a session', () => {
  it('does not rest on a grant that the agent’s own owner gave', async () => {
    const give = (to: string) =>
      test.grants.create({
        principal: to,
        resource: 'shop',
        actions: ['connect', 'read'],
        expiresAt: test.clock.now + 60_000,
        approvedBy: ['dora'],
        reason: 'ticket 4711',
      })
    await give('helper')
    const own = principal('helper', [], { kind: 'agent', owners: ['dora'] })
    await expect(test.open(own)).rejects.toMatchObject({ code: 'resource_unknown' })
    // Nor on one that an actor in its chain gave; of anybody else it counts.
    const actor = {
      kind: 'user',
      id: 'dora',
      subject: 'dora',
      issuer: 'https://idp',
      groups: [],
    } as const
    await expect(test.open(principal('helper', [], { actors: [actor] }))).rejects.toMatchObject({
      code: 'resource_unknown',
    })
    const other = principal('helper', [], { kind: 'agent', owners: ['olga'] })
    // `policy why` and the replay of past sessions go by the same.
    const { rights } = test.gateway
    expect([rights.grantsOf(own, 'shop'), rights.grantsOf(other, 'shop')]).toMatchObject([[], [{}]])
    const session = await test.open(other)
    await session.authorize(read(), nobodyWaits)
    expect(test.gateway.isOwn('olga', 'helper')).toBe(true)
    expect(test.gateway.isOwn('dora', 'helper')).toBe(false)
  })
})
