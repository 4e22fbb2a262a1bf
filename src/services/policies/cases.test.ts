import { expect, it } from 'vitest'
import { checkPolicies, runPolicyCases } from '#engines/policy'
import { read } from '../../gateway/gateway.testing.ts'
import { casesIn } from './cases.ts'

const POLICY = `
@id("small") permit (principal, action, resource == Object::"billing/refundCharge")
when { context.numbers.hasTag("/amount") && context.numbers.getTag("/amount") <= 100 };
`
const CASES = `
- name: a small refund
  principal: { kind: agent, id: bot }
  resource: { name: billing, tags: {} }
  statement: 'amount 7'
  expect: { effect: permit }
- name: a large one
  principal: { kind: agent, id: bot }
  resource: { name: billing, tags: {} }
  statement: 'amount 700'
  expect: { effect: deny }
`

it('a case is judged with the values that its statement holds', async () => {
  const cases = await casesIn(CASES, 'refunds.yaml', {
    resource: name => ({ name, tags: {} }),
    read: async text => ({
      ...read(text),
      operations: [
        {
          action: 'write',
          verb: 'POST',
          object: { name: 'refundCharge', kind: 'operation' },
          columns: [],
          flags: [],
        },
      ],
      named: { texts: new Map(), numbers: new Map([['/amount', Number(text.split(' ')[1])]]) },
    }),
  })
  const { set } = checkPolicies([{ name: 'a.cedar', text: POLICY }])
  expect(runPolicyCases(set!, cases).map(({ differences }) => differences)).toEqual([[], []])
})
