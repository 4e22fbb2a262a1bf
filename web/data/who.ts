// Who looks, and what the policies permit them here. A page offers nothing else; the gateway decides each call anyway.
import { queryOptions, useQuery } from '@tanstack/react-query'
import { type PrincipalView, paths } from '#contract'
import { call } from './gateway.ts'
import { useFresh } from './live.ts'

export type Right = NonNullable<PrincipalView['rights']>[number]

const POLICIES_CHANGED = (event: { kind: string }): boolean => event.kind === 'policies.changed'

export const whoQuery = queryOptions({
  queryKey: ['whoami'],
  queryFn: ({ signal }) => call<PrincipalView>(paths.whoami, { signal }),
})

export function useWho() {
  useFresh('whoami', POLICIES_CHANGED)
  return useQuery(whoQuery)
}

/** False also while it is not known. */
export function useMay(right: Right): boolean {
  return useWho().data?.rights?.includes(right) === true
}
