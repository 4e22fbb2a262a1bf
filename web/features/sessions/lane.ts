// The lane of a session as shapes: for each tone one path, however many statements there are. Marks that would cover
// each other are left out; the bars are all there.
import type { Clock } from './clock.ts'
import type { Step } from './recording.ts'

export const LANE_HEIGHT = 28
const BAR_TOP = 13
const BAR_HEIGHT = 11
const NARROWEST = 2
const MARK_WIDTH = 13

export interface Lane {
  readonly permit: string
  readonly held: string
  readonly deny: string
  readonly masked: string
  readonly marks: readonly { readonly x: number; readonly effect: Step['effect'] }[]
}

export function laneOf(steps: readonly Step[], clock: Clock, width: number): Lane {
  const paths = { permit: '', held: '', deny: '', masked: '' }
  const marks: { x: number; effect: Step['effect'] }[] = []
  const drawn = { permit: -1, held: -1, deny: -1, masked: -1 }
  const bar = (tone: keyof typeof paths, from: number, to: number, top: number, height: number) => {
    const x = Math.min(from, width - NARROWEST)
    const end = Math.max(to, x + NARROWEST)
    // What adds less than a pixel to what is drawn already adds nothing.
    if (end < drawn[tone] + 1) return
    paths[tone] += `M${x.toFixed(1)} ${top}H${end.toFixed(1)}V${top + height}H${x.toFixed(1)}Z`
    drawn[tone] = end
  }
  const place = (at: number): number => (clock.toPlay(at) / clock.length) * width
  let marked = Number.NEGATIVE_INFINITY
  for (const step of steps) {
    if (step.note) continue
    const x = place(step.at)
    const end = place(step.until)
    bar(step.effect, x, end, BAR_TOP, BAR_HEIGHT)
    if (step.masked.length > 0) bar('masked', x, end, BAR_TOP + BAR_HEIGHT + 1, 3)
  }
  // Refusals and waits first: they are what is looked for.
  for (const wanted of [['deny', 'held'], ['permit']] as const) {
    marked = Number.NEGATIVE_INFINITY
    for (const step of steps) {
      if (step.note || !(wanted as readonly string[]).includes(step.effect)) continue
      const x = Math.min(place(step.at), width - MARK_WIDTH)
      if (x - marked < MARK_WIDTH) continue
      marked = x
      if (wanted[0] === 'permit' && marks.some(each => Math.abs(each.x - x) < MARK_WIDTH)) continue
      marks.push({ x, effect: step.effect })
    }
  }
  return { ...paths, marks }
}
