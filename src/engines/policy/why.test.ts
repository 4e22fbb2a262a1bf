import { describe, expect, it } from 'vitest'
import { runPolicyCases } from './cases.ts'
import { facts, operation, policySet, principal, shop, statement } from './policy.testing.ts'
import { mayOperate } from './policy-set.ts'
import { why } from './why.ts'
import { whyReveal } from './why-reveal.ts'

const set = policySet(`
@id("read") permit (principal in Group::"analysts", action == Action::"read", resource in Resource::"shop");
@id("day") permit (principal in Group::"night", action == Action::"read", resource in Resource::"shop")
when { context.mfa }
unless { context.hour < 20 };
@id("other") permit (principal in Group::"x", action == Action::"write", resource in Resource::"crm");
@id("hr") @reason("HR only") forbid (principal, action == Action::"read", resource) when { resource has schema && resource.schema == "hr" };
@id("ops") permit (principal in Group::"ops", action in [Action::"console:read", Action::"console:operate"], resource == Gateway::"sallyport");
@id("no-agents") forbid (principal is Agent, action == Action::"console:operate", resource);
`)

describe('why', () => {
  it('names the policies that applied, and for near misses what was in the way', () => {
    const answer = why(set, {
      principal: principal('user', 'nina', ['night']),
      resource: shop,
      statement: statement(operation('read', 'public.t')),
      facts: { ...facts, mfa: true },
    })
    expect(answer).toMatchObject({ effect: 'deny', code: 'no_permit', policies: [] })
    expect(answer.operations[0]?.near).toEqual([
      { policy: 'read', condition: 'it is not for this principal' },
      { policy: 'day', condition: 'does not hold: unless { context.hour < 20 }' },
      {
        policy: 'hr',
        condition: 'does not hold: when { resource has schema && resource.schema == "hr" }',
      },
    ])
    expect(answer.operations[0]?.considered[1]).toMatchObject({
      id: 'day',
      file: 'test.cedar',
      line: 3,
      party: 'User::"nina"',
      outcome: 'missed',
    })
  })

  it('gives the policy of a refusal its own words', () => {
    const answer = why(set, {
      principal: principal('user', 'ann', ['analysts']),
      resource: shop,
      statement: statement(operation('read', 'hr.pay')),
      facts,
    })
    expect(answer).toMatchObject({ code: 'forbidden', message: 'HR only', policies: ['hr'] })
  })
})

describe('why a class is shown or masked', () => {
  const cards = policySet(`
@id("fraud-sees-cards") permit (principal in Group::"fraud", action == Action::"reveal", resource == DataClass::"card");
@id("by-day") permit (principal in Group::"support", action == Action::"reveal", resource == DataClass::"card") when { context.hour < 2 };
@id("other") permit (principal in Group::"x", action == Action::"reveal", resource == DataClass::"email");
`)
  const reveal = (group: string) =>
    whyReveal(
      cards,
      { principal: principal('user', 'ann', [group]), resource: shop, facts },
      'card',
      { object: 'public.t', column: 'card' },
    )

  it('names the policy that reveals it', () => {
    expect(reveal('fraud')).toMatchObject({ revealed: true, policies: ['fraud-sees-cards'] })
  })

  it('names those that came near, and what was in the way', () => {
    expect(reveal('support')).toMatchObject({
      revealed: false,
      policies: [],
      near: [
        { policy: 'fraud-sees-cards', condition: 'it is not for this principal' },
        { policy: 'by-day', condition: 'does not hold: when { context.hour < 2 }' },
      ],
    })
  })
})

describe('operating the gateway', () => {
  it('is Cedar too, for the person and for who acts for them', () => {
    const ops = principal('user', 'olga', ['ops'])
    expect(mayOperate(set, ops, 'console:operate', facts)).toBe(true)
    expect(mayOperate(set, ops, 'console:administer', facts)).toBe(false)
    const failing = policySet(
      '@id("a") permit (principal, action, resource); @id("b") forbid (principal, action == Action::"console:operate", resource) when { context.run.rows + 9223372036854775807 > 0 };',
    )
    const busy = { ...facts, run: { ...facts.run, rows: 1 } }
    expect(mayOperate(failing, ops, 'console:operate', busy)).toBe(false)
    expect(mayOperate(failing, ops, 'console:read', busy)).toBe(true)
    expect(mayOperate(set, principal('agent', 'bot', ['ops']), 'console:read', facts)).toBe(true)
    expect(mayOperate(set, principal('agent', 'bot', ['ops']), 'console:operate', facts)).toBe(
      false,
    )
    const actors = [{ kind: 'agent' as const, id: 'b', subject: 'b', issuer: '', groups: ['ops'] }]
    const acted = principal('user', 'olga', ['ops'], { actors })
    expect(mayOperate(set, acted, 'console:read', facts)).toBe(true)
    expect(mayOperate(set, acted, 'console:operate', facts)).toBe(false)
  })
})

describe('policy cases', () => {
  const one = {
    name: 'analysts read',
    principal: { kind: 'user' as const, id: 'ann', groups: ['analysts'] },
    resource: { name: 'shop' },
    statement: { operations: [{ action: 'read', object: 'public.t' }] },
  }

  it('pass when the decision is the expected one', () => {
    const [result] = runPolicyCases(set, [
      { ...one, expect: { effect: 'permit', policies: ['read'], obligations: [] } },
    ])
    expect(result).toMatchObject({ passed: true, differences: [] })
  })

  it('say what differs', () => {
    const expectations = { effect: 'deny', policies: ['hr'], obligations: ['approve'] } as const
    const [result] = runPolicyCases(set, [{ ...one, expect: expectations }])
    expect(result?.differences).toEqual([
      'effect: expected deny, came permit',
      'obligations: expected approve, came none',
      'policies: expected hr, came read',
    ])
  })

  it('fail on words that do not exist, whatever is expected', () => {
    const operations = [{ action: 'reed', flags: ['unfilterd'] }]
    const [result] = runPolicyCases(set, [
      { ...one, statement: { operations }, expect: { effect: 'deny' } },
    ])
    expect(result).toMatchObject({
      passed: false,
      differences: ['unknown action "reed"', 'unknown flag "unfilterd"'],
    })
  })
})
