import { expect, it } from 'vitest'
import type { Principal } from '#model'
import { budgetsOf } from './budgets.ts'
import { checkPolicies } from './check.ts'

const bot: Principal = {
  kind: 'agent',
  id: 'bot',
  subject: 'bot',
  issuer: 'https://idp',
  name: 'bot',
  groups: ['agents'],
  attributes: {},
  actors: [],
  owners: [],
  mfa: false,
  credential: { kind: 'token', id: 't' },
  run: 'r',
  expiresAt: 0,
}

function found(text: string): readonly string[] {
  const { set, problems } = checkPolicies([{ name: 'x.cedar', text }])
  if (set === undefined) throw new Error(problems[0]?.message)
  return budgetsOf(set, bot).map(
    ({ policy, effect, of, bound }) => `${policy} ${effect} ${of} ${bound}`,
  )
}

it('finds what a policy compares with what the run did, in either order and however deep', () => {
  expect(
    found(`
@id("a") forbid (principal is Agent, action, resource) when { context.run.rows > 1000 };
@id("b") permit (principal in Group::"agents", action == Action::"read", resource)
  unless { context.approved || (context.mfa && 50 <= context.run.statements) };
@id("c") permit (principal, action == Action::"read", resource) when { context.run.rows < context.run.bytes };
`),
  ).toEqual(['a forbid rows 1000', 'b permit statements 50'])
})

it('leaves out what is for others', () => {
  expect(
    found(
      '@id("a") forbid (principal is User, action, resource) when { context.run.rows > 1000 };',
    ),
  ).toEqual([])
})
