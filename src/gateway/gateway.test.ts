import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Unavailable } from '#model'
import { found, until, within } from '../../test/servers/programs.ts'
import {
  nobodyWaits,
  operation,
  principal,
  read,
  statement,
  type TestGateway,
  testGateway,
  write,
} from './gateway.testing.ts'
import { type OpeningSession, Permit, standOn } from './protocol/index.ts'

const POLICIES = `
@id("staff-connect") permit (principal in Group::"staff", action == Action::"connect", resource in Resource::"shop");
@id("staff-read") permit (principal in Group::"staff", action in [Action::"read", Action::"write"], resource in Resource::"shop");
@id("writes-with-a-person") @approvers("dba") @within("15m") @reason("Changes need a person.")
forbid (principal, action == Action::"write", resource in Resource::"shop") unless { context.approved };
@id("no-drops") @reason("Nobody drops tables.")
forbid (principal, action == Action::"define", resource);
@id("support-sees-email") permit (principal in Group::"support", action == Action::"reveal", resource == DataClass::"email");
`

let test: TestGateway
const ana = principal('ana', ['staff'])
const bot = principal('bot', ['staff'], { kind: 'agent', owners: ['olga'] })
const dora = principal('dora', ['dba'])

beforeEach(async () => {
  test = await testGateway(POLICIES)
})
afterEach(() => test.close())

/** Where somebody votes while it waits, however busy the machine is. */
const holdLong = () => Object.assign(test.hold, { user: 60_000, agent: 60_000 })
const kinds = async () => (await test.entries()).map(entry => entry['kind'])
const define = () => statement('create table t()', [operation('define', 'CREATE TABLE')])
const OPEN = '@id("all") permit (principal, action, resource);'
const caught = (work: () => unknown) =>
  Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      error => error,
    )
const pending = () =>
  found('a request', async () => (await test.requests.list({ states: ['pending'], limit: 1 }))[0])
const vote = (who: typeof ana, id: string, kind: 'approve' | 'deny', said = {}) =>
  test.gateway.vote(who, id, kind, said, { ip: '127.0.0.1', port: 1, client: 'cli' })

describe('logins that fail', () => {
  it('cannot fill the log: beyond a hundred a minute from one address they are counted', async () => {
    const from = { ip: '192.0.2.7', port: 1, client: 'guess' }
    for (let at = 0; at < 130; at++) test.gateway.loginFailed(from, 'token_invalid')
    test.gateway.loginFailed({ ...from, ip: '192.0.2.8' }, 'token_invalid')
    const failed = async () => (await test.entries()).filter(({ kind }) => kind === 'login.failed')
    expect(await failed()).toHaveLength(101)
    await test.gateway.stop()
    expect((await failed()).at(-1)).toMatchObject({
      source: { ip: '192.0.2.7' },
      details: { more: 30 },
    })
  })
})

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
})

describe('a statement', () => {
  it('counts sessions that are being opened: of many at once no more than the bound come in', async () => {
    const opened = await Promise.all(Array.from({ length: 12 }, () => caught(() => test.open(ana))))
    expect(opened.filter(error => error === undefined)).toHaveLength(5)
    expect(test.gateway.sessions.size).toBe(5)
    await test.gateway.sessions.end(() => true, 'client_left')
    expect(await caught(() => test.open(ana))).toBeUndefined()
  })

  it('gets its permit in the same turn when it reads', async () => {
    const session = await test.open(ana)
    const permit = session.authorize(read(), nobodyWaits)
    expect(Permit.isMinted(permit)).toBe(true)
  })

  it('is recorded with its values when the session catches up, in order, and at the latest when it ends', async () => {
    const session = await test.open(ana)
    const value = Buffer.from('4711')
    const asked = { ...read(), parameters: [{ type: '23', format: 'text' as const, value }] }
    const permit = session.authorize(asked, nobodyWaits) as Permit
    session.recordAnswer(permit, { columns: ['a'], rows: [['1']], truncated: false })
    session.complete(permit, { status: 'completed', rows: 1, bytes: 10 })
    session.catchUp()
    const second = session.authorize(read(), nobodyWaits) as Permit
    session.complete(second, { status: 'failed', errorCode: '57014', rows: 0, bytes: 0 })
    await session.close('client_left')
    const events = await test.recordings.read(session.id)
    expect(events.slice(1)).toMatchObject([
      { kind: 'statement', entry: permit.auditIndex, parameters: ['4711'], effect: 'permit' },
      { kind: 'answer', rows: [['1']] },
      { kind: 'outcome', entry: permit.auditIndex, rows: 1 },
      { kind: 'statement', entry: second.auditIndex, effect: 'permit' },
      { kind: 'outcome', status: 'failed', errorCode: '57014' },
      { kind: 'closed' },
    ])
  })

  it('is in the recording for whoever reads or watches it while the session goes on', async () => {
    const session = await test.open(ana)
    const ask = () => {
      const permit = session.authorize(read(), nobodyWaits) as Permit
      session.complete(permit, { status: 'completed', rows: 1, bytes: 10 })
      session.catchUp()
    }
    ask()
    expect((await test.recordings.read(session.id)).slice(1)).toMatchObject([
      { kind: 'statement' },
      { kind: 'outcome' },
    ])
    ask()
    const seen: string[] = []
    test.recordings.watch(session.id, event => seen.push(event.kind))
    expect(seen).toEqual([])
    ask()
    expect(seen).toEqual(['statement', 'outcome'])
    expect(await test.recordings.read(session.id)).toHaveLength(7)
  })

  it('says the same in the log however often it recurs, but for number, time and commitment', async () => {
    const session = await test.open(ana)
    const same = read()
    for (const text of ['select 1', 'select 2', 'select 1'])
      session.authorize({ ...same, text }, nobodyWaits)
    const found = (await test.entries()).filter(({ kind }) => kind === 'statement.permitted')
    const commitments = found.map(({ details }) => (details as { commitment: string }).commitment)
    expect(commitments[0]).toBe(commitments[2])
    expect(new Set(commitments).size).toBe(2)
    for (const entry of found)
      expect({ ...entry, seq: 0, ts: '', details: {} }).toEqual({
        ...found[0],
        seq: 0,
        ts: '',
        details: {},
      })
  })

  it('is on record when its permit exists', async () => {
    const session = await test.open(ana)
    const permit = await session.authorize(read(), nobodyWaits)
    const entry = (await test.entries())[permit.auditIndex]
    expect(entry).toMatchObject({
      kind: 'statement.permitted',
      principal: { id: 'ana' },
      action: { verbs: ['SELECT'], objects: ['public.customers'] },
      decision: { effect: 'permit', policies: ['staff-read'] },
    })
  })

  it('gets no permit when the log cannot be written', async () => {
    const session = await test.open(ana)
    test.audit.failing = true
    expect(await caught(() => session.authorize(read(), nobodyWaits))).toMatchObject({
      code: 'audit_unavailable',
    })
  })

  it('is denied with the words of the policy, and the denial is on record first', async () => {
    const session = await test.open(ana)
    const error = await caught(() =>
      session.authorize(statement('drop table t', [operation('define', 'DROP')]), nobodyWaits),
    )
    expect(error).toMatchObject({ code: 'forbidden', message: 'Nobody drops tables.' })
    expect(await kinds()).toContain('statement.denied')
  })

  it('never puts its text or a value into the log', async () => {
    const session = await test.open(ana)
    await session.authorize(
      statement("select * from customers where ssn = 'canary-1'", [operation('read', 'SELECT')], {
        parameters: [{ type: 'text', format: 'text', value: Buffer.from('canary-2') }],
      }),
      nobodyWaits,
    )
    expect(JSON.stringify(await test.entries())).not.toMatch(/canary/)
  })

  it('is put on record once per text when it is prepared again and again', async () => {
    const session = await test.open(ana)
    for (let at = 0; at < 5; at++) {
      await session.authorize({ ...read(), phase: 'prepare' }, nobodyWaits)
    }
    expect((await kinds()).filter(kind => kind === 'statement.prepared')).toHaveLength(1)
  })

  it('has its outcome on record when the session has closed', async () => {
    const session = await test.open(ana)
    const permit = await session.authorize(read(), nobodyWaits)
    session.complete(permit, { status: 'completed', rows: 3, bytes: 40 })
    await session.close('client_left')
    const done = (await test.entries()).find(entry => entry['kind'] === 'statement.completed')
    expect(done).toMatchObject({ result: { statements: [{ entry: permit.auditIndex, rows: 3 }] } })
  })

  it('that shares a write is good for sending once that is done, and its session forgets it when it fails', async () => {
    const [one, other] = [await test.open(ana), await test.open(bot)]
    const left: string[] = []
    const first = one.departs(() => left.push('one'))
    const second = other.departs(() => left.push('other'))
    const early = (await one.authorize(read(), nobodyWaits)) as Permit
    first.leave()
    const before = test.audit.size
    const permit = (await other.authorize(read(), nobodyWaits)) as Permit
    second.leave()
    expect([left, test.audit.size, permit.auditIndex]).toEqual([['one'], before, before])
    await new Promise(setImmediate)
    second.clear()
    expect([left, test.audit.size]).toEqual([['one', 'other'], before + 1])

    const lost = (await one.authorize(read(), nobodyWaits)) as Permit
    test.disk.full = true
    expect(() => first.clear()).toThrow('The audit log cannot be written.')
    test.disk.full = false
    expect(await caught(() => one.authorize(read(), nobodyWaits))).toMatchObject({
      code: 'audit_unavailable',
    })
    one.complete(early, { status: 'completed', rows: 1, bytes: 10 })
    one.complete(lost, { status: 'failed', rows: 0, bytes: 0 })
    await one.close('failed')
    const done = (await test.entries()).filter(({ kind }) => kind === 'statement.completed')
    expect(done).toMatchObject([{ result: { statements: [{ entry: early.auditIndex }] } }])
    expect(done[0]).not.toMatchObject({ result: { statements: [{}, {}] } })
    const recorded = await test.recordings.read(one.id)
    expect(recorded.filter(({ kind }) => kind === 'statement' || kind === 'outcome')).toMatchObject(
      [{ entry: early.auditIndex }, { entry: early.auditIndex }],
    )
  })

  it('is refused once the session has ended', async () => {
    const session = await test.open(ana)
    await session.close('ended_by_operator')
    expect(await caught(() => session.authorize(read(), nobodyWaits))).toMatchObject({
      code: 'session_ended',
    })
  })
})

describe('while the entry of a write goes to the disk', () => {
  const meanwhile = (happens: () => void) => {
    const { durable } = test.audit
    test.audit.durable = async index => {
      await durable(index)
      test.audit.durable = durable
      happens()
    }
  }

  it('a policy that no longer permits it wins', async () => {
    test.usePolicies(OPEN)
    const session = await test.open(ana)
    meanwhile(() =>
      test.usePolicies(
        `${OPEN} @id("no") forbid (principal, action == Action::"define", resource);`,
      ),
    )
    expect(await caught(() => session.authorize(define(), nobodyWaits))).toMatchObject({
      code: 'forbidden',
    })
    expect(await kinds()).toContain('statement.denied')
  })

  it('a policy that permits it still leaves the permit, by the new rules', async () => {
    test.usePolicies(OPEN)
    const session = await test.open(ana)
    meanwhile(() => test.usePolicies(`${OPEN} @id("b") permit (principal, action, resource);`))
    expect((await session.authorize(define(), nobodyWaits)).current).toBe(true)
  })

  it('a session that ends leaves no permit', async () => {
    test.usePolicies(OPEN)
    const session = await test.open(ana)
    meanwhile(() => void session.close('ended_by_operator'))
    expect(await caught(() => session.authorize(define(), nobodyWaits))).toMatchObject({
      code: 'session_ended',
    })
  })
})

describe('what runs on a permit', () => {
  const renewed = async (policies: string, asked = define()) => {
    test.usePolicies(OPEN)
    const session = await test.open(ana)
    const permit = await session.authorize(asked, nobodyWaits)
    const before = await kinds()
    test.usePolicies(policies)
    const next = session.renew(permit)
    expect(await kinds()).toEqual(before)
    return { permit, next, session }
  }

  it('keeps it while the rules are those of then', async () => {
    test.usePolicies(OPEN)
    const session = await test.open(ana)
    const permit = await session.authorize(define(), nobodyWaits)
    expect(session.renew(permit)).toBe(permit)
  })

  it('goes on by the rules of now, on the entry of then', async () => {
    const { permit, next } = await renewed(`${OPEN} @id("b") permit (principal, action, resource);`)
    expect(next?.current).toBe(true)
    expect(next).not.toBe(permit)
    expect(next?.auditIndex).toBe(permit.auditIndex)
  })

  it('has none once a policy forbids it, or asks a person first', async () => {
    const forbid = '@id("no") forbid (principal, action == Action::"define", resource)'
    expect((await renewed(`${OPEN} ${forbid};`)).next).toBeUndefined()
    const asks = `${OPEN} @approvers("staff") ${forbid} unless { context.approved };`
    expect((await renewed(asks)).next).toBeUndefined()
  })

  it('has none once its session is over', async () => {
    test.usePolicies(OPEN)
    const session = await test.open(ana)
    const permit = await session.authorize(define(), nobodyWaits)
    await session.close('ended_by_operator')
    expect(session.renew(permit)).toBeUndefined()
  })

  it('is asked about once a second', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const { permit, session } = await renewed(OPEN)
      const standing = standOn(session, permit, () => {})
      vi.advanceTimersByTime(5_000)
      expect(standing.signal.aborted).toBe(false)
      test.usePolicies(
        `${OPEN} @id("no") forbid (principal, action == Action::"define", resource);`,
      )
      vi.advanceTimersByTime(1_000)
      expect(standing.signal.reason).toMatchObject({ code: 'session_ended' })
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a permit', () => {
  it('masks what this principal may not see, and passes what it may', async () => {
    const column = (name: string) => ({
      name,
      origin: { object: 'public.customers', column: name },
      textual: true,
      format: 'text' as const,
      harmless: false,
    })
    const columns = [column('email'), column('ssn')]
    const plain = await (await test.open(ana)).authorize(read(), nobodyWaits)
    expect(plain.results(columns).map(each => each.kind)).toEqual(['mask', 'mask'])
    const support = principal('sue', ['staff', 'support'])
    const seeing = await (await test.open(support)).authorize(read(), nobodyWaits)
    expect(seeing.results(columns).map(each => each.kind)).toEqual(['scan', 'mask'])
  })

  it('makes a masked value that is no text NULL', async () => {
    const permit = await (await test.open(ana)).authorize(read(), nobodyWaits)
    const [plan] = permit.results([
      {
        name: 'ssn',
        origin: { object: 'public.customers', column: 'ssn' },
        textual: false,
        format: 'binary',
        harmless: false,
      },
    ])
    expect(plan?.kind).toBe('null')
  })

  it('redacts an unknown origin by the most sensitive column that it may derive from', async () => {
    const permit = await (await test.open(ana)).authorize(
      { ...read(), mayDeriveFrom: [{ object: 'public.customers', column: 'email' }] },
      nobodyWaits,
    )
    const unknown = {
      name: 'x',
      origin: 'unknown' as const,
      textual: true,
      format: 'text' as const,
    }
    expect(permit.results([{ ...unknown, harmless: false }])[0]?.kind).toBe('mask')
    expect(permit.results([{ ...unknown, harmless: true }])[0]?.kind).toBe('pass')
  })

  it('hides the upstream’s words when the statement touches a masked column', async () => {
    const session = await test.open(ana)
    const touching = await session.authorize(
      { ...read(), mayDeriveFrom: [{ object: 'public.customers', column: 'ssn' }] },
      nobodyWaits,
    )
    expect(touching.scrub('invalid input: "123-45-6789"')).not.toMatch(/6789/)
    const other = await session.authorize(read(), nobodyWaits)
    expect(other.scrub('relation does not exist')).toBe('relation does not exist')
    expect(other.scrub('bad value jane@example.com')).not.toMatch(/jane@example.com/)
  })
})

describe('a held statement', () => {
  it('runs once somebody of the approvers has said yes, and the entry says who', async () => {
    holdLong()
    const session = await test.open(bot)
    const told: string[] = []
    const running = session.authorize(write(), {
      notify: text => told.push(text),
      signal: nobodyWaits.signal,
    })
    const request = await pending()
    await vote(dora, request.id, 'approve')
    const permit = await running
    expect(told[0]).toMatch(/Changes need a person.*group dba/)
    expect((await test.entries())[permit.auditIndex]).toMatchObject({
      kind: 'statement.permitted',
      decision: { approval: { request: request.id, approvers: ['dora'] } },
    })
    expect((await test.requests.get(request.id)).state).toBe('consumed')
  })

  it('says to retry when nobody decides, and then the identical retry uses the late yes, once', async () => {
    const session = await test.open(bot)
    const first = await caught(() => session.authorize(write(), nobodyWaits))
    expect(first).toMatchObject({ code: 'approval_required' })
    expect(first.hint).toMatch(/retry the identical statement/)
    await vote(dora, first.requestId, 'approve')
    expect(
      await caught(() => session.authorize(write('delete from customers '), nobodyWaits)),
    ).toMatchObject({
      code: 'approval_required',
    })
    const other = await test.open(principal('bot2', ['staff'], { kind: 'agent' }))
    expect(await caught(() => other.authorize(write(), nobodyWaits))).toMatchObject({
      code: 'approval_required',
    })
    expect(Permit.isMinted(await session.authorize(write(), nobodyWaits))).toBe(true)
    expect(await caught(() => session.authorize(write(), nobodyWaits))).toMatchObject({
      code: 'approval_required',
    })
  })

  it('does not wait at all when the hold is 0 s', async () => {
    Object.assign(test.hold, { user: 20_000, agent: 0, transaction: 20_000 })
    const session = await test.open(bot)
    const before = Date.now()
    expect(await caught(() => session.authorize(write(), nobodyWaits))).toMatchObject({
      code: 'approval_required',
    })
    within(10_000, Date.now() - before)
  })

  it('is refused with the reason of whoever said no', async () => {
    holdLong()
    const session = await test.open(bot)
    const running = caught(() => session.authorize(write(), nobodyWaits))
    await vote(dora, (await pending()).id, 'deny', { reason: 'not on a Friday' })
    expect(await running).toMatchObject({ code: 'approval_denied' })
    expect((await running).message).toMatch(/not on a Friday/)
  })

  it('is never approved by who asks, its actor, its owner, an agent, or somebody outside the group', async () => {
    const asker = principal('otto', ['staff', 'dba'], {
      kind: 'agent',
      owners: ['olga'],
      actors: [],
    })
    const session = await test.open(asker)
    const running = caught(() => session.authorize(write(), nobodyWaits))
    const { id } = await pending()
    for (const who of [
      principal('otto', ['dba']),
      principal('olga', ['dba']),
      principal('robot', ['dba'], { kind: 'agent' }),
      principal('ana', ['staff']),
    ]) {
      expect(await caught(() => vote(who, id, 'approve'))).toMatchObject({ code: 'not_allowed' })
    }
    expect(await running).toMatchObject({ code: 'approval_required' })
  })

  it('is withdrawn when the client leaves', async () => {
    holdLong()
    const session = await test.open(bot)
    const leaving = new AbortController()
    const running = caught(() =>
      session.authorize(write(), { notify: () => {}, signal: leaving.signal }),
    )
    const { id } = await pending()
    leaving.abort()
    expect(await running).toMatchObject({ code: 'session_ended' })
    expect((await test.requests.get(id)).state).toBe('cancelled')
  })

  it('is refused when the policy changed under an old yes', async () => {
    const session = await test.open(bot)
    const first = await caught(() => session.authorize(write(), nobodyWaits))
    await vote(dora, first.requestId, 'approve')
    test.usePolicies(
      `${POLICIES} @id("freeze") @reason("Frozen.") forbid (principal, action == Action::"write", resource) when { context.approved };`,
    )
    const refused = await caught(() => session.authorize(write(), nobodyWaits))
    expect(refused.code).not.toBe('permitted')
    expect(refused).toMatchObject({ name: 'AccessDenied' })
    expect((await test.requests.get(first.requestId)).state).not.toBe('consumed')
  })

  it('is on record with the policies that decided it once a person had said yes', async () => {
    holdLong()
    test.usePolicies(
      `${POLICIES}\n@id("once-approved") permit (principal, action == Action::"write", resource) when { context.approved };`,
    )
    const session = await test.open(bot)
    const running = session.authorize(write(), nobodyWaits)
    await vote(dora, (await pending()).id, 'approve')
    await running
    const permitted = (await test.entries()).find(({ kind }) => kind === 'statement.permitted')
    expect(permitted?.['decision']).toMatchObject({
      effect: 'permit',
      policies: expect.arrayContaining(['once-approved']),
    })
  })

  it('carries the bound on rows that the approver set', async () => {
    holdLong()
    const session = await test.open(bot)
    const running = session.authorize(write(), nobodyWaits)
    await vote(dora, (await pending()).id, 'approve', { maxRows: 7 })
    expect((await running).maxRows).toBe(7)
  })
})

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

  it('and does not rest on a grant that the agent’s own owner gave', async () => {
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
    const session = await test.open(other)
    await session.authorize(read(), nobodyWaits)
    expect(test.gateway.isOwn('olga', 'helper')).toBe(true)
    expect(test.gateway.isOwn('dora', 'helper')).toBe(false)
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

describe('what only looks like a permit', () => {
  it('is told from one by its mint, whatever a cast says', () => {
    expect(Permit.isMinted({ statement: read(), auditIndex: 1 })).toBe(false)
    expect(Permit.isMinted(Object.create(Permit.prototype))).toBe(false)
  })
})
