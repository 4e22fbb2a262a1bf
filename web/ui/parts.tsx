// The small parts that every page is made of. They know no API.
import type { ButtonHTMLAttributes, ReactNode } from 'react'
import { useEffect, useState } from 'react'
import { pieces } from './text.ts'

/** Text from outside, monospaced. `block` keeps its lines. */
export function Verbatim({ text, block = false }: { text: string; block?: boolean }) {
  const shown = pieces(text, block).map((piece, at) =>
    piece.strange ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no other name, and never move
      <mark key={at} className="bg-transparent text-denied font-semibold">
        {piece.text}
      </mark>
    ) : (
      piece.text
    ),
  )
  return block ? (
    <pre className="font-mono whitespace-pre-wrap wrap-anywhere m-0">{shown}</pre>
  ) : (
    <code className="font-mono whitespace-pre-wrap wrap-anywhere">{shown}</code>
  )
}

export type Tone = 'plain' | 'held' | 'denied' | 'masked' | 'live'

const tones: Readonly<Record<Tone, string>> = {
  plain: 'text-ink',
  held: 'text-held',
  denied: 'text-denied',
  masked: 'text-masked',
  live: 'text-live',
}

/** A word with its glyph: never colour alone. */
export function Mark({
  tone,
  glyph,
  children,
}: {
  tone: Tone
  glyph: string
  children: ReactNode
}) {
  return (
    <span className={`whitespace-nowrap ${tones[tone]}`}>
      <span aria-hidden="true" className="inline-block w-4 text-left">
        {glyph}
      </span>
      <span>{children}</span>
    </span>
  )
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' })
const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
]

function relativeTo(at: number, now: number): string {
  const away = at - now
  const [unit, ms] = steps.find(([, each]) => Math.abs(away) >= each) ?? ['second', 1_000]
  return relative.format(Math.trunc(away / ms), unit)
}

/** The time of this second, for what counts down or ages. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

/** How long ago; the exact time, here and in UTC, on hover. */
export function Time({ at }: { at: number }) {
  const now = useNow(10_000)
  const date = new Date(at)
  return (
    <time dateTime={date.toISOString()} title={`${date.toLocaleString()} · ${date.toISOString()}`}>
      {relativeTo(at, now)}
    </time>
  )
}

/** What is left until then: `1:07`. */
export function Countdown({ until }: { until: number }) {
  const left = Math.max(0, Math.ceil((until - useNow()) / 1_000))
  const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  return (
    <span role="timer" className="font-mono tabular-nums">
      {hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`}
    </span>
  )
}

const buttons = {
  plain: 'border-line hover:bg-raised',
  yes: 'border-ink bg-ink text-paper hover:opacity-90',
  no: 'border-denied text-denied hover:bg-raised',
} as const

export function Button({
  look = 'plain',
  type = 'button',
  className = '',
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & { look?: keyof typeof buttons }) {
  return (
    <button
      type={type}
      className={`border px-3 py-1.5 sm:whitespace-nowrap disabled:opacity-50 ${buttons[look]} ${className}`}
      {...rest}
    />
  )
}

export function Key({ children }: { children: string }) {
  return (
    <kbd className="font-mono text-[0.6875rem] border border-current/40 px-1 ml-1">{children}</kbd>
  )
}

/** Nothing here: says what to do next. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="py-16 px-4 text-center">
      <p className="font-semibold m-0">{title}</p>
      <div className="text-soft mt-1">{children}</div>
    </div>
  )
}

/** What failed, what is still true, what to do. */
export function Failure({ error, again }: { error: unknown; again?: () => void }) {
  const problem = problemOf(error)
  return (
    <div role="alert" className="border-l-2 border-denied px-3 py-2 my-3">
      <p className="m-0">
        <Mark tone="denied" glyph="✕">
          <span className="whitespace-normal">{problem.detail}</span>
        </Mark>
      </p>
      {problem.hint !== undefined && <p className="m-0 text-soft">{problem.hint}</p>}
      {again !== undefined && (
        <Button className="mt-2" onClick={again}>
          Try again
        </Button>
      )}
    </div>
  )
}

function problemOf(error: unknown): { detail: string; hint?: string | undefined } {
  if (error instanceof Error && 'problem' in error) {
    return error.problem as { detail: string; hint?: string }
  }
  return { detail: error instanceof Error ? error.message : 'Something is broken in this page.' }
}

/** Copies with one click, and says that it did. */
export function Copy({ text, label = 'copy' }: { text: string; label?: string }) {
  const [done, setDone] = useState(false)
  return (
    <button
      type="button"
      className="text-soft underline decoration-dotted px-1"
      onClick={() => {
        void navigator.clipboard.writeText(text).then(() => {
          setDone(true)
          setTimeout(() => setDone(false), 1_500)
        })
      }}
    >
      {done ? 'copied' : label}
    </button>
  )
}

/** Names and what they are, in two columns. */
export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode] | undefined)[] }) {
  return (
    <dl className="grid grid-cols-[max-content_1fr] gap-x-4 gap-y-1 m-0">
      {rows.map(
        row =>
          row !== undefined && (
            <div key={row[0]} className="contents">
              <dt className="text-soft">{row[0]}</dt>
              <dd className="m-0 min-w-0 wrap-anywhere">{row[1]}</dd>
            </div>
          ),
      )}
    </dl>
  )
}
