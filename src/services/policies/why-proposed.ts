// `why` for whoever is not a gateway: asked of a set at hand, in this thread.
import type { PolicySet } from '#engines/policy'
import type { WhyAnswer, WhyQuestion } from './bench.ts'

/** The engines come along only where it is asked: most commands start faster without. */
export async function whyUnder(set: PolicySet, question: WhyQuestion): Promise<WhyAnswer> {
  const { whyOf } = await import('./bench.ts')
  return whyOf(set, question)
}
