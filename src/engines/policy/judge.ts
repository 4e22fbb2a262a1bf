// One statement, everybody whose rights count, one set of facts: each operation's verdicts.
import type { Operation } from '#model'
import { CedarRecord, Entity, type EntityData } from './compile/values.ts'
import { type Judged, SharedFields, StatementFields, type Surroundings } from './context.ts'
import { objectEntity, RequestEntities } from './entities.ts'
import type { Facts } from './facts.ts'
import { type Candidate, evaluate, isPermitted, type Narrowed, type Verdict } from './narrow.ts'

/** What a session's decisions rest on. */
export interface Standing {
  /** The subject, and the actor when one acts for it: each must be permitted. */
  readonly parties: readonly [Narrowed, ...Narrowed[]]
  readonly resource: Entity
  readonly objectAncestors: ReadonlySet<string>
  readonly known: ReadonlyMap<string, EntityData>
  readonly surroundings: Surroundings
}

export interface OperationVerdict {
  readonly operation: Operation
  readonly permitted: boolean
  /** One per party, in their order. */
  readonly verdicts: readonly Verdict[]
  /** No request changes it. */
  readonly settled: boolean
}

/** Actions that a statement can never be made of: they are asked for in their own way. */
const notOperations: ReadonlySet<string> = new Set(['reveal'])
const nothing: readonly Candidate[] = []

const actionEntities = new Map<string, Entity>()

/** Entities of actions, made once: there are as many as the model has words. */
export function actionEntity(name: string): Entity {
  let entity = actionEntities.get(name)
  if (entity === undefined) {
    entity = new Entity('Action', name)
    if (actionEntities.size < 64) actionEntities.set(name, entity)
  }
  return entity
}

function isOnResource(operation: Operation): boolean {
  return operation.object.name === '' || operation.action === 'connect'
}

/** The policies that can concern an operation. */
export function candidatesFor(
  party: Narrowed,
  operation: Operation,
  action: string = operation.action,
): readonly Candidate[] {
  if (notOperations.has(action)) return nothing
  return party.candidates(action, isOnResource(operation) ? 'Resource' : 'Object')
}

/** Evaluates one operation for each party. Throws UnusableFact. */
export function judgeOperation(
  standing: Standing,
  statement: Judged,
  operation: Operation,
  facts: Facts,
  action: string = operation.action,
): OperationVerdict {
  const { resource, parties } = standing
  const settled = settledFor(parties, operation, action)
  if (settled !== undefined)
    return { operation, permitted: settled.permitted, verdicts: settled.verdicts, settled: true }
  const target = isOnResource(operation)
    ? resource
    : objectEntity(resource, standing.objectAncestors, operation.object)
  const shared = new SharedFields(facts, standing.surroundings)
  const context = new CedarRecord(new StatementFields(shared, statement, operation))
  const entities = new RequestEntities(standing.known, target)
  const verdicts: Verdict[] = []
  let permitted = true
  for (const party of parties) {
    const environment = {
      principal: party.principal,
      action: actionEntity(action),
      resource: target,
      context,
      entities,
    }
    const verdict = evaluate(candidatesFor(party, operation, action), environment, facts.now)
    permitted &&= isPermitted(verdict)
    verdicts.push(verdict)
  }
  return { operation, permitted, verdicts, settled: false }
}

/** What is known before anything of the request is. Undefined: it has to be evaluated. */
function settledFor(
  parties: Standing['parties'],
  operation: Operation,
  action: string,
): Pick<OperationVerdict, 'permitted' | 'verdicts'> | undefined {
  if (notOperations.has(action)) return undefined
  const type = isOnResource(operation) ? 'Resource' : 'Object'
  const first = parties[0].settled(action, type)
  if (first === undefined) return undefined
  if (parties.length === 1) return { permitted: first.permitted, verdicts: first.alone }
  const verdicts: Verdict[] = []
  let permitted = true
  for (const party of parties) {
    const settled = party.settled(action, type)
    if (settled === undefined) return undefined
    permitted &&= settled.permitted
    verdicts.push(settled.verdict)
  }
  return { permitted, verdicts }
}

/** Evaluates each operation. A statement without operations is unknown, and nothing permits it. */
export function judge(
  standing: Standing,
  statement: Judged,
  facts: Facts,
): { permitted: boolean; operations: readonly OperationVerdict[] } {
  const operations = statement.operations.map(operation =>
    judgeOperation(standing, statement, operation, facts),
  )
  return { permitted: operations.length > 0 && operations.every(one => one.permitted), operations }
}
