// What `why` is asked about, by whom: read as a fresh session would read it. One rule for what is in force and for what
// is only proposed.
import type { WhyQuestion, WhyView } from '#contract'
import type { Facts } from '#engines/policy'
import { AccessDenied, type Grant, type Principal, type Resource, type Statement } from '#model'
import type { ApiParts, Caller } from './parts.ts'
import { has, need } from './rights.ts'

export interface Asked {
  readonly principal: Principal
  readonly resource: Resource
  readonly statement: Statement
  readonly grants: readonly Grant[]
  readonly facts: Facts
  /** Where the statement's names were resolved. */
  readonly names: WhyView['names']
}

/** Throws AccessDenied: who may not ask about others, and what the caller may not know of. */
export async function askedBy(
  parts: ApiParts,
  caller: Caller,
  question: WhyQuestion,
): Promise<Asked> {
  if (question.principal !== undefined) need(parts, caller, 'console:audit')
  const principal =
    question.principal === undefined
      ? caller.principal
      : supposed(caller.principal, question.principal)
  const resource = parts.inventory.get(question.resource)
  const protocol = parts.protocols.find(each => each.name === resource?.protocol)
  // What one may neither connect to nor see in a list is not there: names cannot be probed.
  const there =
    resource !== undefined &&
    (parts.gateway.rights.mayConnect(caller.principal, resource, caller.origin) ||
      question.principal !== undefined ||
      has(parts, caller, 'console:read'))
  if (resource === undefined || protocol === undefined || !there) {
    throw new AccessDenied('resource_unknown', 'There is no such resource.', {
      hint: 'The names that you may use: sallyport resources.',
    })
  }
  const known = await protocol.readAt(question.statement, resource)
  return {
    principal,
    resource,
    statement: known ?? (await protocol.read(question.statement)),
    grants: parts.gateway.rights.grantsOf(principal, resource.name),
    facts: parts.gateway.rights.factsFor(principal, caller.origin),
    names: known === undefined ? 'text' : 'catalog',
  }
}

/** Somebody who is only asked about: has no credential and never reaches a resource. */
function supposed(
  asker: Principal,
  who: { kind: 'user' | 'agent'; id: string; groups?: readonly string[] | undefined },
): Principal {
  return {
    ...asker,
    kind: who.kind,
    id: who.id,
    subject: who.id,
    name: who.id,
    groups: who.groups ?? [],
    attributes: {},
    actors: [],
    owners: [],
    mfa: false,
  }
}
