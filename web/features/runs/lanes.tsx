// A run on one line of time: a lane for each resource, in it a row for its sessions and one for each decision, so that
// nothing is told by colour alone. Marks are as wide as a step: what lies closer together stands in one mark.
import { useNavigate } from '@tanstack/react-router'
import type { RunDetail, SessionView } from '#contract'
import { Mark, type Tone } from '../../ui/parts.tsx'
import { count, plain } from '../../ui/text.ts'

type Lane = RunDetail['lanes'][number]

const ROWS = [
  { name: 'permitted', at: 1, tone: 'plain', glyph: '✓', fill: 'fill-ink' },
  { name: 'masked', at: 4, tone: 'masked', glyph: '▒', fill: 'fill-masked' },
  { name: 'held', at: 2, tone: 'held', glyph: '◔', fill: 'fill-held' },
  { name: 'denied', at: 3, tone: 'denied', glyph: '✕', fill: 'fill-denied' },
] as const satisfies readonly {
  name: string
  at: 1 | 2 | 3 | 4
  tone: Tone
  glyph: string
  fill: string
}[]

/** What SVG measures by here. */
const WIDTH = 1_000
const HEIGHT = 16
const SECONDS = {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
} as const
const clock = new Intl.DateTimeFormat(undefined, SECONDS)
const finer = new Intl.DateTimeFormat(undefined, { ...SECONDS, fractionalSecondDigits: 3 })
/** Of a shorter run the seconds would all be the same. */
const SHORT_MS = 10_000

export function Lanes({ run }: { run: RunDetail }) {
  const from = run.startedAt
  const until = Math.max(
    from + 1,
    ...run.sessionList.map(({ endedAt }) => endedAt ?? 0),
    ...run.lanes.flatMap(({ marks }) => marks.map(([step]) => from + (step + 1) * run.stepMs)),
    run.live > 0 ? Date.now() : 0,
  )
  const scale = (at: number): number => ((at - from) / (until - from)) * WIDTH
  return (
    <div className="my-4 border-y border-line">
      <div className="grid grid-cols-[9rem_1fr] max-sm:grid-cols-[6.5rem_1fr] gap-x-3 text-soft tabular-nums py-1">
        <span>time</span>
        <span className="flex justify-between">
          <Clock at={from} fine={until - from < SHORT_MS} />
          <span className="max-sm:hidden">
            <Clock at={(from + until) / 2} fine={until - from < SHORT_MS} />
          </span>
          <Clock at={until} fine={until - from < SHORT_MS} />
        </span>
      </div>
      {run.lanes.map(lane => (
        <LaneRows
          key={lane.resource}
          lane={lane}
          sessions={run.sessionList.filter(({ resource }) => resource === lane.resource)}
          scale={scale}
          from={from}
          until={until}
          stepMs={run.stepMs}
        />
      ))}
    </div>
  )
}

function Clock({ at, fine }: { at: number; fine: boolean }) {
  const date = new Date(at)
  return (
    <time dateTime={date.toISOString()} title={`${date.toLocaleString()} · ${date.toISOString()}`}>
      {(fine ? finer : clock).format(date)}
    </time>
  )
}

function LaneRows({
  lane,
  sessions,
  scale,
  from,
  until,
  stepMs,
}: {
  lane: Lane
  sessions: readonly SessionView[]
  scale: (at: number) => number
  from: number
  until: number
  stepMs: number
}) {
  const navigate = useNavigate()
  /** The session that did it, at that moment. */
  const open = (at: number): void => {
    const session = sessions.find(
      ({ startedAt, endedAt }) => startedAt < at + stepMs && (endedAt ?? until) >= at,
    )
    if (session === undefined) return
    const seconds = Math.max(0, at - session.startedAt) / 1_000
    void navigate({
      to: '/sessions/$id',
      params: { id: session.id },
      search: { at: seconds },
    })
  }
  return (
    <section
      aria-label={`lane ${plain(lane.resource)}`}
      className="grid grid-cols-[9rem_1fr] max-sm:grid-cols-[6.5rem_1fr] gap-x-3 border-t border-line py-2"
    >
      <h3 className="m-0 font-semibold truncate" title={plain(lane.resource)}>
        {plain(lane.resource)}
      </h3>
      <svg
        role="img"
        aria-label={`${count(sessions.length)} sessions; they are listed below`}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="w-full h-5"
      >
        {sessions.map(({ id, startedAt, endedAt }) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: the same sessions are links in the list below
          <rect
            key={id}
            x={scale(startedAt)}
            y={5}
            width={Math.max(3, scale(endedAt ?? until) - scale(startedAt))}
            height={6}
            className={`cursor-pointer ${endedAt === undefined ? 'fill-live' : 'fill-soft'}`}
            onClick={() => void navigate({ to: '/sessions/$id', params: { id } })}
          >
            <title>{plain(id)}</title>
          </rect>
        ))}
      </svg>
      {ROWS.map(({ name, at, tone, glyph, fill }) => {
        const total = lane.marks.reduce((sum, mark) => sum + mark[at], 0)
        if (total === 0) return null
        return (
          <div key={name} className="contents">
            <span className="tabular-nums">
              <Mark tone={tone} glyph={glyph}>
                {count(total)} {name}
              </Mark>
            </span>
            <svg
              aria-hidden="true"
              viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
              preserveAspectRatio="none"
              className="w-full h-5"
            >
              {lane.marks
                .filter(mark => mark[at] > 0)
                .map(mark => (
                  // biome-ignore lint/a11y/noStaticElementInteractions: the sessions are links in the list below
                  <rect
                    key={mark[0]}
                    x={scale(from + mark[0] * stepMs)}
                    y={2}
                    width={Math.max(3, scale(from + stepMs))}
                    height={12}
                    className={`cursor-pointer ${fill}`}
                    onClick={() => open(from + mark[0] * stepMs)}
                  >
                    <title>{`${clock.format(from + mark[0] * stepMs)}: ${count(mark[at])} ${name}`}</title>
                  </rect>
                ))}
            </svg>
          </div>
        )
      })}
    </section>
  )
}
