// One lane: each statement a bar as long as it took, waits hatched, a mark for its decision. A click goes there.
import { useEffect, useMemo, useRef, useState } from 'react'
import { Button } from '../../ui/parts.tsx'
import { type Clock, lastIndex } from './clock.ts'
import { LANE_HEIGHT, laneOf } from './lane.ts'
import { type Player, SPEEDS } from './player.ts'
import type { Step } from './recording.ts'

const MARKS = { permit: '✓', held: '◔', deny: '✕' } as const
const INKS = { permit: 'fill-soft', held: 'fill-held', deny: 'fill-denied' } as const

export function Timeline({
  steps,
  clock,
  player,
  from,
  frames,
}: {
  /** Something was shown on a terminal: every change of it can be gone to. */
  frames: boolean
  steps: readonly Step[]
  clock: Clock
  player: Player
  from: number
}) {
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box)
  const lane = useMemo(() => laneOf(steps, clock, width), [steps, clock, width])
  const played = player.played ?? clock.length
  const seconds = (at: number): string => `${((clock.toTime(at) - from) / 1_000).toFixed(3)} s`
  return (
    <section aria-label="replay" className="sticky top-0 bg-paper z-10 py-2 border-b border-line">
      <div
        ref={box}
        role="slider"
        tabIndex={0}
        aria-label="moment of the replay"
        aria-valuemin={0}
        aria-valuemax={Math.round(clock.length)}
        aria-valuenow={Math.round(played)}
        aria-valuetext={`${seconds(played)} of ${seconds(clock.length)}, statement ${player.current + 1} of ${steps.length}`}
        className="relative cursor-pointer touch-none select-none"
        style={{ height: LANE_HEIGHT }}
        onPointerDown={event => {
          event.currentTarget.setPointerCapture(event.pointerId)
          player.seek(placeOf(event, steps, clock))
        }}
        onPointerMove={event => {
          if (event.buttons === 1) player.seek(placeOf(event, steps, clock))
        }}
      >
        <Bars lane={lane} width={width} />
        <div
          aria-hidden="true"
          className="absolute inset-y-0 w-0.5 -ml-px bg-focus pointer-events-none"
          style={{ left: `${(played / clock.length) * 100}%` }}
        />
      </div>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 mt-1">
        <Button aria-keyshortcuts="Space" onClick={player.toggle}>
          {player.playing ? 'Pause' : 'Play'}
        </Button>
        <Button aria-label="statement before" onClick={() => player.step(-1)}>
          [
        </Button>
        <Button aria-label="next statement" onClick={() => player.step(1)}>
          ]
        </Button>
        {frames && (
          <>
            <Button aria-label="change before" onClick={() => player.frame(-1)}>
              ,
            </Button>
            <Button aria-label="next change" onClick={() => player.frame(1)}>
              .
            </Button>
          </>
        )}
        <label className="text-soft">
          speed{' '}
          <select
            value={player.speed}
            onChange={event => player.faster(Number(event.target.value))}
            className="border border-line bg-paper text-ink px-1 py-0.5"
          >
            {SPEEDS.map(each => (
              <option key={each} value={each}>
                {each}×
              </option>
            ))}
          </select>
        </label>
        <span className="font-mono tabular-nums">
          {seconds(played)} / {seconds(clock.length)}
        </span>
        {player.played !== undefined && <Button onClick={player.leave}>Show all</Button>}
        <span className="text-soft max-sm:hidden">
          pauses count 2 s at most · space, ← →, [ ]{frames && ' and , .'}
        </span>
      </div>
    </section>
  )
}

function Bars({ lane, width }: { lane: ReturnType<typeof laneOf>; width: number }) {
  return useMemo(
    () => (
      <svg
        aria-hidden="true"
        width={width}
        height={LANE_HEIGHT}
        className="absolute inset-0 pointer-events-none"
      >
        <defs>
          <pattern
            id="waits"
            width="5"
            height="5"
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <rect width="2.5" height="5" className="fill-held" />
          </pattern>
        </defs>
        <line x1="0" x2={width} y1="18.5" y2="18.5" className="stroke-line" />
        <path d={lane.permit} className="fill-soft" />
        <path d={lane.held} fill="url(#waits)" className="stroke-held" strokeWidth="0.5" />
        <path d={lane.deny} className="fill-denied" />
        <path d={lane.masked} className="fill-masked" />
        {lane.marks.map(({ x, effect }) => (
          <text key={`${effect} ${x}`} x={x} y="10" fontSize="11" className={INKS[effect]}>
            {MARKS[effect]}
          </text>
        ))}
      </svg>
    ),
    [lane, width],
  )
}

/** Whoever points so near to where a statement begins means the statement. */
const NEAR_PX = 6

function placeOf(
  event: React.PointerEvent<HTMLElement>,
  steps: readonly Step[],
  clock: Clock,
): number {
  const { left, width } = event.currentTarget.getBoundingClientRect()
  const place = ((event.clientX - left) / width) * clock.length
  const near = (NEAR_PX / width) * clock.length
  const time = clock.toTime(place)
  const before = lastIndex(steps, each => each.at <= time)
  const begins = [steps[before + 1], steps[before]].flatMap(step =>
    step === undefined ? [] : [clock.toPlay(step.at)],
  )
  return begins.find(each => Math.abs(each - place) <= near) ?? place
}

function useWidth(box: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(800)
  useEffect(() => {
    const element = box.current
    if (element === null) return
    const observer = new ResizeObserver(() => setWidth(element.clientWidth))
    observer.observe(element)
    return () => observer.disconnect()
  }, [box])
  return width
}
