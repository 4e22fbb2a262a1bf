import { describe, expect, it } from 'vitest'
import { checkPolicies } from './check.ts'
import { revealPolicies } from './reveal-policies.ts'

const { set } = checkPolicies([
  {
    name: 'a.cedar',
    text: `
@id("fraud-sees-cards") permit (principal in Group::"fraud", action == Action::"reveal", resource == DataClass::"card");
@id("auditors-see-all") permit (principal in Group::"audit", action == Action::"reveal", resource is DataClass) when { context.column == "iban" };
@id("no-contractors") forbid (principal in Group::"contractors", action, resource);
@id("reads") permit (principal, action == Action::"read", resource);
@id("emails") permit (principal in Group::"support", action in [Action::"reveal", Action::"approve"], resource) when { resource == DataClass::"email" };`,
  },
])

describe('the policies of a class of data', () => {
  it('are those whose scope can mean revealing it, forbids too', () => {
    if (set === undefined) throw new Error('does not check')
    const ids = (name: string) => revealPolicies(set, name).map(({ id }) => id)
    expect(ids('card')).toEqual([
      'fraud-sees-cards',
      'auditors-see-all',
      'no-contractors',
      'emails',
    ])
    expect(ids('email')).toEqual(['auditors-see-all', 'no-contractors', 'emails'])
  })
})
