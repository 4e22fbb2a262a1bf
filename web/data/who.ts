// Who looks, and what the policies permit them here. A page offers nothing else; the gateway decides each call anyway.
import { useQuery } from '@tanstack/react-query'
import { type PrincipalView, paths } from '#contract'
import { call } from './gateway.ts'
import { useFresh } from './live.ts'

export type Right = NonNullable<PrincipalView['rights']>[number]

const POLICIES_CHANGED = (event: { kind: string }): boolean => event.kind === 'policies.changed'

export function useWho() {
  useFresh('whoami', POLICIES_CHANGED)
  return useQuery({
    queryKey: ['whoami'],
    queryFn: ({ signal }) => call<PrincipalView>(paths.whoami, { signal }),
  })
}

/** False also while it is not known. */
export function useMay(right: Right): boolean {
  return useWho().data?.rights?.includes(right) === true
}
