// The line of time of a run: the marks of its sessions put together, a lane for each resource, in so many steps as a
// screen can show.
import type { RunDetail } from '#contract'
import type { SessionMarks, SessionSummary } from '#model'

const MOST_STEPS = 480

type Lane = RunDetail['lanes'][number]

export function lanesOf(
  sessions: readonly SessionSummary[],
  marks: ReadonlyMap<string, SessionMarks>,
  now: number,
): Pick<RunDetail, 'stepMs' | 'lanes' | 'held' | 'masked'> {
  const from = Math.min(...sessions.map(({ startedAt }) => startedAt))
  const until = Math.max(...sessions.map(({ endedAt }) => endedAt ?? now))
  const stepMs = Math.max(1, Math.ceil((until - from + 1) / MOST_STEPS))
  const lanes = new Map<string, { lane: Lane; steps: Map<number, Lane['marks'][number]> }>()
  let [held, masked] = [0, 0]
  for (const { id, resource, protocol, startedAt, endedAt } of sessions) {
    const known = lanes.get(resource)
    const { steps } = known ?? { steps: new Map<number, Lane['marks'][number]>() }
    if (known === undefined) lanes.set(resource, { lane: { resource, protocol, marks: [] }, steps })
    const own = marks.get(id)
    for (const [at, ...counts] of own?.marks ?? []) {
      // The middle of the session's own step: it may be longer than one of these, and than what is left.
      const when = Math.min(
        startedAt - from + (at + 0.5) * (own?.stepMs ?? 0),
        (endedAt ?? now) - from,
      )
      const step = Math.min(MOST_STEPS - 1, Math.floor(when / stepMs))
      const before = steps.get(step) ?? [step, 0, 0, 0, 0]
      steps.set(step, [
        step,
        before[1] + counts[0],
        before[2] + counts[1],
        before[3] + counts[2],
        before[4] + counts[3],
      ])
      held += counts[1]
      masked += counts[3]
    }
  }
  return {
    stepMs,
    held,
    masked,
    lanes: [...lanes.values()].map(({ lane, steps }) => ({
      ...lane,
      marks: [...steps.values()].toSorted((a, b) => a[0] - b[0]),
    })),
  }
}
