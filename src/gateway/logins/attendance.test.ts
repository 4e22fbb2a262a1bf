import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Actor } from '#model'
import { principal, type TestGateway, testGateway } from '../gateway.testing.ts'
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

describe('a session that is being opened', () => {
  let test: TestGateway
  beforeEach(async () => {
    test = await testGateway(
      '@id("a") permit (principal in Group::"staff", action, resource in Resource::"shop");',
    )
  })
  afterEach(() => test.close())
  const opening = async (meanwhile: () => void) => {
    const { recordings } = test
    const start = recordings.start.bind(recordings)
    recordings.start = async (...args) => {
      const recorder = await start(...args)
      meanwhile()
      return recorder
    }
    return test.open(principal('ana', ['staff'])).then(
      () => 'opened',
      error => error.code,
    )
  }

  it('is not opened when its identity ends meanwhile', async () => {
    const who = principal('ana', ['staff'])
    const token = test.signIn(who)
    const { Secret } = await import('#model')
    const proved = await test.gateway.authenticate(new Secret(token), {
      ip: '::1',
      port: 1,
      client: '',
    })
    test.endIdentity({ principalId: 'ana', reason: 'principal_revoked' })
    await expect(test.open(proved)).rejects.toMatchObject({ code: 'identity_ended' })
    expect(test.gateway.sessions.size).toBe(0)
  })

  it('is not opened by rules that changed meanwhile', async () => {
    const changed = await opening(() =>
      test.usePolicies('@id("b") permit (principal in Group::"others", action, resource);'),
    )
    expect(changed).toBe('session_ended')
    expect(test.gateway.sessions.size).toBe(0)
  })

  it('is not opened on a resource that went meanwhile', async () => {
    const gone = await opening(() => {
      test.inventory.replace([])
      test.gateway.reviewSessions('resource_changed')
    })
    expect(gone).toBe('session_ended')
  })

  it('is opened when nothing changed', async () => {
    expect(await opening(() => {})).toBe('opened')
  })
})
