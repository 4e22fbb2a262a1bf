// What was asked, one after the other: the decision, the text, what came of it and what was seen. Draws what is in sight.
import { Link } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type RefObject, Suspense, useEffect, useRef, useState } from 'react'
import { useMay } from '../../data/who.ts'
import { late } from '../../ui/late.ts'
import { Mark, Verbatim } from '../../ui/parts.tsx'
import { bytes, count, many, plain } from '../../ui/text.ts'
import { LongText, Rows } from './answer.tsx'
import type { Step } from './recording.ts'

/** Loaded with the first terminal that is looked at. */
const TerminalScreen = late(async () => (await import('../terminal/terminal.tsx')).TerminalScreen)

const USUAL_HEIGHT = 64
/** Whoever is so near the end of the page goes on with it. */
const NEAR = 120
const FRAMES = 8

/** `time`: what came later is not shown. `follow`: the last one stays in sight. */
export function Steps({
  steps,
  startedAt,
  time,
  follow,
  live,
  scroller,
}: {
  steps: readonly Step[]
  startedAt: number
  time: number
  follow: boolean
  /** The session lives. */
  live: boolean
  scroller: RefObject<HTMLElement | null>
}) {
  const box = useRef<HTMLOListElement>(null)
  const [margin, setMargin] = useState(0)
  useEffect(() => setMargin(box.current?.offsetTop ?? 0), [])
  const list = useVirtualizer({
    count: steps.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => USUAL_HEIGHT,
    overscan: 6,
    scrollMargin: margin,
    getItemKey: at => keyOf(steps[at], at),
  })
  const last = steps.length - 1
  const before = useRef(last)
  useEffect(() => {
    const element = scroller.current
    const came = last > before.current
    before.current = last
    if (element === null || last < 0) return
    const near = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR
    if (!follow && !(came && near)) return
    // Heights are known once they were drawn: the end moves until all near it are.
    let left = FRAMES
    let frame = requestAnimationFrame(function down() {
      element.scrollTop = element.scrollHeight
      left -= 1
      if (left > 0) frame = requestAnimationFrame(down)
    })
    return () => cancelAnimationFrame(frame)
  }, [last, follow, scroller])
  return (
    <ol
      ref={box}
      aria-label="statements"
      className="list-none m-0 p-0 relative"
      style={{ height: list.getTotalSize() }}
    >
      {list.getVirtualItems().map(item => {
        const step = steps[item.index]
        if (step === undefined) return null
        return (
          <li
            key={item.key}
            ref={list.measureElement}
            data-index={item.index}
            aria-setsize={steps.length}
            aria-posinset={item.index + 1}
            aria-current={follow && item.index === last ? 'step' : undefined}
            className="absolute inset-x-0 border-b border-line py-2 aria-[current]:bg-raised"
            style={{ transform: `translateY(${item.start - margin}px)` }}
          >
            <Line
              step={step}
              startedAt={startedAt}
              time={time}
              live={live && time === Number.POSITIVE_INFINITY}
            />
          </li>
        )
      })}
    </ol>
  )
}

function keyOf(step: Step | undefined, at: number): string {
  return `${step?.entry ?? 'note'} ${at}`
}

function Line({
  step,
  startedAt,
  time,
  live,
}: {
  step: Step
  startedAt: number
  time: number
  live: boolean
}) {
  const ended = step.until <= time
  const { terminal } = step
  const seconds = ((step.at - startedAt) / 1_000).toFixed(3)
  return (
    <div className="grid grid-cols-[5.5rem_6rem_1fr] max-sm:grid-cols-[max-content_1fr] gap-x-3">
      <span
        className="text-soft tabular-nums text-right max-sm:text-left"
        title={new Date(step.at).toISOString()}
      >
        {seconds} s
      </span>
      <Effect step={step} />
      <div className="min-w-0 max-sm:col-span-2">
        {step.note ? (
          <span className="text-soft">{plain(step.text)}</span>
        ) : (
          <LongText text={step.text} />
        )}
        {step.parameters.length > 0 && (
          <div className="text-soft">
            {step.parameters.map((value, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a parameter's name is its number
              <span key={index} className="mr-3">
                ${index + 1} = {value === null ? 'NULL' : <Verbatim text={value} />}
              </span>
            ))}
          </div>
        )}
        {step.effect !== 'permit' && (
          <div className="text-soft">
            {plain(step.message)} [{plain(step.code)}]
          </div>
        )}
        {terminal !== undefined && step.entry !== undefined && (
          <Suspense fallback={<p className="m-0 text-soft">the terminal comes …</p>}>
            <TerminalScreen
              pieces={terminal}
              time={time}
              name={plain(step.text)}
              live={live && step.outcome === undefined}
              entry={step.entry}
              startedAt={startedAt}
            />
          </Suspense>
        )}
        {ended ? (
          <Ended step={step} />
        ) : (
          terminal === undefined && <p className="m-0 text-soft">not yet …</p>
        )}
      </div>
    </div>
  )
}

/** Its line of evidence, for who may read the log: it opens with the proof that it is there. */
function Entry({ number }: { number: number }) {
  if (!useMay('console:audit')) return null
  return (
    <Link
      to="/evidence/$seq"
      params={{ seq: String(number) }}
      search={{ prove: true }}
      preload={false}
    >
      entry {count(number)}
    </Link>
  )
}

/** What came of it. */
function Ended({ step }: { step: Step }) {
  const took = step.until - step.at
  return (
    <>
      <div className="text-soft flex flex-wrap gap-x-3">
        {step.policies.length > 0 && <span>{step.policies.map(plain).join(', ')}</span>}
        {step.objects.length > 0 && <span>{step.objects.map(plain).join(', ')}</span>}
        {step.entry !== undefined && <Entry number={step.entry} />}
        {step.effect === 'held' && step.until > step.at && (
          <Mark tone="held" glyph="◔">
            waited {(took / 1_000).toFixed(1)} s
          </Mark>
        )}
        {step.outcome !== undefined && (
          <span>
            → {many(step.outcome.rows, 'row')}, {bytes(step.outcome.bytes)}, {count(took)} ms
          </span>
        )}
        {step.masked.map(([name, found]) => (
          <Mark key={name} tone="masked" glyph="▒">
            {plain(name)} × {count(found)}
          </Mark>
        ))}
        {step.outcome?.error !== undefined && (
          <Mark tone="denied" glyph="✕">
            {plain(step.outcome.error)}
          </Mark>
        )}
      </div>
      {step.answer !== undefined && step.answer.rows.length > 0 && <Rows answer={step.answer} />}
      {step.output !== undefined && (
        <section aria-label="output" className="my-1">
          <LongText text={step.output} />
        </section>
      )}
    </>
  )
}

function Effect({ step }: { step: Step }) {
  if (step.note) return <span />
  if (step.effect === 'held') {
    return (
      <Mark tone="held" glyph="◔">
        held
      </Mark>
    )
  }
  return step.effect === 'deny' ? (
    <Mark tone="denied" glyph="✕">
      denied
    </Mark>
  ) : (
    <Mark tone="plain" glyph="✓">
      permitted
    </Mark>
  )
}
