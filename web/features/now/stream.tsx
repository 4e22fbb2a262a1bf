// Statements as they come, newest first. It stands still while somebody reads: scrolled away, moving by keys, pointing
// at it, or paused by hand; what comes meanwhile is counted, and shown when asked for.
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { Button, Empty, Key, Mark } from '../../ui/parts.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { count, many, plain } from '../../ui/text.ts'
import { useShown } from './data.ts'
import type { Line, Shown, Statements } from './statements.ts'

export type Show = 'all' | 'denied' | 'held' | 'masked'

const fits: Readonly<Record<Show, (line: Line) => boolean>> = {
  all: () => true,
  denied: ({ effect }) => effect === 'deny',
  held: ({ effect }) => effect === 'held',
  masked: ({ outcome }) => outcome?.masked === true,
}
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})

const columns: readonly Column<Line>[] = [
  { name: 'at', width: '4.5rem', narrow: '3.75rem', cell: ({ at }) => <At at={at} /> },
  {
    name: 'decision',
    width: '6.5rem',
    narrow: '1rem',
    glyph: true,
    cell: line => <Decided line={line} />,
  },
  {
    name: 'who',
    width: 'minmax(6rem, 1fr)',
    narrow: 'minmax(0, 1fr)',
    cell: ({ principal }) => plain(principal),
  },
  {
    name: 'resource',
    width: 'minmax(4rem, 0.6fr)',
    wide: true,
    cell: ({ resource }) => plain(resource),
  },
  {
    name: 'does',
    width: 'minmax(8rem, 2fr)',
    narrow: 'minmax(0, 2fr)',
    cell: ({ verbs, objects, code, effect }) => (
      <span title={effect === 'permit' ? undefined : plain(code ?? '')}>
        {plain(verbs.join(', '))} <span className="text-soft">{plain(objects.join(', '))}</span>
      </span>
    ),
  },
  {
    name: 'rows',
    width: '4.5rem',
    wide: true,
    right: true,
    cell: ({ outcome }) => (outcome === undefined ? '' : count(outcome.rows)),
  },
  {
    name: 'ms',
    width: '4rem',
    wide: true,
    right: true,
    cell: ({ outcome }) => (outcome === undefined ? '' : count(outcome.ms)),
  },
]

function At({ at }: { at: number }) {
  const date = new Date(at)
  return (
    <time
      className="tabular-nums"
      dateTime={date.toISOString()}
      title={`${date.toLocaleString()} · ${date.toISOString()}`}
    >
      {clock.format(date)}
    </time>
  )
}

function Decided({ line: { effect, outcome } }: { line: Line }) {
  if (effect === 'deny') {
    return (
      <Mark tone="denied" glyph="✕">
        denied
      </Mark>
    )
  }
  if (effect === 'held') {
    return (
      <Mark tone="held" glyph="◔">
        held
      </Mark>
    )
  }
  return outcome?.masked === true ? (
    <Mark tone="masked" glyph="▒">
      masked
    </Mark>
  ) : (
    <Mark tone="plain" glyph="✓">
      permitted
    </Mark>
  )
}

export function Stream({ statements, show }: { statements: Statements; show: Show }) {
  const navigate = useNavigate()
  const now = useShown(statements)
  const { held, reading, paused, pause, follow, ...watch } = useStill(now)
  const shown = held ?? now
  const lines = shown.lines.filter(fits[show])
  return (
    <section
      aria-label="statements"
      className="flex flex-col flex-1 min-h-0 min-w-0 max-lg:min-h-96 max-lg:h-[70dvh] max-lg:flex-none"
    >
      <div className="flex flex-wrap items-baseline gap-x-4 gap-y-1 px-4 py-2">
        <h2 className="font-semibold m-0">Statements</h2>
        <Filter show={show} />
        <Sampled shown={now} />
        <span className="ml-auto flex items-baseline gap-2">
          {held !== undefined && (
            <span className="text-soft tabular-nums">
              {paused ? 'paused' : `stands still while ${reading}`}:{' '}
              {many(now.seen - held.seen, 'new one')}
            </span>
          )}
          <Button className="py-0.5!" onClick={held === undefined ? pause : follow}>
            {held === undefined ? 'Pause' : 'Follow'}
            <Key>f</Key>
          </Button>
        </span>
      </div>
      {lines.length === 0 ? (
        <Empty
          title={show === 'all' ? 'Nothing was asked lately.' : `None of the last was ${show}.`}
        >
          {show === 'all'
            ? 'A statement appears here when somebody asks through the gateway.'
            : 'It shows here as it comes.'}
        </Empty>
      ) : (
        <div className="flex flex-col flex-1 min-h-0" {...watch}>
          <Table
            label="statements"
            rows={lines}
            columns={columns}
            idOf={({ seq }) => String(seq)}
            onOpen={({ session, principal }) =>
              // Who was refused at the door has no session.
              session === undefined
                ? void navigate({ to: '/people/one', search: { id: principal } })
                : void navigate({ to: '/sessions/$id', params: { id: session } })
            }
          />
        </div>
      )}
    </section>
  )
}

function Sampled({ shown: { oneIn, leavesOut } }: { shown: Shown }) {
  if (oneIn <= 1) return null
  return (
    <span className="text-soft">
      showing 1 in {count(oneIn)}
      {leavesOut ? '' : '; every denied and held one'}
    </span>
  )
}

function Filter({ show }: { show: Show }) {
  const navigate = useNavigate()
  return (
    <label className="text-soft">
      show{' '}
      <select
        value={show}
        className="border border-line bg-paper text-ink"
        onChange={event => {
          const next = event.target.value as Show
          void navigate({ to: '/now', search: next === 'all' ? {} : { show: next }, replace: true })
        }}
      >
        {(Object.keys(fits) as Show[]).map(each => (
          <option key={each}>{each}</option>
        ))}
      </select>
    </label>
  )
}

/** What is shown while it stands still, and why; undefined while it follows. */
function useStill(now: Shown) {
  const latest = useRef(now)
  latest.current = now
  const [paused, setPaused] = useState<Shown>()
  const [reading, setReading] = useState<{ why: string; shown: Shown }>()
  const read = (why: string): void =>
    setReading(before => ({ why, shown: before?.shown ?? latest.current }))
  const pause = (): void => setPaused(before => before ?? latest.current)
  const box = useRef<HTMLElement>(undefined)
  const follow = (): void => {
    setPaused(undefined)
    setReading(undefined)
    if (box.current !== undefined) box.current.scrollTop = 0
  }
  const turn = useRef({ pause, follow, still: false })
  turn.current = { pause, follow, still: paused !== undefined || reading !== undefined }
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const typing =
        event.target instanceof HTMLElement && event.target.matches('input, textarea, select')
      if (event.key !== 'f' || typing || event.ctrlKey || event.metaKey || event.altKey) return
      const { still, ...to } = turn.current
      if (still) to.follow()
      else to.pause()
    }
    document.addEventListener('keydown', listen)
    return () => document.removeEventListener('keydown', listen)
  }, [])
  return {
    held: paused ?? reading?.shown,
    paused: paused !== undefined,
    reading: reading?.why ?? '',
    pause,
    follow,
    onScrollCapture: (event: React.UIEvent<HTMLElement>): void => {
      const at = event.target
      if (!(at instanceof HTMLElement)) return
      box.current = at
      if (at.scrollTop > 0) read('you read below')
      else setReading(before => (before?.why === 'you read below' ? undefined : before))
    },
    onKeyDownCapture: (event: React.KeyboardEvent): void => {
      if (['j', 'k', 'ArrowDown', 'ArrowUp'].includes(event.key)) read('you choose one')
    },
    onPointerEnter: (event: React.PointerEvent): void => {
      if (event.pointerType === 'mouse')
        setReading(before => before ?? { why: 'you point at it', shown: latest.current })
    },
    onPointerLeave: (): void =>
      setReading(before => (before?.why === 'you point at it' ? undefined : before)),
  }
}
