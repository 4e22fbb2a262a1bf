// How the state of a request is said: one word, one glyph, one colour.
import type { AccessRequestView } from '#contract'
import { Mark, type Tone, useNow } from '../../ui/parts.tsx'

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

/** The state of any request: a right for a time is in force or used up, a review is open or closed. */
export function StateOf({ request }: { request: AccessRequestView }) {
  const { kind, state, expiresAt, approved } = request
  const now = useNow(10_000)
  if (kind === 'review') {
    if (state !== 'pending') return said('plain', '✓', 'reviewed')
    return expiresAt <= now ? said('denied', '✕', 'review overdue') : said('held', '◔', 'to review')
  }
  if (kind === 'time') {
    if (state === 'approved')
      return expiresAt <= now ? said('plain', '–', 'ended') : said('plain', '✓', 'in force')
    if (state === 'consumed') return said('plain', '✓', 'used up')
    if (state === 'expired' && approved !== undefined) return said('plain', '–', 'ended')
  }
  return <RequestState state={state} />
}

function said(tone: Tone, glyph: string, word: string) {
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

/** What else an approver should know of who asks and of where: owners, who may not decide, and the resource's tags. */
export function whence({ owners, tags }: AccessRequestView): string {
  const parts = Object.entries(tags).map(([key, value]) => `${key}: ${value}`)
  if (owners.length > 0) parts.unshift(`owned by ${owners.join(' and ')}, who may not decide`)
  return parts.join(' · ')
}
