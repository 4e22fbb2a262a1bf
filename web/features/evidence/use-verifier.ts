// Runs the verifier for a page: asks for the log's state, tells each step as it is done, remembers a head that held.
import { useCallback, useEffect, useRef, useState } from 'react'
import { type LogView, paths } from '#contract'
import { bytesAt, call } from '../../data/gateway.ts'
import { rememberHead, seenHead } from './memory.ts'
import {
  type ProvenEntry,
  type Seen,
  type Step,
  verifyEntry,
  verifyEveryEntry,
  verifyHead,
} from './verifier/index.ts'

export interface Wish {
  /** The public key that a person wrote down. */
  readonly trusted?: string | undefined
  /** The entry to prove; `newest` is the last one under the head. */
  readonly entry?: number | 'newest'
  readonly every?: true
}

export interface Run {
  readonly running: boolean
  readonly steps: readonly Step[]
  /** What was asked, when the run began. */
  readonly log?: LogView
  /** The head that it was compared with. */
  readonly seen?: Seen | undefined
  readonly proof?: ProvenEntry | undefined
  /** Entries that were read of all, while every one is. */
  readonly read?: number
  /** The gateway did not answer: nothing is shown to be wrong. */
  readonly error?: unknown
  /** The entry has no signed head over it yet. */
  readonly early?: true
}

export interface Verifier {
  readonly run: Run | undefined
  readonly start: (wish: Wish) => void
  readonly stop: () => void
}

export function useVerifier(): Verifier {
  const [run, setRun] = useState<Run>()
  const going = useRef<AbortController>(undefined)
  useEffect(() => () => going.current?.abort(), [])
  const start = useCallback((wish: Wish) => {
    going.current?.abort()
    const stop = new AbortController()
    going.current = stop
    const tell = (more: Partial<Run>): void => {
      if (!stop.signal.aborted) setRun(before => ({ ...(before ?? EMPTY), ...more }))
    }
    const step = (done: Step): void => {
      if (!stop.signal.aborted)
        setRun(before => ({ ...(before ?? EMPTY), steps: [...(before?.steps ?? []), done] }))
    }
    setRun({ ...EMPTY, running: true })
    verify(wish, stop.signal, tell, step).then(
      () => tell({ running: false }),
      (error: unknown) => tell({ running: false, error }),
    )
  }, [])
  const stop = useCallback(() => {
    going.current?.abort()
    setRun(before => (before === undefined ? before : { ...before, running: false }))
  }, [])
  return { run, start, stop }
}

const EMPTY: Run = { running: false, steps: [] }

async function verify(
  { trusted, entry, every }: Wish,
  signal: AbortSignal,
  tell: (more: Partial<Run>) => void,
  step: (done: Step) => void,
): Promise<void> {
  // Before the head is asked for: what another tab saw meanwhile may be newer than the answer.
  const seen = seenHead()
  const log = await call<LogView>(paths.auditLog, { signal })
  tell({ log, seen })
  const question = {
    vkey: log.vkey,
    note: log.head.note,
    seen,
    trusted,
    bytes: (path: string) => bytesAt(`${paths.auditLog}/${path}`, { signal }),
  }
  const checked = await verifyHead(question, step)
  if (checked === undefined) return
  rememberHead(log.vkey, log.head.note)
  if (every === true) {
    await verifyEveryEntry(checked, step, read => tell({ read }), signal)
    return
  }
  if (entry === undefined) return
  const index = entry === 'newest' ? checked.head.size - 1 : entry
  if (index >= checked.head.size) tell({ early: true })
  else tell({ proof: await verifyEntry(index, checked, step) })
}
