// What happens, as it happens: one stream for the whole page. Whoever shows something says which events concern it.
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import { type LiveEvent, paths, type RatesView } from '#contract'
import { call } from './gateway.ts'

type Listener = (events: readonly LiveEvent[], missed: number) => void

export interface LiveListener {
  /** `missed`: so many more came than are told. */
  readonly entries: Listener
  readonly rates: (rates: RatesView) => void
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
  source.addEventListener('error', () => {
    become('lost')
    if (source?.readyState === EventSource.CLOSED) void openAgain()
  })
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

const AGAIN_MS = 3_000

/** A browser that was refused does not ask again. What was missed is not told: all is asked for anew. */
async function openAgain(): Promise<void> {
  source = undefined
  await new Promise(resolve => setTimeout(resolve, AGAIN_MS))
  try {
    // Who was signed out leaves here.
    await call(paths.whoami)
  } catch {
    // Safe: the page says that it is not live, and asks again.
    return openAgain()
  }
  open()
  for (const reset of resets) reset()
}

/** For pages that show the events themselves. Gives the function that ends it. */
export function listen({ entries, rates }: LiveListener): () => void {
  open()
  listeners.add(entries)
  meters.add(rates)
  return () => {
    listeners.delete(entries)
    meters.delete(rates)
  }
}

/** An entry is on record before what it tells of is done: whoever asks at once may be a moment early. */
const SETTLED_MS = 1_000

/**
 * Asks anew for what `touched` names whenever such an event comes, or events were missed, and once more when they have
 * settled; not more often than that.
 */
export function useFresh(
  key: string,
  touched: (event: LiveEvent) => boolean,
  mostOftenMs = 0,
): void {
  const client = useQueryClient()
  useEffect(() => {
    open()
    let timer: ReturnType<typeof setTimeout> | undefined
    let settled: ReturnType<typeof setTimeout> | undefined
    let last = 0
    const ask = (): void => {
      timer = undefined
      last = Date.now()
      void client.invalidateQueries({ queryKey: [key] })
    }
    const again = (): void => {
      const wait = last + mostOftenMs - Date.now()
      if (wait <= 0) ask()
      else timer ??= setTimeout(ask, wait)
      clearTimeout(settled)
      settled = setTimeout(ask, Math.max(SETTLED_MS, mostOftenMs))
    }
    const listener: Listener = events => {
      if (events.some(touched)) again()
    }
    listeners.add(listener)
    resets.add(again)
    return () => {
      clearTimeout(timer)
      clearTimeout(settled)
      listeners.delete(listener)
      resets.delete(again)
    }
  }, [client, key, touched, mostOftenMs])
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
