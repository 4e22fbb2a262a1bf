import { describe, expect, it } from 'vitest'
import type { Operation, Principal } from '#model'
import { facts, operation, policySet, principal, shop, statement } from './policy.testing.ts'

const design = policySet(`
@id("analysts-read-shop")
permit (principal in Group::"analysts", action in [Action::"connect", Action::"read"], resource in Resource::"shop");

@id("agents-work")
permit (principal in Group::"agents", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");

@id("agents-write-with-a-person")
@approvers("dba") @within("15m") @reason("agents change data only with a person")
forbid (principal is Agent, action in [Action::"write", Action::"define"], resource in Tag::"env=production")
unless { context.approved };

@id("no-unfiltered-writes") @quorum("2") @within("5m")
forbid (principal, action == Action::"write", resource) when { context.unfiltered } unless { context.approved };

@id("fraud-sees-cards")
permit (principal in Group::"fraud", action == Action::"reveal", resource == DataClass::"card");
`)

const ann = principal('user', 'ann', ['analysts', 'fraud'])
const bot = principal('agent', 'bot', ['agents'])

function decide(who: Principal, ...operations: readonly Operation[]) {
  return design.narrow(who, shop, []).decide(statement(...operations), facts)
}

describe('the decision', () => {
  it('is the same one where no policy asks for anything, and is asked for anew where one does', () => {
    const policies = design.narrow(bot, shop, [])
    const read = statement(operation('read', 'public.customers'))
    const write = (flags: Operation['flags']) =>
      statement({ ...operation('write', 'public.customers'), flags })
    const first = policies.decide(read, facts)
    expect(first.effect).toBe('permit')
    const held = policies.decide(write([]), facts)
    expect(held.obligations).toMatchObject([{ kind: 'approve' }])
    expect(policies.decide(write([]), { ...facts, approved: true }).obligations).toEqual([])
    expect(policies.decide(read, { ...facts, approved: true })).toEqual(first)
    expect(policies.decide(statement(operation('define', 'public.t')), facts).effect).toBe('deny')
    expect(policies.decide(read, facts)).toEqual(first)
  })

  it('is never kept for operations of which a policy asks for a fact', () => {
    const set = policySet(`
      @id("in-hours") permit (principal, action == Action::"read", resource) when { context.mfa };
      @id("connects") permit (principal, action == Action::"connect", resource);`)
    const policies = set.narrow(ann, shop, [])
    const both = statement(operation('connect', ''), operation('read', 'public.t'))
    const read = statement(operation('read', 'public.t'))
    for (const each of [both, read, both]) {
      expect(policies.decide(each, { ...facts, mfa: true }).code).toBe('permitted')
      expect(policies.decide(each, { ...facts, mfa: false }).code).toBe('step_up_required')
    }
  })

  it('permits what a policy permits, and names it', () => {
    const decision = decide(ann, operation('read', 'public.customers'))
    expect(decision).toMatchObject({
      effect: 'permit',
      code: 'permitted',
      policies: ['analysts-read-shop'],
      obligations: [],
    })
  })

  it('denies what no policy permits, in words, with what would be permitted', () => {
    const decision = decide(ann, operation('write', 'public.customers', { verb: 'DELETE' }))
    expect(decision).toMatchObject({ effect: 'deny', code: 'no_permit', policies: [] })
    expect(decision.message).toBe(
      'DELETE on public.customers is not permitted for user "ann" on "shop"',
    )
    expect(decision.hint).toBe('Permitted on public.customers: read.')
  })

  it('denies the statement when one of its operations is denied', () => {
    const decision = decide(ann, operation('read', 'public.a'), operation('define', 'public.b'))
    expect(decision.effect).toBe('deny')
    expect(decision.operations.map(({ effect }) => effect)).toEqual(['permit', 'deny'])
  })

  it('denies a statement without operations, and a reveal that poses as an operation', () => {
    expect(decide(ann).effect).toBe('deny')
    const all = policySet('@id("all") permit (principal, action, resource);')
    const session = all.narrow(ann, shop, [])
    expect(session.decide(statement(operation('reveal', 'x')), facts).effect).toBe('deny')
  })

  it('does not reach another resource', () => {
    const other = design.narrow(ann, { name: 'shop2', tags: {} }, [])
    expect(other.decide(statement(operation('read', 'public.customers')), facts).effect).toBe(
      'deny',
    )
  })

  it('denies when the address of the client cannot be read and a policy asks for it', () => {
    const set = policySet(`
      @id("all") permit (principal, action == Action::"read", resource);
      @id("home") forbid (principal, action == Action::"read", resource) unless { context.ip.isLoopback() };`)
    const session = set.narrow(ann, shop, [])
    const read = statement(operation('read', 't'))
    expect(session.decide(read, { ...facts, ip: 'unix' })).toMatchObject({ code: 'policy_error' })
    expect(session.decide(read, { ...facts, ip: '::ffff:127.0.0.1' }).effect).toBe('permit')
    expect(session.decide(read, { ...facts, ip: '::1' }).effect).toBe('permit')
    expect(session.decide(read, { ...facts, ip: '10.0.0.1' }).effect).toBe('deny')
  })

  it('says policy_error when the only permit cannot be evaluated', () => {
    const set = policySet(
      '@id("odd") permit (principal, action == Action::"read", resource) when { 9223372036854775807 + context.hour > 0 };',
    )
    const decision = set.narrow(ann, shop, []).decide(statement(operation('read', 't')), facts)
    expect(decision).toMatchObject({ effect: 'deny', code: 'policy_error' })
    expect(decision.operations[0]?.errors).toEqual(['odd'])
  })
})

describe('a forbid that cannot be evaluated', () => {
  const rules = `
    @id("all") permit (principal, action in [Action::"write", Action::"reveal"], resource);
    @id("small") @approvers("dba") @reason("large ones with a person")
    forbid (principal, action == Action::"write", resource)
    when { context.numbers.hasTag("/amount") && context.numbers.getTag("/amount") * 100 > 5000 }`
  const pay = (amount: bigint | number) => ({
    ...statement(operation('write', 'payments')),
    named: { texts: new Map(), numbers: new Map([['/amount', amount]]) },
  })
  const most = 9_223_372_036_854_775_807n

  it('forbids: nobody gets by with a number that is too large for its sum', () => {
    const session = policySet(`${rules};`).narrow(ann, shop, [])
    expect(session.decide(pay(50), facts).effect).toBe('permit')
    expect(session.decide(pay(51), facts)).toMatchObject({ effect: 'deny', code: 'forbidden' })
    const decision = session.decide(pay(most), facts)
    expect(decision).toMatchObject({ effect: 'deny', code: 'policy_error', policies: ['small'] })
    expect(decision.message).toContain('"small"')
    expect(decision.operations[0]).toMatchObject({ effect: 'deny', errors: ['small'] })
  })

  it('is lifted by a yes that it does not look beyond, of those whom it names, and by nothing less', () => {
    const asked = rules.replace('when { ', 'when { !context.approved && ')
    const session = policySet(`${asked};`).narrow(ann, shop, [])
    expect(session.decide(pay(most), facts)).toMatchObject({
      effect: 'permit',
      obligations: [{ kind: 'approve', approvers: ['dba'], policies: ['small'] }],
    })
    const late = policySet(`${rules} unless { context.approved };`).narrow(ann, shop, [])
    expect(late.decide(pay(most), { ...facts, approved: true }).effect).toBe('deny')
  })

  it('masks', () => {
    const set = policySet(
      '@id("see") permit (principal, action == Action::"reveal", resource); @id("late") forbid (principal, action == Action::"reveal", resource) when { context.hour + 9223372036854775807 > 0 && context.hour > 20 };',
    )
    const column = { object: 't', column: 'c' }
    expect(set.narrow(ann, shop, []).reveals('email', column, { ...facts, now: 3_600_000 })).toBe(
      false,
    )
  })
})

describe('what-if', () => {
  it('turns a deny that a person can lift into a permit that waits for one', () => {
    const decision = decide(bot, operation('write', 'public.customers', { verb: 'UPDATE' }))
    expect(decision).toMatchObject({
      effect: 'permit',
      code: 'approval_required',
      message: 'agents change data only with a person',
      obligations: [
        {
          kind: 'approve',
          approvers: ['dba'],
          quorum: 1,
          withinMs: 900_000,
          message: 'agents change data only with a person',
          policies: ['agents-write-with-a-person'],
        },
      ],
    })
  })

  it('asks for each set of approvers when several forbids are lifted', () => {
    const decision = decide(bot, operation('write', 'public.t', { flags: ['unfiltered'] }))
    expect(decision.obligations).toMatchObject([
      { kind: 'approve', approvers: ['dba'], quorum: 1, withinMs: 900_000 },
      { kind: 'approve', approvers: [], quorum: 2, withinMs: 300_000 },
    ])
  })

  it('takes the approval as a fact once it is given', () => {
    const session = design.narrow(bot, shop, [])
    const write = statement(operation('write', 'public.t'))
    expect(session.decide(write, { ...facts, approved: true })).toMatchObject({
      effect: 'permit',
      code: 'permitted',
      obligations: [],
    })
  })

  it('does not offer an approval that would not help', () => {
    const decision = decide(bot, operation('define', 'public.t'))
    expect(decision).toMatchObject({ effect: 'deny', code: 'forbidden' })
    expect(decision.policies).toEqual(['agents-write-with-a-person'])
  })

  it('asks for the least: a reason before a factor before a person', () => {
    const set = policySet(`
      @id("read") permit (principal, action == Action::"read", resource)
        when { context has reason || context.mfa || context.approved };
      @id("write") permit (principal, action == Action::"write", resource)
        when { context has reason && context.mfa } unless { context.approved };
      @id("define") @approvers("dba") permit (principal, action == Action::"define", resource)
        when { context.mfa && context.approved };`)
    const session = set.narrow(ann, shop, [])
    const kinds = (action: 'read' | 'write' | 'define') =>
      session.decide(statement(operation(action, 't')), facts).obligations.map(({ kind }) => kind)
    expect(kinds('read')).toEqual(['justify'])
    expect(kinds('write')).toEqual(['justify', 'step-up'])
    expect(kinds('define')).toEqual(['step-up', 'approve'])
    const { obligations } = session.decide(statement(operation('define', 't')), facts)
    expect(obligations[1]).toMatchObject({ approvers: ['dba'], policies: ['define'] })
  })

  it('joins approvals where one set of approvers is within the other', () => {
    const set = policySet(`
      @id("p") permit (principal, action, resource);
      @id("a") @approvers("dba, leads") @quorum("2") @reason("one")
        forbid (principal, action == Action::"write", resource) unless { context.approved };
      @id("b") @approvers("dba") @within("1m") @reason("two")
        forbid (principal, action == Action::"write", resource) unless { context.approved };`)
    const decision = set.narrow(ann, shop, []).decide(statement(operation('write', 't')), facts)
    expect(decision.obligations).toEqual([
      {
        kind: 'approve',
        approvers: ['dba'],
        quorum: 2,
        withinMs: 60_000,
        message: 'two; one',
        policies: ['b', 'a'],
      },
    ])
  })

  it('takes a blank reason for none', () => {
    const set = policySet(
      '@id("p") permit (principal, action == Action::"read", resource) when { context has reason };',
    )
    const session = set.narrow(ann, shop, [])
    const code = (reason: string) =>
      session.decide(statement(operation('read', 't')), { ...facts, reason }).code
    expect(code(' ')).toBe('reason_required')
    expect(code('incident 7')).toBe('permitted')
  })

  it('shows names that the client chose without control characters, and cut', () => {
    const { message, hint } = decide(ann, operation('write', `a\u001b[2J${'x'.repeat(5000)}`))
    expect(message).toMatch(/^WRITE on a\?\[2Jx+\.\.\. is not permitted/)
    expect(message.length + hint.length).toBeLessThan(1000)
  })

  it('hints at the flag that is in the way', () => {
    const set = policySet(
      `
      @id("p") permit (principal, action == Action::"write", resource);
      @id("f") @reason("no") forbid (principal, action, resource in Resource::"shop")
        when { action == Action::"write" && context.unfiltered };`.replace(
        'action, resource in',
        'action == Action::"write", resource in',
      ),
    )
    const session = set.narrow(ann, shop, [])
    const decision = session.decide(
      statement(operation('write', 't', { flags: ['unfiltered'] })),
      facts,
    )
    expect(decision).toMatchObject({ code: 'forbidden', message: 'no' })
    expect(decision.hint).toBe('It would be permitted with a condition that narrows it (WHERE).')
  })
})

describe('delegation', () => {
  const actor = (groups: readonly string[]) => ({
    actors: [{ kind: 'agent' as const, id: 'bot', subject: 'bot', issuer: '', groups }],
  })

  it('needs each operation permitted for the person and for the agent', () => {
    const read = operation('read', 'public.t')
    expect(decide(principal('user', 'ann', ['analysts'], actor([])), read).effect).toBe('deny')
    expect(decide(principal('user', 'ann', [], actor(['agents'])), read).effect).toBe('deny')
    const both = decide(principal('user', 'ann', ['analysts'], actor(['agents'])), read)
    expect(both).toMatchObject({ effect: 'permit' })
    expect(both.policies).toEqual(['analysts-read-shop', 'agents-work'])
  })

  it('never inherits the right to see a class in clear', () => {
    const column = { object: 'public.t', column: 'card' }
    expect(design.narrow(ann, shop, []).reveals('card', column, facts)).toBe(true)
    expect(design.narrow(ann, shop, []).reveals('email', column, facts)).toBe(false)
    const acting = principal('user', 'ann', ['fraud'], actor(['agents']))
    expect(design.narrow(acting, shop, []).reveals('card', column, facts)).toBe(false)
    const trusted = principal('user', 'ann', ['fraud'], actor(['fraud']))
    expect(design.narrow(trusted, shop, []).reveals('card', column, facts)).toBe(true)
  })

  it('tells policies who acts for whom', () => {
    const set = policySet(`
      @id("p") permit (principal, action == Action::"read", resource) when {
        context has onBehalfOf && context.onBehalfOf == User::"ann" && !context.autonomous };
      @id("a") permit (principal, action == Action::"write", resource) when { context.autonomous };`)
    const acting = set.narrow(principal('user', 'ann', [], actor([])), shop, [])
    expect(acting.decide(statement(operation('read', 't')), facts).effect).toBe('permit')
    expect(acting.decide(statement(operation('write', 't')), facts).effect).toBe('deny')
    const alone = set.narrow(bot, shop, [])
    expect(alone.decide(statement(operation('read', 't')), facts).effect).toBe('deny')
    expect(alone.decide(statement(operation('write', 't')), facts).effect).toBe('permit')
  })
})

describe('reveal', () => {
  it('judges an unknown column by the policies that do not depend on it, and never by a permit that does', () => {
    const set = policySet(`
      @id("a") permit (principal, action == Action::"reveal", resource == DataClass::"a")
        when { context.column != "secret" };
      @id("b") permit (principal, action == Action::"reveal", resource == DataClass::"b");
      @id("c") permit (principal, action == Action::"reveal", resource == DataClass::"c");
      @id("d") forbid (principal, action == Action::"reveal", resource == DataClass::"c")
        when { context.object == "public.secrets" };`)
    const session = set.narrow(ann, shop, [])
    const column = { object: 'public.t', column: 'x' }
    const reveals = (name: string) => [
      session.reveals(name, column, facts),
      session.reveals(name, 'unknown', facts),
    ]
    expect(reveals('a')).toEqual([true, false])
    expect(reveals('b')).toEqual([true, true])
    expect(reveals('c')).toEqual([true, false])
    expect(session.reveals('c', { object: 'public.secrets', column: 'x' }, facts)).toBe(false)
  })
})

describe('limits', () => {
  it('takes the most generous permit of an operation and the strictest operation', () => {
    const set = policySet(`
      @id("a") @limit_rows("10") permit (principal, action == Action::"read", resource);
      @id("b") @limit_rows("100") @limit_bytes("5") permit (principal, action == Action::"read", resource);
      @id("c") @limit_rows("50") permit (principal, action == Action::"execute", resource);
      @id("d") permit (principal, action == Action::"write", resource);`)
    const session = set.narrow(ann, shop, [])
    const limits = (...operations: readonly Operation[]) =>
      session.decide(statement(...operations), facts).obligations
    expect(limits(operation('read', 't'))).toEqual([{ kind: 'limit', rows: 100, policies: ['b'] }])
    expect(limits(operation('read', 't'), operation('execute', 'f'))).toEqual([
      { kind: 'limit', rows: 50, policies: ['c'] },
    ])
    expect(limits(operation('write', 't'))).toEqual([])
  })
})

describe('grants', () => {
  const grant = {
    id: 'grant-1',
    principal: 'ann',
    resource: 'shop',
    actions: ['write', 'approve', 'reveal'],
    createdAt: 0,
    expiresAt: facts.now + 1000,
    approvedBy: ['dora'],
    reason: 'incident',
  }

  it('permit until they end, under their id', () => {
    const session = design.narrow(ann, shop, [grant])
    const write = statement(operation('write', 'public.t'))
    expect(session.decide(write, facts)).toMatchObject({ effect: 'permit', policies: ['grant-1'] })
    expect(session.decide(write, { ...facts, now: grant.expiresAt }).effect).toBe('deny')
    expect(session.mayApprove(facts)).toBe(false)
  })

  it('are for their principal and resource alone, and end when revoked', () => {
    const write = statement(operation('write', 'public.t'))
    const effect = (who: Principal, change: object) =>
      design.narrow(who, shop, [{ ...grant, ...change }]).decide(write, facts).effect
    expect(effect(ann, {})).toBe('permit')
    expect(effect(ann, { principal: 'bob' })).toBe('deny')
    expect(effect(ann, { resource: 'crm' })).toBe('deny')
    expect(effect(ann, { revokedAt: 1 })).toBe('deny')
  })

  it('do not lift a forbid', () => {
    const session = design.narrow(bot, shop, [{ ...grant, principal: 'bot' }])
    const decision = session.decide(statement(operation('write', 'public.t')), facts)
    expect(decision.code).toBe('approval_required')
  })
})

describe('approving', () => {
  const set = policySet(`
    @id("dba") permit (principal in Group::"dba", action == Action::"approve", resource in Tag::"env=production")
      when { context.verb != "DROP" };`)

  it('is for people in their own name, as Cedar says', () => {
    const dora = principal('user', 'dora', ['dba'])
    expect(set.narrow(dora, shop, []).mayApprove(facts)).toBe(true)
    expect(set.narrow(dora, { name: 'x', tags: {} }, []).mayApprove(facts)).toBe(false)
    expect(set.narrow(ann, shop, []).mayApprove(facts)).toBe(false)
    expect(set.narrow(principal('agent', 'bot', ['dba']), shop, []).mayApprove(facts)).toBe(false)
    const actors = [{ kind: 'agent' as const, id: 'b', subject: 'b', issuer: '', groups: ['dba'] }]
    const acted = principal('user', 'dora', ['dba'], { actors })
    expect(set.narrow(acted, shop, []).mayApprove(facts)).toBe(false)
  })

  it('can depend on what is held', () => {
    const session = set.narrow(principal('user', 'dora', ['dba']), shop, [])
    const held = (verb: string) => statement(operation('define', 'public.t', { verb }))
    expect(session.mayApprove(facts, held('CREATE'))).toBe(true)
    expect(session.mayApprove(facts, held('DROP'))).toBe(false)
  })
})
