// Lines with their moments, each of which leads there: a long list is drawn in part.
import { getRouteApi, Link } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { Button } from '../../ui/parts.tsx'

const route = getRouteApi('/sessions/$id')
const FIRST = 200
const MORE = 1_000

/** `startedAt`: of the session. */
export function Moments<Line extends { readonly at: number }>({
  lines,
  startedAt,
  children,
}: {
  lines: readonly Line[]
  startedAt: number
  children: (line: Line) => ReactNode
}) {
  const { id } = route.useParams()
  const [shown, setShown] = useState(FIRST)
  return (
    <>
      <ol className="list-none m-0 p-0">
        {lines.slice(0, shown).map((line, index) => {
          const seconds = Math.round(line.at - startedAt) / 1_000
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: the same line may be typed twice in a moment
            <li key={index} className="grid grid-cols-[5.5rem_1fr] gap-x-3">
              <Link
                to="/sessions/$id"
                params={{ id }}
                search={{ at: Math.max(0, seconds) }}
                replace
                className="tabular-nums text-right"
              >
                {seconds.toFixed(3)} s
              </Link>
              {children(line)}
            </li>
          )
        })}
      </ol>
      {lines.length > shown && <Button onClick={() => setShown(shown + MORE)}>More</Button>}
    </>
  )
}
