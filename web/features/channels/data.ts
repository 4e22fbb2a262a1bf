// Where people are told that something waits. A message that arrives, or does not, is an event.
import { useQuery } from '@tanstack/react-query'
import { type ChannelView, type LiveEvent, paths } from '#contract'
import { call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'

const touches = ({ kind }: LiveEvent): boolean =>
  kind === 'request.told' || kind === 'resources.changed'

export function useChannels() {
  useFresh('channels', touches)
  return useQuery({
    queryKey: ['channels'],
    queryFn: ({ signal }) => call<ChannelView[]>(paths.channels, { signal }),
  })
}

/** What went wrong last, while it is still so. */
export function troubleOf({ state, deliveries }: ChannelView): string | undefined {
  if (state !== 'failing') return undefined
  const tried = [...deliveries].sort((a, b) => (b.triedAt ?? 0) - (a.triedAt ?? 0))
  return tried.find(each => each.error !== undefined && each.state !== 'dropped')?.error
}
