// What a permit is bound to, in words. The answer of a newer gateway may know kinds that we do not: those stand as they came.
import type { WhyView } from '#contract'
import { plain } from './report.ts'

type Obligation = WhyView['obligations'][number]

const MINUTE_MS = 60_000

export function obligationText(obligation: Obligation): string {
  const { kind, policies, ...rest } = obligation
  const by = Array.isArray(policies) && policies.length > 0 ? `  (${policies.join(', ')})` : ''
  return plain(`${WORDS[kind]?.(rest) ?? `needs ${kind} ${JSON.stringify(rest)}`}${by}`)
}

const WORDS: Readonly<Record<string, (told: Readonly<Record<string, unknown>>) => string>> = {
  approve: told => {
    const within = typeof told['withinMs'] === 'number' ? told['withinMs'] / MINUTE_MS : undefined
    const time = within === undefined ? '' : `, within ${Math.round(within * 10) / 10} minutes`
    return `waits for a yes: ${needed(told)}${time}`
  },
  justify: () => 'needs a reason',
  'step-up': () => 'needs a fresh second factor',
  limit: ({ rows, bytes }) => {
    const bounds = [
      rows === undefined ? [] : `${rows} rows`,
      bytes === undefined ? [] : `${bytes} bytes`,
    ]
    return `gives at most ${bounds.flat().join(' and ')}`
  },
}

/** Whose yes, and how many. */
function needed({ needs, quorum, approvers }: Readonly<Record<string, unknown>>): string {
  if (!Array.isArray(needs)) return `${quorum} of ${anyOf(approvers)}`
  return needs.map(each => `${each?.count} of ${anyOf(each?.groups)}`).join(' and ')
}

function anyOf(groups: unknown): string {
  return Array.isArray(groups) && groups.length > 0 ? groups.join(' or ') : 'whoever may approve'
}
