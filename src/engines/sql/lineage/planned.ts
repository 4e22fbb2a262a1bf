// A plan with what it costs, as a dialect hands it to a statement's draft.
import type { Plan } from './plan.ts'

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
