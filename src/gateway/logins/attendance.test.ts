import { describe, expect, it } from 'vitest'
import type { Actor } from '#model'
import { principal } from '../gateway.testing.ts'
import { Attendance, restsOn } from './attendance.ts'

const actor: Actor = { kind: 'agent', id: 'bot', subject: 'bot', issuer: 'https://b', groups: [] }
const ana = principal('ana', ['staff'], { actors: [actor], owners: ['olga'] })

describe('what a principal rests on', () => {
  it.each([
    ['itself', { principalId: 'ana' }, true],
    ['its owner', { principalId: 'olga' }, true],
    ['its actor', { principalId: 'bot' }, true],
    ['its token', { credentialId: 'token-of-ana' }, true],
    ['its issuer', { issuer: 'https://idp' }, true],
    ['the issuer of its actor', { issuer: 'https://b' }, true],
    ['somebody else', { principalId: 'eve' }, false],
    ['nothing at all', {}, false],
  ])('%s', (_what, end, rests) => {
    expect(restsOn(ana, { ...end, reason: 'principal_revoked' })).toBe(rests)
  })
})

describe('an identity', () => {
  const end = { principalId: 'ana', reason: 'principal_revoked' } as const

  it('no longer holds when it ended after its proof began, and holds when it was proved later', () => {
    const attendance = new Attendance()
    const mark = attendance.mark()
    attendance.ended(end, 0)
    attendance.proved(ana, mark)
    expect(attendance.holds(ana, 0)).toBe(false)
    attendance.proved(ana, attendance.mark())
    expect(attendance.holds(ana, 0)).toBe(true)
    expect(attendance.holds(ana, ana.expiresAt)).toBe(false)
  })

  it('that ends reaches whoever is present, once', () => {
    const attendance = new Attendance()
    const there = attendance.enter(ana, () => true)
    const other = attendance.enter(principal('eve', []), () => true)
    attendance.ended(end, 0)
    expect([there.signal.aborted, other.signal.aborted]).toEqual([true, false])
    attendance.review(0)
    expect(other.signal.aborted).toBe(false)
    other.leave()
    attendance.endAll()
    expect(other.signal.aborted).toBe(false)
  })

  it('whose right cannot be judged goes, and the others are looked at all the same', () => {
    const attendance = new Attendance()
    const broken = attendance.enter(ana, () => {
      throw new Error('a policy that cannot be asked')
    })
    const gone = attendance.enter(ana, () => false)
    attendance.review(0)
    expect([broken.signal.aborted, gone.signal.aborted]).toEqual([true, true])
  })
})
