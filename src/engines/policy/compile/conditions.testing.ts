// Conditions put to the library and to the compiled form at once: which hold, and which fail.
import { isAuthorized } from '@cedar-policy/cedar-wasm/nodejs'
import { expect } from 'vitest'
import { toJsonForm } from '../cedar.ts'
import { authorize } from './authorize.ts'
import { compilePolicy } from './policy.ts'
import { CedarRecord, Entity, noFields } from './values.ts'

/** Each condition as a policy of its own; both sides say which hold and which fail. */
export function expectSame(conditions: readonly string[]): void {
  const texts = Object.fromEntries(
    conditions.map((body, at) => [
      `p${at}`,
      `permit (principal, action, resource) when { ${body} };`,
    ]),
  )
  const who = { type: 'U', id: 'u' }
  const answer = isAuthorized({
    principal: who,
    action: { type: 'Action', id: 'a' },
    resource: who,
    context: {},
    entities: [],
    policies: { staticPolicies: texts },
  })
  if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors))
  const policies = new Map(
    Object.entries(texts).map(([id, text]) => {
      const json = toJsonForm(text)
      if ('complaints' in json) throw new Error(`${text} ${json.complaints[0]?.message}`)
      return [id, compilePolicy(json.form)]
    }),
  )
  const entity = new Entity('U', 'u')
  const ours = authorize(policies, {
    principal: entity,
    action: new Entity('Action', 'a'),
    resource: entity,
    context: new CedarRecord(noFields),
    entities: new Map(),
  })
  const { reason, errors } = answer.response.diagnostics
  const bodies = (ids: readonly string[]) => ids.map(id => texts[id]).sort()
  expect({ holds: bodies(ours.reasons), fails: bodies(ours.errors) }).toEqual({
    holds: bodies(reason),
    fails: bodies(errors.map(({ policyId }) => policyId)),
  })
}
