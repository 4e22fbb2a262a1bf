// What there is to connect to, and who is connected to it now.
import { useQuery } from '@tanstack/react-query'
import { type LiveEvent, paths, type ResourceView, type SessionView } from '#contract'
import { asking, call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'

/** The most that one answer brings: a count that reaches it is said to be `at least`. */
const MOST = 1_000
const mayDiffer = ({ kind }: LiveEvent): boolean =>
  kind === 'resources.changed' || kind === 'policies.changed' || kind.startsWith('grant.')
const comesOrGoes = ({ kind }: LiveEvent): boolean =>
  kind === 'session.opened' || kind === 'session.closed'

export function useResources() {
  useFresh('resources', mayDiffer)
  return useQuery({
    queryKey: ['resources'],
    queryFn: ({ signal }) => call<ResourceView[]>(paths.resources, { signal }),
  })
}

/** Live sessions that the viewer may see, of all resources or of one. */
export function useLiveSessions(resource?: string) {
  useFresh('live-sessions', comesOrGoes)
  return useQuery({
    queryKey: ['live-sessions', resource],
    queryFn: ({ signal }) =>
      call<SessionView[]>(asking(paths.sessions, { live: true, resource, limit: MOST }), {
        signal,
      }),
  })
}

/** How many of them there are for each resource; `least`: there may be more. */
export function counted(sessions: readonly SessionView[]): {
  readonly of: ReadonlyMap<string, number>
  readonly least: boolean
} {
  const of = new Map<string, number>()
  for (const { resource } of sessions) of.set(resource, (of.get(resource) ?? 0) + 1)
  return { of, least: sessions.length >= MOST }
}
