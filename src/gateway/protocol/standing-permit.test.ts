import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { nobodyWaits, principal, read, type TestGateway, testGateway } from '../gateway.testing.ts'
import { standOn } from './standing-permit.ts'

const POLICIES = '@id("all") permit (principal, action, resource);'

let test: TestGateway
beforeEach(async () => {
  test = await testGateway(POLICIES)
})
afterEach(() => test.close())

describe('what runs on a permit without an end of its own', () => {
  it('is asked about once a second', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const session = await test.open(principal('ana', []))
      const permit = await session.authorize(read(), nobodyWaits)
      test.usePolicies(POLICIES)
      const standing = standOn(session, permit, () => {})
      vi.advanceTimersByTime(5_000)
      expect(standing.signal.aborted).toBe(false)
      test.usePolicies(
        `${POLICIES} @id("no") forbid (principal, action == Action::"read", resource);`,
      )
      vi.advanceTimersByTime(1_000)
      expect(standing.signal.reason).toMatchObject({ code: 'session_ended' })
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})
