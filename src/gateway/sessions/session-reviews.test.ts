import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../test/servers/programs.ts'
import { nobodyWaits, principal, read, type TestGateway, testGateway } from '../gateway.testing.ts'

const POLICIES = `
@id("staff-connect") permit (principal in Group::"staff", action == Action::"connect", resource in Resource::"shop");
@id("staff-read") permit (principal in Group::"staff", action == Action::"read", resource in Resource::"shop");
`
const ana = principal('ana', ['staff'])
const bot = principal('bot', ['staff'], { kind: 'agent', owners: ['olga'] })

let test: TestGateway
beforeEach(async () => {
  test = await testGateway(POLICIES)
})
afterEach(() => test.close())

describe('what ends, ends its sessions', () => {
  const endedWith = (session: { signal: AbortSignal }) => session.signal.reason

  it('when a credential is revoked', async () => {
    const session = await test.open(ana)
    const other = await test.open(bot)
    test.endIdentity({ credentialId: 'token-of-ana', reason: 'credential_revoked' })
    expect(endedWith(session)).toBe('identity_ended')
    expect(other.signal.aborted).toBe(false)
  })

  it('when its owner is withdrawn', async () => {
    const session = await test.open(bot)
    test.endIdentity({ principalId: 'olga', reason: 'principal_revoked' })
    expect(endedWith(session)).toBe('identity_ended')
  })

  it('when the identity expires', async () => {
    const session = await test.open(
      principal('soon', ['staff'], { expiresAt: test.clock.now + 30 }),
    )
    test.clock.now += 31
    await until('its end', () => session.signal.aborted)
    expect(endedWith(session)).toBe('identity_ended')
  })

  it('when the policy no longer permits to connect', async () => {
    const session = await test.open(ana)
    test.usePolicies('@id("none") permit (principal in Group::"others", action, resource);')
    expect(endedWith(session)).toBe('policy_changed')
  })

  it('when a grant that it rests on is revoked', async () => {
    const guest = principal('guest', [])
    const grant = await test.grants.create({
      principal: 'guest',
      resource: 'shop',
      actions: ['connect', 'read'],
      expiresAt: test.clock.now + 60_000,
      approvedBy: ['dora'],
      reason: 'ticket 4711',
    })
    const session = await test.open(guest)
    await session.authorize(read(), nobodyWaits)
    await test.grants.revoke(grant.id)
    expect(endedWith(session)).toBe('grant_ended')
  })

  it('when a grant that it rests on has come to its end', async () => {
    await test.grants.create({
      principal: 'guest',
      resource: 'shop',
      actions: ['connect'],
      expiresAt: test.clock.now + 500,
      approvedBy: ['dora'],
      reason: 'ticket 4711',
    })
    const session = await test.open(principal('guest', []))
    test.clock.now += 501
    await until('its end', () => session.signal.aborted)
    expect(endedWith(session)).toBe('grant_ended')
  })
})
