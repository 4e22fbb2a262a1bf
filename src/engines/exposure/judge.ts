// Holds what a statement asks and sends against what somebody may not see. What it shows is masked, not refused.
import type { Lineage, PredicateRule, Statement } from '#model'
import { type Untold, untoldOf, type View } from './hidden.ts'
import { judgeProbes, type ProbeRuling } from './probes.ts'
import { probeRefused, transferRefused, type UseRefusal } from './refusals.ts'
import { judgeTransfers } from './transfers.ts'

export interface Judged {
  /** The first that was found. */
  readonly refusal: UseRefusal | undefined
  /** What passes if the values that it asks for are few enough. */
  readonly counted: readonly ProbeRuling[]
}

type Uses = Pick<Statement, 'lineage' | 'mayDeriveFrom' | 'operations'>

const FREE: Judged = { refusal: undefined, counted: [] }
/** Of a protocol that cannot tell: then all that the statement may touch counts. */
const NOT_TOLD: readonly Lineage[] = [
  { outputs: 'unknown', probes: 'unknown', transfers: 'unknown' },
]

export function judgeUses(statement: Uses, rule: PredicateRule, view: View): Judged {
  const { lineage = NOT_TOLD } = statement
  const untold: Untold = () => untoldOf(statement, view)
  const counted: ProbeRuling[] = []
  for (const each of lineage) {
    const refusal = refuseOne(each, statement, rule, view, untold, counted)
    if (refusal !== undefined) return { refusal, counted: [] }
  }
  return counted.length === 0 ? FREE : { refusal: undefined, counted }
}

/** It does more than read: what of it cannot be told may store or send something. */
export function writes({ operations }: Pick<Statement, 'operations'>): boolean {
  return operations.some(({ action }) => action !== 'read' && action !== 'connect')
}

function refuseOne(
  lineage: Lineage,
  statement: Uses,
  rule: PredicateRule,
  { hides }: View,
  untold: Untold,
  counted: ProbeRuling[],
): UseRefusal | undefined {
  if (lineage.probes.length === 0 && lineage.transfers.length === 0) return undefined
  for (const ruling of judgeProbes(lineage, rule, hides, untold)) {
    if (ruling.outcome === 'refused') return probeRefused(ruling, rule)
    if (ruling.outcome === 'counted') counted.push(ruling)
  }
  for (const ruling of judgeTransfers(lineage, writes(statement), hides, untold)) {
    if (ruling.outcome === 'refused') return transferRefused(ruling)
  }
  return undefined
}
