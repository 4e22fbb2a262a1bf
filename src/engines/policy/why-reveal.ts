// Why a class of data is shown or masked: what every policy that came near said about revealing it.
import type { ColumnName, PolicyId } from '#model'
import { CedarRecord, Entity } from './compile/values.ts'
import { RevealFields, SharedFields } from './context.ts'
import { actingEntities, dataOf, RequestEntities, resourceEntity } from './entities.ts'
import { actionEntity } from './judge.ts'
import type { PolicySet } from './policy-set.ts'
import { surroundingsOf } from './session-policies.ts'
import { considered, type WhyRequest } from './why.ts'

export interface RevealWhy {
  readonly dataClass: string
  readonly revealed: boolean
  /** Those that apply. */
  readonly policies: readonly PolicyId[]
  readonly near: readonly { readonly policy: PolicyId; readonly condition: string }[]
}

export function whyReveal(
  set: PolicySet,
  request: Omit<WhyRequest, 'statement'>,
  dataClass: string,
  column: ColumnName | 'unknown',
): RevealWhy {
  const { principal, facts, grants = [] } = request
  const resource = resourceEntity(request.resource)
  const acting = actingEntities(principal)
  const target = new Entity('DataClass', dataClass)
  const { object, column: name } = column === 'unknown' ? { object: '', column: '' } : column
  const shared = new SharedFields(facts, surroundingsOf(principal, acting[0]))
  const asked = {
    action: actionEntity('reveal'),
    resource: target,
    context: new CedarRecord(new RevealFields(shared, resource, object, name)),
    entities: new RequestEntities(dataOf([...acting, resource]), target),
  }
  const found = acting.flatMap(entity =>
    considered(set, { ...asked, principal: entity }, grants, resource, facts.now),
  )
  return {
    dataClass,
    revealed: set.narrow(principal, request.resource, grants).reveals(dataClass, column, facts),
    policies: [
      ...new Set(found.filter(({ outcome }) => outcome === 'applies').map(({ id }) => id)),
    ],
    near: found.flatMap(({ outcome, id, because }) =>
      outcome === 'applies' ? [] : [{ policy: id, condition: because }],
    ),
  }
}
