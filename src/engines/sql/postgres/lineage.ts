// The door of the compiler: a statement's tree → its plan of values. Never throws: what is too large is `unknown`.
import type { Plan, Planned } from '../lineage/index.ts'
import { callOf } from './lineage-expressions.ts'
import { Planner, Unplannable } from './lineage-planner.ts'
import { fieldsOf, isTree, namesOf, typeOf } from './tree.ts'

const queries: ReadonlySet<string> = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
])

/** True for a statement whose plan is made from its own tree; others wrap one, or move nothing. */
export function isQuery(value: unknown): boolean {
  return queries.has(typeOf(value) ?? '')
}

/** `withValues`: what columns are compared with is kept. */
export function planQuery(value: unknown, withValues = false): Planned {
  const planner = new Planner(withValues)
  try {
    const plan: Plan = { kind: 'query', query: planner.query(value), shown: true }
    return {
      plan: intoOf(value) ? { kind: 'kept', plan, by: 'SELECT INTO' } : plan,
      nodes: planner.nodes,
      literalsMatter: planner.literalsMatter,
    }
  } catch (error) {
    // Safe: `unknown` is the worst that can be said. RangeError: nested too deeply for us.
    if (!(error instanceof Unplannable || error instanceof RangeError)) throw error
    return { plan: { kind: 'unknown' }, nodes: 1, literalsMatter: true }
  }
}

/** CALL: a procedure may do anything with its arguments. */
export function planCall(procedure: unknown): Planned {
  const planner = new Planner()
  const of = isTree(procedure) ? planner.expressions(procedure['args']) : []
  const parts = isTree(procedure) ? namesOf(procedure['funcname']) : []
  return {
    plan: { kind: 'called', call: callOf(parts, 'other', of) },
    nodes: planner.nodes,
    literalsMatter: planner.literalsMatter,
  }
}

/** SELECT INTO, in the leftmost part of a set operation. */
function intoOf(value: unknown): boolean {
  let fields: unknown = fieldsOf(value, 'SelectStmt')
  while (isTree(fields) && isTree(fields['larg'])) fields = fields['larg']
  return isTree(fields) && isTree(fields['intoClause'])
}

/** True for an expression of which no value of a table is part. */
export function onlyOwnValues(value: unknown): boolean {
  if (value === undefined) return true
  try {
    return new Planner().expression(value).kind === 'constant'
  } catch (error) {
    // Safe: what is not known to be the sender's own is not.
    if (!(error instanceof Unplannable || error instanceof RangeError)) throw error
    return false
  }
}
