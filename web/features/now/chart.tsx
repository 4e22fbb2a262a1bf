// Rates as lines, on their own lazily loaded route part. Two panels, each with its own scale: one denial among ten
// thousand statements is seen. Colours are those of the page, and follow its theme.
import { useEffect, useRef, useState } from 'react'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { count } from '../../ui/text.ts'
import type { RateSteps } from './rate-window.ts'

const HEIGHT = 112
const PANELS = [
  [
    { name: 'permitted', of: 'permitted', color: '--ink' },
    { name: 'masked', of: 'masked', color: '--masked' },
  ],
  [
    { name: 'held', of: 'held', color: '--held' },
    { name: 'denied', of: 'denied', color: '--denied' },
  ],
] as const
type Panel = (typeof PANELS)[number]

export function Chart({ steps }: { steps: RateSteps }) {
  const theme = useTheme()
  const [at, setAt] = useState<number | null>(null)
  return (
    <div>
      <div className="grid grid-cols-2 max-lg:grid-cols-1 gap-x-4">
        {PANELS.map(panel => (
          <Lines key={`${panel[0].name} ${theme}`} panel={panel} steps={steps} onPoint={setAt} />
        ))}
      </div>
      <p className="m-0 h-5 text-soft tabular-nums" aria-hidden="true">
        {at !== null && pointText(steps, at)}
      </p>
    </div>
  )
}

function Lines({
  panel,
  steps,
  onPoint,
}: {
  panel: Panel
  steps: RateSteps
  onPoint: (index: number | null) => void
}) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot>(undefined)
  const latest = useRef(steps)
  latest.current = steps
  useEffect(() => {
    const place = box.current
    if (place === null) return
    const made = new UPlot(
      optionsOf(panel, place.clientWidth, onPoint),
      dataOf(panel, latest.current),
      place,
    )
    plot.current = made
    const resized = new ResizeObserver(() =>
      made.setSize({ width: place.clientWidth, height: HEIGHT }),
    )
    resized.observe(place)
    return () => {
      resized.disconnect()
      made.destroy()
    }
  }, [panel, onPoint])
  useEffect(() => plot.current?.setData(dataOf(panel, steps)), [panel, steps])
  const names = panel.map(({ name }) => name).join(' and ')
  return (
    <div
      ref={box}
      role="img"
      aria-label={`${names}, the last 15 minutes; the numbers are in the table below`}
      className="min-w-0 overflow-hidden"
    />
  )
}

function dataOf(panel: Panel, steps: RateSteps): UPlot.AlignedData {
  return [steps.at.map(each => each / 1_000), ...panel.map(({ of }) => [...steps[of]])]
}

function optionsOf(
  panel: Panel,
  width: number,
  onPoint: (index: number | null) => void,
): UPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const axis = {
    stroke: color('--soft'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: color('--line'), width: 1 },
    ticks: { stroke: color('--line'), width: 1, size: 4 },
  }
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: 'rates' }, points: { size: 5 } },
    // From nothing up, and never a scale that makes one look like many.
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(5, (most ?? 0) * 1.1)] } },
    axes: [
      {
        ...axis,
        size: 24,
        gap: 2,
        values: (_plot, values) => values.map(at => hour.format(at * 1_000)),
      },
      {
        ...axis,
        size: 44,
        incrs: WHOLE,
        values: (_plot, values) => values.map(each => compact.format(each)),
      },
    ],
    series: [
      {},
      ...panel.map(({ name, color: of }) => ({
        label: name,
        stroke: color(of),
        width: 1.5,
        points: { show: false },
        ...(stepped === undefined ? {} : { paths: stepped }),
      })),
    ],
    hooks: { setCursor: [plot => onPoint(plot.cursor.idx ?? null)] },
  }
}

const stepped = UPlot.paths.stepped?.({ align: 1 })
/** A count has no halves. */
const WHOLE = [1, 2, 5]
  .flatMap(each => [0, 1, 2, 3, 4, 5, 6].map(power => each * 10 ** power))
  .sort((a, b) => a - b)
const hour = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})
const compact = new Intl.NumberFormat(undefined, { notation: 'compact' })
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

function pointText(steps: RateSteps, index: number): string {
  const at = steps.at[index]
  if (at === undefined) return ''
  const of = (counts: readonly number[]): string => count(counts[index] ?? 0)
  return `10 s from ${clock.format(at)}: ${of(steps.permitted)} permitted, ${of(steps.masked)} masked, ${of(steps.held)} held, ${of(steps.denied)} denied`
}

/** Changes whenever the page's colours do. */
function useTheme(): number {
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const changed = (): void => setTurn(before => before + 1)
    const chosen = new MutationObserver(changed)
    chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    const system = matchMedia('(prefers-color-scheme: dark)')
    system.addEventListener('change', changed)
    return () => {
      chosen.disconnect()
      system.removeEventListener('change', changed)
    }
  }, [])
  return turn
}
