// What the page opens with, and how it goes on: one answer, then the live stream. Nothing polls: what lists sessions
// and requests is asked for again when one of them began or ended, every two seconds at most.
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { type LiveEvent, type NowView, paths } from '#contract'
import { asking, call } from '../../data/gateway.ts'
import { listen, useFresh, useLiveState } from '../../data/live.ts'
import { type RateSteps, stepsAt, withRates } from './rate-window.ts'
import { type Shown, Statements } from './statements.ts'

const AGAIN_MS = 2_000
const RECENT = 300
/** Steps that are shown: a quarter of an hour. */
const WINDOW = 90
const STEP_MS = 10_000

const touches = ({ kind }: LiveEvent): boolean =>
  kind.startsWith('session.') || kind.startsWith('request.')

export function useNowPage() {
  const client = useQueryClient()
  const [statements] = useState(() => new Statements())
  const [known, setKnown] = useState<Parameters<typeof withRates>[0]>(() => new Map())
  const begun = useRef(false)
  const found = useQuery({
    queryKey: ['now'],
    queryFn: ({ signal }) =>
      call<NowView>(asking(paths.now, { recent: begun.current ? 0 : RECENT }), { signal }),
    // What an earlier visit was told is not of this moment.
    gcTime: 0,
  })
  const { data } = found
  useEffect(() => {
    if (data === undefined) return
    if (!begun.current) statements.begin(data.recent)
    begun.current = true
    setKnown(before => withRates(before, data.rates, WINDOW))
  }, [data, statements])
  useFresh('now', touches, AGAIN_MS)
  useEffect(
    () =>
      listen({
        entries: (events, missed) => statements.add(events, missed),
        rates: rates => setKnown(before => withRates(before, rates, WINDOW)),
      }),
    [statements],
  )
  const live = useLiveState()
  const lost = useRef(false)
  useEffect(() => {
    if (live === 'lost') lost.current = true
    else if (live === 'live' && lost.current) {
      lost.current = false
      void client.invalidateQueries({ queryKey: ['now'] })
    }
  }, [live, client])
  return { found, statements, rates: useSteps(known, data?.at, live === 'lost') }
}

export function useShown(statements: Statements): Shown {
  return useSyncExternalStore(
    watcher => statements.watch(watcher),
    () => statements.shown,
  )
}

/** The window moves with the gateway's clock, and stands while nothing is heard of it. */
function useSteps(
  known: Parameters<typeof stepsAt>[0],
  gatewayNow: number | undefined,
  lost: boolean,
): RateSteps {
  const ahead = useRef(0)
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (gatewayNow === undefined) return
    ahead.current = gatewayNow - Date.now()
    setNow(gatewayNow)
  }, [gatewayNow])
  useEffect(() => {
    if (lost) return
    const timer = setInterval(() => setNow(Date.now() + ahead.current), 1_000)
    return () => clearInterval(timer)
  }, [lost])
  return stepsAt(known, now, STEP_MS, WINDOW)
}
