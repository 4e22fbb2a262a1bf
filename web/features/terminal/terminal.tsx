// A terminal as it was at a moment, or as it is. What stands on it came from a host: it is drawn as text, cell by cell.
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { memo, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { paths, type ShownScreenView } from '#contract'
import { asking, at, call } from '../../data/gateway.ts'
import { Mark, Verbatim } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'
import { Input } from './input.tsx'
import { type Ink, MOST_COLUMNS, type Row, type Run, type View } from './screen.ts'
import { type Far, type Piece, Tape } from './tape.ts'
import { Typed } from './typed.tsx'
import './terminal.css'

const route = getRouteApi('/sessions/$id')
/** As wide as fits, within what can be read. */
const LARGEST_PX = 13
const SMALLEST_PX = 9
/** Of a character in a fixed font, to its height. */
const NARROW = 0.602
const MOST_CHARACTERS = 200_000

export function TerminalScreen({
  pieces,
  time,
  name,
  live,
  entry,
  startedAt,
}: {
  pieces: readonly Piece[]
  /** Unix ms; what came later is not shown. */
  time: number
  name: string
  live: boolean
  /** Of the audit log. */
  entry: number
  /** Of the session. */
  startedAt: number
}) {
  const { id } = route.useParams()
  // What lives has no screens beside it.
  const far = useCallback(
    async (moment: number) => (await screenAt(id, entry, (moment - startedAt) / 1_000)).pieces,
    [id, entry, startedAt],
  )
  return (
    <>
      <Screen pieces={pieces} time={time} name={name} live={live} far={live ? undefined : far} />
      <Typed entry={entry} startedAt={startedAt} live={live} />
      <Input entry={entry} startedAt={startedAt} live={live} />
      <Raw pieces={pieces} />
    </>
  )
}

/** The screen alone. */
function Screen({
  pieces,
  time,
  name,
  live,
  far,
}: {
  pieces: readonly Piece[]
  time: number
  name: string
  live: boolean
  far?: Far | undefined
}) {
  const tape = useMemo(() => new Tape({ far }), [far])
  const [view, setView] = useState<View>()
  useEffect(() => {
    tape.extend(pieces)
    // The player counts in parts of a millisecond.
    void tape.show(Math.round(time), setView)
  }, [tape, pieces, time])
  const box = useRef<HTMLElement>(null)
  const width = useWidth(box, view !== undefined)
  if (view === undefined) return <p className="m-0 text-soft">the terminal comes …</p>
  const size = Math.max(
    SMALLEST_PX,
    Math.min(LARGEST_PX, Math.floor((width / (view.columns * NARROW)) * 2) / 2),
  )
  return (
    <>
      <section
        ref={box}
        aria-label={`terminal of ${name}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard too
        tabIndex={0}
        className="terminal overflow-auto border border-line my-1 p-1 max-w-full"
      >
        <pre className="m-0 font-mono w-max" style={{ fontSize: size, lineHeight: 1.25 }}>
          {view.rows.map((row, y) => (
            <Line
              // biome-ignore lint/suspicious/noArrayIndexKey: a row's name is its number
              key={y}
              row={row}
              cursor={view.cursor?.y === y ? view.cursor.x : undefined}
            />
          ))}
        </pre>
      </section>
      <p className="m-0 text-soft flex flex-wrap gap-x-3">
        {live && (
          <Mark tone="live" glyph="●">
            as it is
          </Mark>
        )}
        <span>
          {view.columns} × {view.height}
        </span>
        {(view.height > view.rows.length || view.columns > MOST_COLUMNS) && (
          <span>too large to be drawn whole</span>
        )}
        {view.lost && <span>Something here could not be drawn: see what came, as text.</span>}
      </p>
    </>
  )
}

/** A moment of a long recording that is still on its way, in seconds since the session began. */
export function Meanwhile({ id, seconds }: { id: string; seconds: number }) {
  const found = useQuery({
    queryKey: ['screen', id, seconds],
    queryFn: ({ signal }) => screenAt(id, undefined, seconds, signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  // Nothing of it was on a terminal, or it cannot be had: the recording comes anyway, or says why not.
  if (found.data === undefined) return null
  const { pieces, text } = found.data
  return <Screen pieces={pieces} time={Number.POSITIVE_INFINITY} name={plain(text)} live={false} />
}

function screenAt(
  id: string,
  entry: number | undefined,
  seconds: number,
  signal?: AbortSignal,
): Promise<ShownScreenView> {
  const asked = { at: Math.max(0, seconds), ...(entry === undefined ? {} : { entry }) }
  return call(asking(at(paths.screen, { id }), asked), signal === undefined ? {} : { signal })
}

/** Rows that look the same are drawn once. */
const Line = memo(
  ({ row, cursor }: { row: Row; cursor: number | undefined }) => {
    let x = 0
    return (
      <span className="terminal-row">
        {row.runs.map((run, at) => {
          const from = x
          x += run.width
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a run's name is its place
            <Drawn key={at} run={run} cursor={cursor === undefined ? -1 : cursor - from} />
          )
        })}
        {'\n'}
      </span>
    )
  },
  (before, after) => before.row.key === after.row.key && before.cursor === after.cursor,
)

/** `cursor`: the cell of it that the cursor is on; outside of it, none is. */
function Drawn({ run, cursor }: { run: Run; cursor: number }) {
  const { ink, paper } = run.inverse ? { ink: run.paper, paper: run.ink } : run
  const style = {
    color: on(paper, run.inverse) ?? colour(ink, undefined),
    backgroundColor: colour(paper, run.inverse ? 'var(--ink)' : undefined),
    ...(run.bold ? { fontWeight: 700 } : {}),
    ...(run.italic ? { fontStyle: 'italic' } : {}),
    ...(run.dim ? { opacity: 0.75 } : {}),
    ...(run.underline || run.strike
      ? {
          textDecoration: `${run.underline ? 'underline ' : ''}${run.strike ? 'line-through' : ''}`,
        }
      : {}),
    // Fonts do not agree on how wide such a character is.
    ...(run.width > 1 && [...run.text].length === 1
      ? { display: 'inline-block', width: `${run.width}ch` }
      : {}),
  }
  if (cursor < 0 || cursor >= run.width) return <span style={style}>{plain(run.text)}</span>
  const chars = [...run.text]
  const place = Math.min(cursor, chars.length - 1)
  return (
    <span style={style}>
      {plain(chars.slice(0, place).join(''))}
      <span className="terminal-cursor">{plain(chars[place] ?? ' ')}</span>
      {plain(chars.slice(place + 1).join(''))}
    </span>
  )
}

function colour(ink: Ink, usual: string | undefined): string | undefined {
  return typeof ink === 'number' ? `var(--terminal-${ink})` : (ink ?? usual)
}

/**
 * On a colour the text is what can be read there, whatever colour the host wanted for it: each colour of the palette can
 * be told from the page's paper.
 */
function on(paper: Ink, inverse: boolean): string | undefined {
  if (typeof paper === 'number' || (paper === undefined && inverse)) return 'var(--paper)'
  if (paper === undefined) return undefined
  const [red, green, blue] = [1, 3, 5].map(at => Number.parseInt(paper.slice(at, at + 2), 16) / 255)
  const light =
    0.2126 * (red ?? 0) ** 2.2 + 0.7152 * (green ?? 0) ** 2.2 + 0.0722 * (blue ?? 0) ** 2.2
  return light > 0.18 ? '#000000' : '#ffffff'
}

/** What scrolled away too, with all that steered the terminal shown. */
function Raw({ pieces }: { pieces: readonly Piece[] }) {
  const [open, setOpen] = useState(false)
  return (
    <details onToggle={event => setOpen(event.currentTarget.open)}>
      <summary className="text-soft">what came, as text</summary>
      {open && <Verbatim block text={beginning(pieces)} />}
    </details>
  )
}

function beginning(pieces: readonly Piece[]): string {
  let text = ''
  for (const piece of pieces) {
    if (text.length > MOST_CHARACTERS) return `${text.slice(0, MOST_CHARACTERS)} …`
    if ('text' in piece) text += piece.text.replaceAll('\r\n', '\n')
  }
  return text
}

/** `there`: the box is drawn. */
function useWidth(box: React.RefObject<HTMLElement | null>, there: boolean): number {
  const [width, setWidth] = useState(640)
  useEffect(() => {
    const element = box.current
    if (!there || element === null) return
    const observer = new ResizeObserver(() => setWidth(element.clientWidth - 8))
    observer.observe(element)
    return () => observer.disconnect()
  }, [box, there])
  return width
}
