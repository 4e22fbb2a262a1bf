// What happens, as it happens: one stream for the whole page. Whoever shows something says which events concern it.
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import { type LiveEvent, paths, type RatesView } from '#contract'

type Listener = (events: readonly LiveEvent[], missed: number) => void

export interface LiveListener {
  /** `missed`: so many more came than are told. */
  readonly entries: Listener
  readonly rates?: (rates: RatesView) => void
  /** What was told before is not the whole: ask anew. */
  readonly reset?: () => void
}

export type LiveState = 'connecting' | 'live' | 'lost'

const listeners = new Set<Listener>()
const watchers = new Set<() => void>()
const resets = new Set<() => void>()
const meters = new Set<(rates: RatesView) => void>()
let source: EventSource | undefined
let state: LiveState = 'connecting'

function become(next: LiveState): void {
  if (state === next) return
  state = next
  for (const each of watchers) each()
}

function open(): void {
  if (source !== undefined) return
  // The browser itself connects again, and says what it heard last.
  source = new EventSource(paths.events)
  source.addEventListener('open', () => become('live'))
  source.addEventListener('error', () => become('lost'))
  source.addEventListener('entries', message => {
    become('live')
    const { entries, missed } = JSON.parse(message.data) as {
      entries: LiveEvent[]
      missed: number
    }
    for (const listener of listeners) listener(entries, missed)
    if (missed > 0) for (const reset of resets) reset()
  })
  source.addEventListener('rates', message => {
    for (const meter of meters) meter(JSON.parse(message.data) as RatesView)
  })
  source.addEventListener('reset', () => {
    for (const reset of resets) reset()
  })
}

/** For pages that show the events themselves. Gives the function that ends it. */
export function listen({ entries, rates, reset }: LiveListener): () => void {
  open()
  listeners.add(entries)
  if (rates !== undefined) meters.add(rates)
  if (reset !== undefined) resets.add(reset)
  return () => {
    listeners.delete(entries)
    if (rates !== undefined) meters.delete(rates)
    if (reset !== undefined) resets.delete(reset)
  }
}

/** Asks anew for what `touched` names whenever such an event comes, or events were missed. */
export function useFresh(key: string, touched: (event: LiveEvent) => boolean): void {
  const client = useQueryClient()
  useEffect(() => {
    open()
    const again = (): void => void client.invalidateQueries({ queryKey: [key] })
    const listener: Listener = events => {
      if (events.some(touched)) again()
    }
    listeners.add(listener)
    resets.add(again)
    return () => {
      listeners.delete(listener)
      resets.delete(again)
    }
  }, [client, key, touched])
}

/** Whether what is shown is of this moment. */
export function useLiveState(): LiveState {
  return useSyncExternalStore(
    watcher => {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    () => state,
  )
}
