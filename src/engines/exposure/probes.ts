// What may be asked about hidden columns (standards 5.2.3): whoever may not see a value could find it by asking often
// enough where rows are chosen, joined, ordered or grouped by it.
import type { Lineage, PredicateRule, Principal, Probe, ProbeUse } from '#model'
import { type Exposed, type Hides, hiddenAmong, type Untold } from './hidden.ts'

export interface ProbeRuling {
  readonly use: ProbeUse | 'unknown'
  /** Undefined: nothing hidden is asked about. */
  readonly hidden: Exposed | undefined
  /** `counted`: passes while the number of different values that were asked for is small. */
  readonly outcome: 'free' | 'counted' | 'refused'
}

const FREE: ProbeRuling = { use: 'unknown', hidden: undefined, outcome: 'free' }

export function judgeProbe(probe: Probe, rule: PredicateRule, hides: Hides): ProbeRuling {
  const { use } = probe
  const hidden = hiddenAmong(probe.columns, hides)
  if (hidden === undefined || rule === 'allow') return { use, hidden, outcome: 'free' }
  const counted = rule === 'equality' && use === 'equality'
  return { use, hidden, outcome: counted ? 'counted' : 'refused' }
}

/** One for each probe of a statement. */
export function judgeProbes(
  { probes, asking }: Pick<Lineage, 'probes' | 'asking'>,
  rule: PredicateRule,
  hides: Hides,
  untold: Untold,
): readonly ProbeRuling[] {
  if (probes !== 'unknown') return probes.map(probe => judgeProbe(probe, rule, hides))
  const hidden = rule === 'allow' ? undefined : untold()
  return [hidden === undefined ? FREE : { use: asking ?? 'unknown', hidden, outcome: 'refused' }]
}

const STRICTEST_FIRST: readonly PredicateRule[] = ['deny', 'equality', 'allow']

/** Whoever takes part counts: of an agent that acts for a person, the stricter of both rules. */
export function predicateRuleFor(
  principal: Pick<Principal, 'kind' | 'actors'>,
  predicates: Readonly<Record<Principal['kind'], PredicateRule>>,
): PredicateRule {
  const rules = new Set([principal, ...principal.actors].map(({ kind }) => predicates[kind]))
  return STRICTEST_FIRST.find(rule => rules.has(rule)) ?? 'deny'
}
