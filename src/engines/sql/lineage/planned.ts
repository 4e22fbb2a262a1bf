// A plan with what it costs, as a dialect hands it to a statement's draft.
import type { Expression, Plan } from './plan.ts'

export interface Planned {
  readonly plan: Plan
  /** About what it costs to keep. */
  readonly nodes: number
  /** It holds for texts with these very literals only. */
  readonly literalsMatter: boolean
}

/** Nothing moves, and the answer has so many columns. */
export function fixedPlan(width: number): Planned {
  return { plan: { kind: 'fixed', width }, nodes: 1, literalsMatter: false }
}

/** The same, but the last column quotes what earlier statements have met. */
export function quotedPlan(width: number): Planned {
  const constant: Expression = { kind: 'constant' }
  const row: Expression[] = [
    ...new Array<Expression>(width - 1).fill(constant),
    { kind: 'carried' },
  ]
  return {
    plan: {
      kind: 'query',
      query: { kind: 'values', rows: [row], order: [], limits: [] },
      shown: true,
    },
    nodes: width,
    literalsMatter: false,
  }
}
