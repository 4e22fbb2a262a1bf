// Which expressions may end the statement, or take their time, by the values that they get: whether an answer comes at all
// then tells of them. What only makes a warning, or NULL, is none of these: how many
// warnings there were is not told of what is hidden, and NULL is masked as well.
import type { Expression } from '../lineage/index.ts'
import type { Planner } from './lineage-planner.ts'
import { fieldsOf, heldIn, listOf, typeOf } from './syntax-tree.ts'

/** Says of what was compiled that whether it can be made tells of its values. */
export function asked(of: Expression, planner: Planner): Expression {
  planner.failures += 1
  return of.kind === 'constant' || of.kind === 'unknown' ? of : { kind: 'asked', of }
}

/** Known before a row is read: whether it fails tells nothing of one. */
export function isSaid(value: unknown): boolean {
  switch (typeOf(value)) {
    case 'Value':
    case 'TypedString':
      return true
    case 'Nested':
      return isSaid(heldIn(value, 'Nested'))
    case 'Prefixed':
      return isSaid(fieldsOf(value, 'Prefixed')?.['value'])
    case 'Interval':
      return isSaid(fieldsOf(value, 'Interval')?.['value'])
    case 'UnaryOp':
      return isSaid(fieldsOf(value, 'UnaryOp')?.['expr'])
    case 'Tuple':
      return listOf(heldIn(value, 'Tuple')).every(isSaid)
    default:
      return false
  }
}

/** A part of what is evaluated one after the other; `gate`: whether what follows is evaluated hangs on its value. */
export interface Step {
  readonly value: unknown
  readonly gate: boolean
}

/** The parts, and what decides whether one that may fail is reached. */
export function inTurn(steps: readonly Step[], planner: Planner): readonly Expression[] {
  const parts: Expression[] = []
  const gates: Expression[] = []
  let decisive = 0
  for (const { value, gate } of steps) {
    const { failures } = planner
    const part = planner.expression(value)
    if (planner.failures > failures) decisive = gates.length
    parts.push(part)
    if (gate) gates.push(part)
  }
  if (decisive === 0) return parts
  const gated = { kind: 'made', how: 'transformed', of: gates.slice(0, decisive) } as const
  return [...parts, { kind: 'asked', of: gated }]
}
