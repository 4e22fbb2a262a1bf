// What a recording holds, read as a whole, and what comes while its session lives.
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { paths, type RecordedEventView } from '#contract'
import { asking, at, call } from '../../data/gateway.ts'

const WATCHED = [
  'opened',
  'statement',
  'answer',
  'output',
  'size',
  'outcome',
  'note',
  'closed',
] as const

/** All of it: a long recording comes in several answers. */
export async function wholeRecording(
  id: string,
  signal: AbortSignal,
): Promise<RecordedEventView[]> {
  const events: RecordedEventView[] = []
  let from = 0
  for (;;) {
    const part = await call<RecordedEventView[]>(asking(at(paths.recording, { id }), { from }), {
      signal,
    })
    const last = part.at(-1)
    if (last?.kind !== 'cut') return [...events, ...part]
    events.push(...part.slice(0, -1))
    from = Number(last['next'])
  }
}

const AGAIN_MS = 2_000

interface Watched {
  /** It is told of what comes from now on. */
  readonly open: boolean
  readonly events: readonly { readonly number: number; readonly event: RecordedEventView }[]
}

/**
 * What comes while it lives, each event with its number in the recording. A stream that breaks is opened again only when
 * the session still lives.
 */
export function useWatch(id: string, on: boolean): Watched {
  const client = useQueryClient()
  const [watched, setWatched] = useState<Watched>({ open: false, events: [] })
  const [attempt, setAttempt] = useState(0)
  useEffect(() => {
    if (!on) return
    let timer: ReturnType<typeof setTimeout> | undefined
    let frame: number | undefined
    let came: { number: number; event: RecordedEventView }[] = []
    const source = new EventSource(at(paths.watch, { id }))
    source.addEventListener('open', () => {
      setWatched(before => ({ ...before, open: true }))
      // What came while nobody listened.
      if (attempt > 0) void client.invalidateQueries({ queryKey: ['recording', id] })
    })
    const bring = (): void => {
      frame = undefined
      const more = came
      came = []
      setWatched(before => ({ ...before, events: [...before.events, ...more] }))
    }
    for (const kind of WATCHED) {
      source.addEventListener(kind, message => {
        came.push({ number: Number(message.lastEventId), event: JSON.parse(message.data) })
        // A terminal says a thousand things a second; the page shows them together.
        frame ??= requestAnimationFrame(bring)
        if (kind === 'closed') source.close()
      })
    }
    source.addEventListener('error', () => {
      source.close()
      // What was missed is in the recording; whether it still lives, the session says.
      timer = setTimeout(() => {
        void client.invalidateQueries({ queryKey: ['recording', id] })
        void client
          .invalidateQueries({ queryKey: ['session', id] })
          .then(() => setAttempt(before => before + 1))
      }, AGAIN_MS)
    })
    return () => {
      clearTimeout(timer)
      if (frame !== undefined) {
        cancelAnimationFrame(frame)
        bring()
      }
      source.close()
    }
  }, [client, id, on, attempt])
  return watched
}
