// How the state of a right is said, and until when it holds.
import type { GrantView } from '#contract'
import { Countdown, Mark, Time, useNow } from '../../ui/parts.tsx'
import { type GrantState, stateOf } from './data.ts'

export function State({ grant }: { grant: GrantView }) {
  const state: GrantState = stateOf(grant, useNow())
  if (state === 'revoked') {
    return (
      <Mark tone="denied" glyph="✕">
        revoked
      </Mark>
    )
  }
  return (
    <Mark tone="plain" glyph={state === 'ended' ? '–' : '✓'}>
      {state}
    </Mark>
  )
}

/** What is left of it, or since when nothing is. */
export function Until({ grant }: { grant: GrantView }) {
  const state = stateOf(grant, useNow())
  if (state === 'in force') return <Countdown until={grant.expiresAt} />
  return <Time at={grant.revokedAt ?? grant.expiresAt} />
}
