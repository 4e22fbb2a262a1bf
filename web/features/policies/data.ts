// The policies over the API: as they are, as they would be, as they were.
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import {
  type LiveEvent,
  type PoliciesView,
  type PolicyChange,
  type PolicyTried,
  type PolicyVersionFiles,
  type PolicyVersionView,
  paths,
} from '#contract'
import { asking, at, call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'

/** After the last key. */
const QUIET_MS = 400
const changed = ({ kind }: LiveEvent): boolean =>
  kind === 'policies.changed' || kind === 'resources.changed'

export function usePolicies() {
  useFresh('policies', changed)
  return useQuery({
    queryKey: ['policies'],
    queryFn: ({ signal }) => call<PoliciesView>(paths.policies, { signal }),
  })
}

export interface Trial {
  /** Of the changes that are shown; undefined while they are being tried. */
  readonly tried: PolicyTried | undefined
  /** Of changes before these. */
  readonly last: PolicyTried | undefined
  readonly error: Error | null
  readonly again: () => void
}

/** Tries the changes once nothing was typed for a moment. */
export function useTrial(changes: readonly PolicyChange[], revision: string | undefined): Trial {
  const now = JSON.stringify(changes)
  const [quiet, setQuiet] = useState(now)
  useEffect(() => {
    const timer = setTimeout(() => setQuiet(now), QUIET_MS)
    return () => clearTimeout(timer)
  }, [now])
  const tried = useQuery({
    queryKey: ['policies', 'tried', revision, quiet],
    queryFn: ({ signal }) =>
      call<PolicyTried>(paths.policyTry, {
        method: 'POST',
        body: { changes: JSON.parse(quiet), tests: true },
        signal,
      }),
    enabled: revision !== undefined,
    gcTime: 60_000,
  })
  const fresh = quiet === now && !tried.isPlaceholderData && tried.isSuccess
  return {
    tried: fresh ? tried.data : undefined,
    last: tried.data,
    error: tried.error,
    again: () => void tried.refetch(),
  }
}

export const MOST_VERSIONS = 200

export function useVersions() {
  useFresh('policy-versions', changed)
  return useQuery({
    queryKey: ['policy-versions'],
    queryFn: ({ signal }) =>
      call<PolicyVersionView[]>(asking(paths.policyVersions, { limit: MOST_VERSIONS }), { signal }),
  })
}

/** Versions never change; `undefined`: none is asked for. */
export function useVersionFiles(id: number | undefined) {
  return useQuery({
    queryKey: ['policy-version', id],
    queryFn: ({ signal }) =>
      call<PolicyVersionFiles>(at(paths.policyVersion, { id: String(id) }), { signal }),
    enabled: id !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: () => undefined,
  })
}

/** Everything that a save makes old. */
export function useForget(): () => Promise<void> {
  const client = useQueryClient()
  return async () => {
    await Promise.all(
      ['policies', 'policy-versions', 'whoami'].map(key =>
        client.invalidateQueries({ queryKey: [key] }),
      ),
    )
  }
}
