// The one gate of a session: decide, record, permit; and what changes while the entry goes to the disk.
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
import { Permit } from '../protocol/index.ts'

const POLICIES = `
@id("staff-connect") permit (principal in Group::"staff", action == Action::"connect", resource in Resource::"shop");
@id("staff-read") permit (principal in Group::"staff", action == Action::"read", resource in Resource::"shop");
@id("no-drops") @reason("Nobody drops tables.")
forbid (principal, action == Action::"define", resource);
`
const OPEN = '@id("all") permit (principal, action, resource);'
const ana = principal('ana', ['staff'])

let test: TestGateway
beforeEach(async () => {
  test = await testGateway(POLICIES)
})
afterEach(() => test.close())

const kinds = async () => (await test.entries()).map(entry => entry['kind'])
const define = () => statement('create table t()', [operation('define', 'CREATE TABLE')])

describe('a statement', () => {
  it('gets its permit in the same turn when it reads', async () => {
    const session = await test.open(ana)
    const permit = session.authorize(read(), nobodyWaits)
    expect(Permit.isMinted(permit)).toBe(true)
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
    return { permit, next }
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
})
