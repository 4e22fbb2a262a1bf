// From who is let in to a session: what has to be on record first, and what may change meanwhile.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Secret, Unavailable } from '#model'
import { caught, origin, principal, type TestGateway, testGateway } from '../gateway.testing.ts'
import type { OpeningSession } from '../protocol/index.ts'

const POLICIES = `
@id("staff-connect") permit (principal in Group::"staff", action == Action::"connect", resource in Resource::"shop");
@id("staff-read") permit (principal in Group::"staff", action == Action::"read", resource in Resource::"shop");
`
const ana = principal('ana', ['staff'])
const bot = principal('bot', ['staff'], { kind: 'agent' })

let test: TestGateway
beforeEach(async () => {
  test = await testGateway(POLICIES)
})
afterEach(() => test.close())

const kinds = async () => (await test.entries()).map(entry => entry['kind'])

describe('opening a session', () => {
  it('is put on record before the session exists', async () => {
    await test.open(ana)
    expect(await kinds()).toContain('session.opened')
  })

  it('answers alike for a resource that does not exist and one that is not permitted', async () => {
    const unknown = await caught(() => test.open(ana, 'nowhere'))
    const refused = await caught(() => test.open(principal('eve', []), 'shop'))
    expect(unknown).toMatchObject({ code: 'resource_unknown' })
    expect(refused).toMatchObject({ code: 'resource_unknown' })
    expect(refused.message.replace('shop', 'nowhere')).toBe(unknown.message)
  })

  it('asked for by a name that is cut in the middle of a character is on record as any other', async () => {
    const name = `${'x'.repeat(63)}\u{1f600}`
    await expect(test.open(ana, name)).rejects.toMatchObject({ code: 'resource_unknown' })
    const wish = { resource: name, seconds: 60, reason: 'x' }
    await expect(test.gateway.breakGlass(ana, wish, origin)).rejects.toMatchObject({
      code: 'not_allowed',
    })
    await expect(
      test.gateway.askForTime(ana, { ...wish, actions: ['connect'] }, origin),
    ).rejects.toMatchObject({ code: 'resource_unknown' })
    const resource = `${'x'.repeat(63)}\ufffd`
    for (const kind of ['session.refused', 'request.refused'])
      expect(await test.entries()).toContainEqual(
        expect.objectContaining({ kind, target: expect.objectContaining({ resource }) }),
      )
  })

  it('is refused when the log cannot be written, and leaves no session behind', async () => {
    test.audit.failing = true
    expect(await caught(() => test.open(ana))).toMatchObject({ code: 'audit_unavailable' })
    expect(test.gateway.sessions.size).toBe(0)
  })

  it('lets the login upstream begin when its entry is in the log, and stands when that is on the disk', async () => {
    const { durable } = test.audit
    const steps: string[] = []
    test.audit.durable = async index => {
      expect((await kinds()).at(-1)).toBe('session.opened')
      steps.push('to the disk')
      await durable(index)
    }
    await test.open(ana, 'shop', () => steps.push('begun'))
    expect(steps).toEqual(['begun', 'to the disk'])
  })

  it('begins nothing when the log cannot be written, and ends what it began when the disk fails', async () => {
    const begun: OpeningSession[] = []
    const open = () => caught(() => test.open(ana, 'shop', session => begun.push(session)))
    test.audit.failing = true
    expect(await open()).toMatchObject({ code: 'audit_unavailable' })
    expect(begun).toHaveLength(0)
    test.audit.failing = false
    test.audit.durable = () => Promise.reject(new Unavailable('audit_unavailable', 'no disk'))
    expect(await open()).toMatchObject({ code: 'audit_unavailable' })
    expect(begun[0]?.signal.aborted).toBe(true)
    expect(test.gateway.sessions.size).toBe(0)
  })

  it('is refused over the bound of sessions of one principal', async () => {
    for (let at = 0; at < 5; at++) await test.open(ana)
    expect(await caught(() => test.open(ana))).toMatchObject({ code: 'too_many_sessions' })
    await test.open(bot)
  })

  it('is refused over that bound of many at once too: those that are being opened count', async () => {
    const opened = await Promise.all(Array.from({ length: 12 }, () => caught(() => test.open(ana))))
    expect(opened.filter(error => error === undefined)).toHaveLength(5)
    expect(test.gateway.sessions.size).toBe(5)
    await test.gateway.sessions.end(() => true, 'client_left')
    expect(await caught(() => test.open(ana))).toBeUndefined()
  })
})

describe('a session that is being opened', () => {
  const opening = async (meanwhile: () => void) => {
    const { recordings } = test
    const start = recordings.start.bind(recordings)
    recordings.start = async (...args) => {
      const recorder = await start(...args)
      meanwhile()
      return recorder
    }
    return test.open(ana).then(
      () => 'opened',
      error => error.code,
    )
  }

  it('is not opened when its identity ends meanwhile', async () => {
    const token = test.signIn(ana)
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
