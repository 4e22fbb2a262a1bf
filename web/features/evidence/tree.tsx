// The log as the tree that it is. Each row is one level, up to 256 places: below, the newest entries; above, full tiles
// of 256 of the row below. What stands in a row is drawn as the perfect subtrees that it makes; their tips are what
// the root is hashed from, along the line at the right edge.
import { count, many } from '../../ui/text.ts'
import { edgesOf, subtreesOf, TILE_WIDTH } from './verifier/index.ts'

const TOP = 4
const BOTTOM = 40
/** A row that is nearly empty is drawn larger. */
const WIDTHS = [16, 64, TILE_WIDTH] as const

export function Tree({ size, total }: { size: number; total: number }) {
  const rows = rowsOf(size)
  const unsigned = Math.max(0, total - size)
  return (
    <figure
      className="m-0 max-w-4xl"
      aria-label={`The tree: ${described(size)}${unsigned > 0 ? `, and ${count(unsigned)} not signed yet` : ''}`}
    >
      <div className="flex justify-end pr-0">
        <span className="border-r-2 border-ink pr-2 pb-1">
          signed head over {many(size, 'entry', 'entries')}{' '}
          <span aria-hidden="true" className="text-base">
            ◆
          </span>
        </span>
      </div>
      {rows.map(({ level, width }) => (
        <Row
          key={level}
          level={level}
          width={width}
          unsigned={level === 0 ? Math.min(unsigned, TILE_WIDTH - width) : 0}
          last={level === 0}
        />
      ))}
      {unsigned > 0 && (
        <figcaption className="text-soft pt-1">
          {many(unsigned, 'entry', 'entries')} came since, dashed here: a head is signed each
          second.
        </figcaption>
      )}
    </figure>
  )
}

/** Highest level first; the row of the newest entries is always there. */
function rowsOf(size: number): readonly { readonly level: number; readonly width: number }[] {
  const widths = new Map(edgesOf(size).map(({ level, width }) => [level, width]))
  const top = Math.max(0, ...widths.keys())
  return Array.from({ length: top + 1 }, (_, at) => ({
    level: top - at,
    width: widths.get(top - at) ?? 0,
  }))
}

function named(level: number, width: number): string {
  return level === 0
    ? many(width, 'newest entry', 'newest entries')
    : `${many(width, 'full tile')} of ${count(TILE_WIDTH ** level)} entries`
}

function described(size: number): string {
  return rowsOf(size)
    .filter(({ width }) => width > 0)
    .map(({ level, width }) => named(level, width))
    .join(', ')
}

function Row({
  level,
  width,
  unsigned,
  last,
}: {
  level: number
  width: number
  unsigned: number
  last: boolean
}) {
  const places = WIDTHS.find(each => width + unsigned <= each) ?? TILE_WIDTH
  let from = 0
  const subtrees = subtreesOf(width).map(run => {
    from += run
    return { from: from - run, run }
  })
  return (
    <div className={last ? '' : 'border-r-2 border-ink'}>
      <svg
        viewBox={`0 0 ${places} ${BOTTOM}`}
        preserveAspectRatio="none"
        className={`block w-full h-16 ${last && width > 0 ? 'border-r-2 border-ink' : ''}`}
        aria-hidden="true"
      >
        <line
          className="stroke-line"
          vectorEffect="non-scaling-stroke"
          x1="0"
          x2={places}
          y1={BOTTOM}
          y2={BOTTOM}
        />
        {subtrees.map(({ from: at, run }) => (
          <Subtree key={at} from={at} run={run} places={places} />
        ))}
        {unsigned > 0 && (
          <rect
            className="fill-none stroke-soft"
            strokeDasharray="3 3"
            vectorEffect="non-scaling-stroke"
            x={width}
            y={BOTTOM - 6}
            width={unsigned}
            height={6}
          />
        )}
      </svg>
      <p className="m-0 pt-0.5 pb-2 text-soft">
        {named(level, width)}
        {subtrees.length > 1 && (
          <>
            {' '}
            = <span className="font-mono">{subtrees.map(({ run }) => run).join(' + ')}</span>
          </>
        )}
      </p>
    </div>
  )
}

/** A perfect subtree over `run` places, and the line from its tip to the right edge. */
function Subtree({ from, run, places }: { from: number; run: number; places: number }) {
  const tip = BOTTOM - ((Math.log2(run) + 1) / (Math.log2(places) + 1)) * (BOTTOM - TOP)
  const middle = from + run / 2
  return (
    <g>
      <polygon
        className="fill-raised stroke-ink"
        vectorEffect="non-scaling-stroke"
        points={`${from},${BOTTOM} ${middle},${tip} ${from + run},${BOTTOM}`}
      />
      <line
        className="stroke-soft"
        vectorEffect="non-scaling-stroke"
        x1={middle}
        x2={places}
        y1={tip}
        y2={tip}
      />
    </g>
  )
}
