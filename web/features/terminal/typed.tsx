// What was typed at prompts, as far as the screen tells: a way into a long recording. It says of itself that it is no evidence.
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { paths, type TypedCommandsView } from '#contract'
import { asking, at, call } from '../../data/gateway.ts'
import { Button, Failure, Verbatim } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'

const route = getRouteApi('/sessions/$id')
const FIRST = 200

/** `startedAt`: of the session. */
export function Typed({
  entry,
  startedAt,
  live,
}: {
  entry: number
  startedAt: number
  live: boolean
}) {
  const { id } = route.useParams()
  const [open, setOpen] = useState(false)
  const [shown, setShown] = useState(FIRST)
  const found = useQuery({
    queryKey: ['typed', id, entry],
    queryFn: ({ signal }) =>
      call<TypedCommandsView>(asking(at(paths.typedCommands, { id }), { entry }), { signal }),
    enabled: open,
    staleTime: Number.POSITIVE_INFINITY,
  })
  const { data, error, isFetching, refetch } = found
  return (
    <details onToggle={event => setOpen(event.currentTarget.open)}>
      <summary className="text-soft">
        commands, as read from the screen; not evidence
        {data !== undefined && ` (${data.commands.length})`}
      </summary>
      {error && <Failure error={error} again={() => void refetch()} />}
      {data === undefined && !error && <p className="m-0 text-soft">reading the screen …</p>}
      {data?.commands.length === 0 && (
        <p className="m-0 text-soft">
          No line that was typed at a prompt was seen. Scripts, editors and what has no echo are not
          here.
        </p>
      )}
      <ol className="list-none m-0 p-0">
        {data?.commands.slice(0, shown).map((each, index) => {
          const seconds = Math.round(each.at - startedAt) / 1_000
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
              <Verbatim text={each.text} />
            </li>
          )
        })}
      </ol>
      {data !== undefined && data.commands.length > shown && (
        <Button onClick={() => setShown(shown + 1_000)}>More</Button>
      )}
      {data?.cut && <p className="m-0 text-soft">There is more than was read.</p>}
      {live && data !== undefined && (
        <Button disabled={isFetching} onClick={() => void refetch()}>
          Read again
        </Button>
      )}
      {data !== undefined && <p className="sr-only">{plain(data.about)}</p>}
    </details>
  )
}
