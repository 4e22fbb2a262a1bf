// Plays a recording: where it is, whether it runs, how fast. The moment stands in the address; a page without one shows all.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { type Clock, lastIndex, type Moment } from './clock.ts'
import type { Step } from './recording.ts'

export const SPEEDS = [0.5, 1, 2, 4, 8, 16] as const
const JUMP_MS = 5_000
/** The address follows so often while it plays. */
const ADDRESS_MS = 1_000

export interface Player {
  /** In the time of the replay; undefined: all of it is shown. */
  readonly played: number | undefined
  readonly playing: boolean
  readonly speed: number
  /** The last statement that has begun; -1: none. */
  readonly current: number
  /** Unix ms up to which it is shown. */
  readonly time: number
  toggle(): void
  seek(played: number): void
  step(by: 1 | -1): void
  /** To what changed next, or before: statements, and what terminals showed. */
  frame(by: 1 | -1): void
  jump(by: 1 | -1): void
  faster(speed: number): void
  /** All of it again. */
  leave(): void
}

export function usePlayer(
  steps: readonly Step[],
  moments: readonly Moment[],
  clock: Clock,
  /** Seconds since it began, from the address. */
  address: number | undefined,
  from: number,
  toAddress: (seconds: number | undefined) => void,
): Player {
  const [played, setPlayed] = useState(() =>
    address === undefined ? undefined : clock.toPlay(from + address * 1_000),
  )
  const [playing, setPlaying] = useState(false)
  const [speed, faster] = useState(1)
  const written = useRef(address)
  const still = useMemo(() => matchMedia('(prefers-reduced-motion: reduce)').matches, [])
  const time = played === undefined ? Number.POSITIVE_INFINITY : clock.toTime(played)
  const current = lastIndex(steps, each => each.at <= time)

  const write = useCallback(
    (at: number | undefined) => {
      const seconds =
        at === undefined ? undefined : Math.round(Math.max(0, clock.toTime(at) - from)) / 1_000
      if (written.current === seconds) return
      written.current = seconds
      toAddress(seconds)
    },
    [clock, from, toAddress],
  )
  // Back and forward, or a link to another moment of it.
  useEffect(() => {
    if (address === written.current) return
    written.current = address
    setPlaying(false)
    setPlayed(address === undefined ? undefined : clock.toPlay(from + address * 1_000))
  }, [address, clock, from])

  const now = useRef(played)
  now.current = played
  useEffect(() => {
    if (!playing) return
    let before = performance.now()
    let wrote = before
    let frame = requestAnimationFrame(function tick(at) {
      const next = Math.min(clock.length, (now.current ?? 0) + (at - before) * speed)
      before = at
      now.current = next
      // Without motion the page changes when something happens, not with each frame.
      if (!still || shownAt(next) !== shownAt(next - 16 * speed) || next >= clock.length)
        setPlayed(next)
      if (at - wrote > ADDRESS_MS) {
        wrote = at
        write(next)
      }
      if (next >= clock.length) {
        setPlaying(false)
        write(next)
      } else frame = requestAnimationFrame(tick)
    })
    const shownAt = (at: number): number => {
      const until = clock.toTime(at)
      return lastIndex(moments, each => each.at <= until)
    }
    return () => cancelAnimationFrame(frame)
  }, [playing, speed, clock, moments, still, write])

  const seek = useCallback(
    (to: number) => {
      const at = Math.min(clock.length, Math.max(0, to))
      now.current = at
      setPlayed(at)
      write(at)
    },
    [clock, write],
  )
  return {
    played,
    playing,
    speed,
    current,
    time,
    seek,
    faster,
    toggle: () => {
      if (playing) write(now.current)
      // From its end, and from all of it, it begins anew.
      else if (played === undefined || played >= clock.length) seek(0)
      setPlaying(!playing)
    },
    step: by => {
      setPlaying(false)
      const next = steps[Math.min(steps.length - 1, Math.max(0, current + by))]
      if (next !== undefined) seek(clock.toPlay(next.at))
    },
    frame: by => {
      setPlaying(false)
      // Half a millisecond is nothing that happened.
      const shown = lastIndex(moments, each => each.at <= time + 0.5)
      const from = played === undefined && by < 0 ? moments.length - 1 : shown
      let next = from + by
      // What came in the same millisecond is one frame.
      while (moments[next]?.at === moments[from]?.at && next > 0 && next < moments.length)
        next += by
      const found = moments[Math.min(moments.length - 1, Math.max(0, next))]
      if (found !== undefined) seek(clock.toPlay(found.at))
    },
    jump: by => seek((played ?? clock.length) + by * JUMP_MS),
    leave: () => {
      setPlaying(false)
      setPlayed(undefined)
      write(undefined)
    },
  }
}
