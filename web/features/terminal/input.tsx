// What was typed, where it is kept: for auditors, and only when they ask, because asking is on record.
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { paths, type TypedInputView, terminalSchemas } from '#contract'
import { asking, at, call } from '../../data/gateway.ts'
import { useMay } from '../../data/who.ts'
import { Button, Failure, Verbatim } from '../../ui/parts.tsx'
import { Moments } from './moments.tsx'

const route = getRouteApi('/sessions/$id')

/** `entry`: of what runs on this terminal. `startedAt`: of the session. */
export function Input({
  entry,
  startedAt,
  live,
}: {
  entry: number
  startedAt: number
  live: boolean
}) {
  const { id } = route.useParams()
  const may = useMay('console:audit')
  const [open, setOpen] = useState(false)
  const found = useQuery({
    queryKey: ['input', id],
    queryFn: ({ signal }) => wholeInput(id, signal),
    enabled: may && open,
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (!may) return null
  const { data, error, isFetching, refetch } = found
  const lines = terminalSchemas.typedLines(data ?? []).filter(line => line.entry === entry)
  return (
    <details onToggle={event => setOpen(event.currentTarget.open)}>
      <summary className="text-soft">
        what was typed and shown back; reading it is on record
        {data !== undefined && ` (${lines.length})`}
      </summary>
      {error && <Failure error={error} again={() => void refetch()} />}
      {data === undefined && !error && <p className="m-0 text-soft">reading what was typed …</p>}
      {data !== undefined && lines.length === 0 && (
        <p className="m-0 text-soft">
          Nothing that was typed here is kept. <code>recording.input</code> of a resource keeps it.
        </p>
      )}
      <Moments lines={lines} startedAt={startedAt}>
        {({ text }) =>
          text === undefined ? (
            <span className="text-soft">a line that was not shown, and is not kept</span>
          ) : (
            <Verbatim text={text} />
          )
        }
      </Moments>
      {live && data !== undefined && (
        <Button disabled={isFetching} onClick={() => void refetch()}>
          Read again
        </Button>
      )}
    </details>
  )
}

/** Much of it comes in several answers. */
async function wholeInput(id: string, signal: AbortSignal): Promise<TypedInputView['pieces']> {
  const pieces: TypedInputView['pieces'][number][] = []
  for (let from: number | undefined = 0; from !== undefined; ) {
    const part: TypedInputView = await call(asking(at(paths.input, { id }), { from }), { signal })
    pieces.push(...part.pieces)
    from = part.next
  }
  return pieces
}
