// How a statement would be decided, and why. Runs nothing.
import { paths, schemas } from '#contract'
import { why, whyReveal } from '#engines/policy'
import { AccessDenied, type Principal } from '#model'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { has, need } from './rights.ts'
import { whyView } from './views.ts'

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
      const caller = request.caller!
      const { body } = request
      if (body.principal !== undefined) need(parts, caller, 'console:audit')
      const principal =
        body.principal === undefined ? caller.principal : supposed(caller.principal, body.principal)
      const resource = parts.inventory.get(body.resource)
      const protocol = parts.protocols.find(each => each.name === resource?.protocol)
      // What one may neither connect to nor see in a list is not there: names cannot be probed.
      const there =
        resource !== undefined &&
        (parts.gateway.rights.mayConnect(caller.principal, resource, caller.origin) ||
          body.principal !== undefined ||
          has(parts, caller, 'console:read'))
      if (resource === undefined || protocol === undefined || !there) {
        throw new AccessDenied('resource_unknown', 'There is no such resource.')
      }
      const known = await protocol.readAt(body.statement, resource)
      const statement = known ?? (await protocol.read(body.statement))
      const facts = parts.gateway.rights.factsFor(principal, caller.origin)
      const grants = parts.grants.holding(principal.id, resource.name)
      const asked = { principal, resource, grants, facts }
      const set = parts.policies()
      const uses = parts.gateway.rights.explainUses(principal, resource, statement, facts)
      return whyView(
        why(set, { ...asked, statement }),
        uses,
        uses.classes.map(({ dataClass, column }) => whyReveal(set, asked, dataClass, column)),
        known === undefined ? 'text' : 'catalog',
      )
    },
  )
}

/** Somebody who is only asked about: has no credential and never reaches a resource. */
function supposed(
  asker: Principal,
  who: { kind: 'user' | 'agent'; id: string; groups: readonly string[] },
): Principal {
  return {
    ...asker,
    kind: who.kind,
    id: who.id,
    subject: who.id,
    name: who.id,
    groups: who.groups,
    attributes: {},
    actors: [],
    owners: [],
    mfa: false,
  }
}
