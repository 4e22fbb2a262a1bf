// Grants as policies: one template, linked for a principal and a resource, with an end.
import type { Grant, JsonObject } from '#model'
import { readAnnotations } from './annotations.ts'
import { templateToJsonForm } from './cedar.ts'
import { compilePolicy } from './compile/policy.ts'
import type { Entity } from './compile/values.ts'
import type { Rule } from './rule.ts'

const TEMPLATE = 'permit (principal == ?principal, action in [], resource in ?resource);'

/** What a grant can give: actions on a resource and what is in it. Never `reveal`, `approve` or the console. */
const grantable: ReadonlySet<string> = new Set([
  'connect',
  'read',
  'write',
  'define',
  'administer',
  'execute',
  'tunnel',
])

let template: JsonObject | undefined

function templateForm(): JsonObject {
  if (template === undefined) {
    const answer = templateToJsonForm(TEMPLATE)
    if ('complaints' in answer) throw new Error('the template of grants does not parse')
    template = answer.form
  }
  return template
}

/** The rule of a grant; undefined when it is not for this principal and resource, or was revoked. */
export function grantRule(grant: Grant, principal: Entity, resource: Entity): Rule | undefined {
  if (grant.principal !== principal.id || grant.resource !== resource.id) return undefined
  if (grant.revokedAt !== undefined) return undefined
  const entities = grant.actions
    .filter(action => grantable.has(action))
    .map(id => ({ type: 'Action', id }))
  const form = { ...templateForm(), action: { op: 'in', entities } }
  return {
    id: grant.id,
    policy: compilePolicy(form, { '?principal': principal, '?resource': resource }),
    annotations: readAnnotations({}).annotations,
    uses: 0,
    file: '',
    line: 0,
    conditions: [],
    endsAt: grant.expiresAt,
  }
}
