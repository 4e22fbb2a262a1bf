// What is on record of a statement, when, and what never is.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  caught,
  nobodyWaits,
  operation,
  principal,
  read,
  statement,
  type TestGateway,
  testGateway,
} from '../gateway.testing.ts'
import type { Permit } from '../protocol/index.ts'

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action, resource in Resource::"shop");
`
const ana = principal('ana', ['staff'])
const bot = principal('bot', ['staff'], { kind: 'agent' })

let test: TestGateway
beforeEach(async () => {
  test = await testGateway(POLICIES)
})
afterEach(() => test.close())

const kinds = async () => (await test.entries()).map(entry => entry['kind'])

describe('a statement', () => {
  it('is on record however long its names are, and whatever they are made of: as many as there is room for', async () => {
    const session = await test.open(principal('a'.repeat(256), ['staff']))
    for (const letter of ['\u0001', '\u20ac', '"', 'a']) {
      const names = Array.from({ length: 200 }, (_, at) => `${letter.repeat(130)}${at}`)
      const asked = statement(
        'x',
        [...names, ...names.map((_, at) => letter.repeat(at + 1))].map(name => ({
          ...operation('write', name, name),
        })),
        { functions: names.map(name => `f${name}`) },
      )
      test.usePolicies(POLICIES)
      await session.authorize(asked, nobodyWaits)
      test.usePolicies(
        `${POLICIES} @id("no") forbid (principal, action == Action::"write", resource);`,
      )
      expect(await caught(() => session.authorize(asked, nobodyWaits))).toMatchObject({
        code: 'forbidden',
      })
      const [permitted, denied] = (await test.entries()).slice(-2)
      expect([permitted?.['kind'], denied?.['kind']]).toEqual([
        'statement.permitted',
        'statement.denied',
      ])
      const { objects } = denied!['action'] as { objects: string[] }
      expect(objects.at(-1)).toMatch(/^and \d+ more$/)
    }
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
})
