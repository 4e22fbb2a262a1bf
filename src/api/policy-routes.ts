// How a statement would be decided, and why. Runs nothing.
import { paths, schemas } from '#contract'
import { why, whyReveal } from '#engines/policy'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { whyView } from './views.ts'
import { askedBy } from './why-question.ts'

export function policyRoutes(routes: Routes, parts: ApiParts): void {
  routes.post(
    paths.why,
    {
      config: { access: 'principal' },
      schema: {
        summary:
          'How a statement would be decided, and why: for you, or for others with console:audit',
        body: schemas.whyQuestion,
        response: { 200: schemas.why },
      },
    },
    async request => {
      const asked = await askedBy(parts, request.caller!, request.body)
      const { principal, resource, statement, facts, names } = asked
      const set = parts.policies()
      const uses = parts.gateway.rights.explainUses(principal, resource, statement, facts)
      const reveals = uses.classes.map(({ dataClass, column }) =>
        whyReveal(set, asked, dataClass, column),
      )
      return whyView(why(set, asked), uses, reveals, names)
    },
  )
}
