// The audit log as the page follows it: the newest entries, then each as it comes. Every reading is itself an entry,
// so nothing here asks twice for what it has.
import { useCallback, useEffect, useRef, useState } from 'react'
import { type AuditRecordView, paths } from '#contract'
import { asking, call } from '../../data/gateway.ts'

const FIRST = 500
const OLDER = 1_000
/** More than this many are not kept while they stream in: the oldest leave the page, and can be read again. */
const MOST = 20_000

export interface Log {
  /** Newest first. Undefined until the first answer. */
  readonly entries: readonly AuditRecordView[] | undefined
  readonly following: boolean
  readonly reading: boolean
  readonly error: unknown
  readonly again: () => void
  /** Undefined when the page has the first entry. */
  readonly older: (() => void) | undefined
}

/** Both in one order, each entry once. */
export function merged(
  a: readonly AuditRecordView[],
  b: readonly AuditRecordView[],
): readonly AuditRecordView[] {
  const bySeq = new Map([...a, ...b].map(each => [each.seq, each]))
  return [...bySeq.values()].toSorted((x, y) => y.seq - x.seq)
}

export function useLog(): Log {
  const [entries, setEntries] = useState<readonly AuditRecordView[]>()
  const [following, setFollowing] = useState(false)
  const [reading, setReading] = useState(true)
  const [error, setError] = useState<unknown>()
  const [attempt, setAttempt] = useState(0)
  // What comes while the page draws waits for the next frame: a burst is one drawing.
  const waiting = useRef<AuditRecordView[]>([])

  // biome-ignore lint/correctness/useExhaustiveDependencies: an attempt is a reason to begin anew
  useEffect(() => {
    const stop = new AbortController()
    let frame = 0
    let seen: number | undefined
    const read = (upTo: number | undefined): void => {
      setReading(true)
      call<AuditRecordView[]>(asking(paths.audit, { count: FIRST }), { signal: stop.signal }).then(
        newest => {
          setReading(false)
          setError(undefined)
          const oldest = newest[0]?.seq ?? 0
          // Too much was missed in between: the older ones leave the page, so that it shows no list with a hole.
          const joins = upTo === undefined || upTo >= oldest - 1
          setEntries(before =>
            merged(
              (before ?? []).filter(each => joins || each.seq >= oldest),
              newest,
            ),
          )
          seen = Math.max(seen ?? -1, newest.at(-1)?.seq ?? -1)
        },
        (failed: unknown) => {
          if (stop.signal.aborted) return
          setReading(false)
          setError(failed)
        },
      )
    }
    const source = new EventSource(paths.auditTail)
    // The tail listens before the newest are read, so that nothing falls between the two.
    source.addEventListener('open', () => {
      setFollowing(true)
      read(seen)
    })
    source.addEventListener('error', () => {
      setFollowing(false)
      // The browser does not try again by itself: asking says why.
      if (source.readyState === EventSource.CLOSED) read(seen)
    })
    source.addEventListener('entry', message => {
      const entry = JSON.parse(message.data) as AuditRecordView
      waiting.current.push(entry)
      seen = Math.max(seen ?? -1, entry.seq)
      if (frame !== 0) return
      frame = requestAnimationFrame(() => {
        frame = 0
        const came = waiting.current.splice(0)
        setEntries(before => merged(before ?? [], came).slice(0, MOST))
      })
    })
    return () => {
      stop.abort()
      cancelAnimationFrame(frame)
      waiting.current = []
      source.close()
    }
  }, [attempt])

  const first = entries?.at(-1)?.seq
  const older = useCallback(() => {
    if (first === undefined) return
    const from = Math.max(0, first - OLDER)
    setReading(true)
    call<AuditRecordView[]>(asking(paths.audit, { from, count: first - from })).then(
      found => {
        setReading(false)
        setError(undefined)
        setEntries(before => merged(before ?? [], found))
      },
      (failed: unknown) => {
        setReading(false)
        setError(failed)
      },
    )
  }, [first])
  return {
    entries,
    following,
    reading,
    error,
    again: () => setAttempt(before => before + 1),
    older: first === undefined || first === 0 ? undefined : older,
  }
}
