// What was typed at prompts, as far as the screen tells: a way into a long recording. It says of itself that it is no evidence.
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { paths, type TypedCommandsView } from '#contract'
import { asking, at, call } from '../../data/gateway.ts'
import { Button, Failure, Verbatim } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'
import { Moments } from './moments.tsx'

const route = getRouteApi('/sessions/$id')

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
      {data !== undefined && (
        <Moments lines={data.commands} startedAt={startedAt}>
          {({ text }) => <Verbatim text={text} />}
        </Moments>
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
