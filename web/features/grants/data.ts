// Rights for a time: your own, or everybody's with console:read.
import { useQuery } from '@tanstack/react-query'
import { type GrantView, type LiveEvent, paths } from '#contract'
import { asking, call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'

/** The most that one answer brings. */
export const MOST = 1_000
const touches = ({ kind }: LiveEvent): boolean => /^(grant\.|request\.(ended|consumed))/.test(kind)

export function useGrants(ended: boolean) {
  useFresh('grants', touches)
  return useQuery({
    queryKey: ['grants', ended],
    queryFn: ({ signal }) =>
      call<GrantView[]>(asking(paths.grants, { ended, limit: MOST }), { signal }),
    placeholderData: () => undefined,
  })
}

export type GrantState = 'in force' | 'ended' | 'revoked'

export function stateOf({ revokedAt, expiresAt }: GrantView, now: number): GrantState {
  if (revokedAt !== undefined) return 'revoked'
  return expiresAt > now ? 'in force' : 'ended'
}
