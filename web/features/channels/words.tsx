// How a channel and a message are said: one word, one glyph, one colour.
import type { ChannelView, DeliveryView } from '#contract'
import { Mark, Time, type Tone, useNow } from '../../ui/parts.tsx'

export const TYPES: Readonly<Record<ChannelView['type'], string>> = {
  slack: 'Slack',
  teams: 'Microsoft Teams',
  pagerduty: 'PagerDuty',
  email: 'e-mail',
  webhook: 'webhook',
}

const channels: Readonly<Record<ChannelView['state'], readonly [Tone, string, string]>> = {
  quiet: ['plain', '–', 'nothing sent yet'],
  working: ['plain', '✓', 'working'],
  failing: ['denied', '✕', 'failing'],
}

export function ChannelState({ state }: { state: ChannelView['state'] }) {
  const [tone, glyph, word] = channels[state]
  return (
    <Mark tone={tone} glyph={glyph}>
      {word}
    </Mark>
  )
}

const deliveries: Readonly<Record<DeliveryView['state'], readonly [Tone, string, string]>> = {
  waiting: ['held', '◔', 'waits'],
  delivered: ['plain', '✓', 'delivered'],
  failed: ['denied', '✕', 'failed'],
  dropped: ['plain', '–', 'not needed'],
}

export function DeliveryState({ state }: { state: DeliveryView['state'] }) {
  const [tone, glyph, word] = deliveries[state]
  return (
    <Mark tone={tone} glyph={glyph}>
      {word}
    </Mark>
  )
}

/** When it is tried next; a moment that has passed says so, until somebody tells what came of it. */
export function NextTry({ at }: { at: number | undefined }) {
  const now = useNow()
  if (at === undefined) return '–'
  return at > now ? <Time at={at} /> : 'due'
}
