// How the state of a request is said: one word, one glyph, one colour.
import type { AccessRequestView } from '#contract'
import { Mark, type Tone } from '../../ui/parts.tsx'

type State = AccessRequestView['state']

const shown: Readonly<Record<State, readonly [Tone, string, string]>> = {
  pending: ['held', '◔', 'waits'],
  approved: ['plain', '✓', 'approved'],
  consumed: ['plain', '✓', 'approved, used'],
  denied: ['denied', '✕', 'denied'],
  expired: ['plain', '–', 'expired'],
  cancelled: ['plain', '–', 'withdrawn'],
  superseded: ['plain', '–', 'superseded'],
  revoked: ['denied', '✕', 'revoked'],
}

export function RequestState({ state }: { state: State }) {
  const [tone, glyph, word] = shown[state]
  return (
    <Mark tone={tone} glyph={glyph}>
      {word}
    </Mark>
  )
}

/** Who asks, in words. */
export function who({ principal, principalKind, actor }: AccessRequestView): string {
  if (actor !== undefined) return `agent ${actor}, for ${principal}`
  return principalKind === 'agent' ? `agent ${principal}` : principal
}
