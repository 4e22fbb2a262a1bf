// One session: what was asked, what was decided, what was seen; as it happens while it lives.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { type LiveEvent, paths, type RecordedEventView, type SessionView } from '#contract'
import { asking, at, call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'
import { Button, Empty, Facts, Failure, Mark, Time, Verbatim } from '../../ui/parts.tsx'
import { bytes, count, many, plain } from '../../ui/text.ts'
import { type Answer, type Step, stepsOf } from './recording.ts'

const route = getRouteApi('/sessions/$id')
const touches = (event: LiveEvent): boolean => event.kind.startsWith('session.')
const WATCHED = ['opened', 'statement', 'answer', 'outcome', 'note', 'closed'] as const

export function SessionPage() {
  const { id } = route.useParams()
  useFresh('session', touches)
  const session = useQuery({
    queryKey: ['session', id],
    queryFn: ({ signal }) => call<SessionView>(at(paths.session, { id }), { signal }),
  })
  if (session.error) return <Failure error={session.error} again={() => void session.refetch()} />
  if (session.data === undefined) return null
  return (
    <article className="overflow-auto p-4 w-full">
      <p className="m-0 text-soft">
        <Link to="/sessions">Sessions</Link> / <code>{id}</code>
      </p>
      <Head session={session.data} />
      <Timeline key={id} session={session.data} />
    </article>
  )
}

function Head({ session }: { session: SessionView }) {
  const client = useQueryClient()
  const [asked, setAsked] = useState(false)
  const live = session.endedAt === undefined
  const end = useMutation({
    mutationFn: () =>
      call<SessionView>(at(paths.endSession, { id: session.id }), { method: 'POST', body: {} }),
    onSuccess: after => client.setQueryData(['session', session.id], after),
  })
  return (
    <>
      <div className="flex flex-wrap gap-4 items-baseline my-2">
        <h1 className="text-lg font-semibold m-0">
          {plain(
            session.actor === undefined
              ? session.principal
              : `${session.actor} for ${session.principal}`,
          )}{' '}
          on {plain(session.resource)}
        </h1>
        {live ? (
          <Mark tone="live" glyph="●">
            live
          </Mark>
        ) : (
          <Mark tone="plain" glyph="–">
            ended: {plain(session.closeReason ?? '')}
          </Mark>
        )}
        {live &&
          (asked ? (
            <span className="flex gap-2">
              <Button look="no" disabled={end.isPending} onClick={() => end.mutate()}>
                End it now
              </Button>
              <Button onClick={() => setAsked(false)}>Let it go on</Button>
            </span>
          ) : (
            <Button onClick={() => setAsked(true)}>End session</Button>
          ))}
      </div>
      {end.error && <Failure error={end.error} />}
      <Facts
        rows={[
          ['run', <code key="r">{plain(session.run)}</code>],
          ['from', `${plain(session.ip)} ${plain(session.client)}`],
          ['began', <Time key="b" at={session.startedAt} />],
          session.endedAt === undefined
            ? undefined
            : ['ended', <Time key="e" at={session.endedAt} />],
          [
            'so far',
            `${many(session.statements, 'statement')}, ${count(session.denied)} denied, ${many(session.rows, 'row')}, ${bytes(session.bytes)}`,
          ],
        ]}
      />
    </>
  )
}

function Timeline({ session }: { session: SessionView }) {
  const recording = useQuery({
    queryKey: ['recording', session.id],
    queryFn: ({ signal }) => wholeRecording(session.id, signal),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: () => undefined,
  })
  const live = useWatch(session.id, session.endedAt === undefined && recording.isSuccess)
  if (recording.error)
    return <Failure error={recording.error} again={() => void recording.refetch()} />
  if (recording.data === undefined) return <p className="text-soft">reading the recording …</p>
  const last = recording.data.at(-1)?.at ?? 0
  const steps = stepsOf([...recording.data, ...live.filter(event => event.at > last)])
  if (steps.length === 0)
    return <Empty title="Nothing was asked yet.">It shows here as it comes.</Empty>
  return (
    <ol className="list-none m-0 mt-4 p-0">
      {steps.map(step => (
        <li key={`${step.entry ?? 'note'} ${step.at}`} className="border-t border-line py-2">
          <Line step={step} startedAt={session.startedAt} />
        </li>
      ))}
    </ol>
  )
}

function Line({ step, startedAt }: { step: Step; startedAt: number }) {
  const seconds = ((step.at - startedAt) / 1_000).toFixed(3)
  const took = step.outcome === undefined ? undefined : step.outcome.at - step.at
  return (
    <div className="grid grid-cols-[5.5rem_6rem_1fr] max-sm:grid-cols-1 gap-x-3">
      <span
        className="text-soft tabular-nums text-right max-sm:text-left"
        title={new Date(step.at).toISOString()}
      >
        {seconds} s
      </span>
      <Effect step={step} />
      <div className="min-w-0">
        {step.note ? (
          <span className="text-soft">{plain(step.text)}</span>
        ) : (
          <Verbatim block text={step.text} />
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
        <div className="text-soft">
          {step.policies.map(plain).join(', ')}
          {step.outcome !== undefined &&
            ` → ${many(step.outcome.rows, 'row')}, ${bytes(step.outcome.bytes)}, ${took} ms`}
          {step.outcome?.error !== undefined && (
            <Mark tone="denied" glyph="✕">
              {plain(step.outcome.error)}
            </Mark>
          )}
        </div>
        {step.answer !== undefined && step.answer.rows.length > 0 && <Rows answer={step.answer} />}
      </div>
    </div>
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

const SHOWN = 20

/** What the principal saw: masked values as they saw them. */
function Rows({ answer }: { answer: Answer }) {
  const [all, setAll] = useState(false)
  const rows = all ? answer.rows : answer.rows.slice(0, SHOWN)
  return (
    <div className="overflow-x-auto my-1">
      <table className="font-mono border-collapse">
        <thead>
          <tr>
            {answer.columns.map((name, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a column's name may stand twice
              <th key={index} className="text-left font-normal text-soft pr-4">
                {plain(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row has no name
            <tr key={index}>
              {row.map((cell, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a cell has no name
                <td key={at} className="pr-4 align-top">
                  <Cell value={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {answer.rows.length > SHOWN && !all && (
        <Button className="mt-1" onClick={() => setAll(true)}>
          {count(answer.rows.length - SHOWN)} more rows
        </Button>
      )}
      {answer.truncated && <p className="text-soft m-0">More came than is kept.</p>}
    </div>
  )
}

/** A mask of the gateway: `⟦m:CLASS⟧`. */
const MASK = /^⟦m:([^⟧]*)⟧$/

function Cell({ value }: { value: string | null }) {
  if (value === null) return <em className="text-soft">NULL</em>
  const masked = MASK.exec(value)?.[1]
  if (masked === undefined) return <Verbatim text={value} />
  return (
    <span title={`masked: ${masked}`}>
      <Mark tone="masked" glyph="▒">
        {plain(masked)}
      </Mark>
    </span>
  )
}

/** All of it: a long recording comes in several answers. */
async function wholeRecording(id: string, signal: AbortSignal): Promise<RecordedEventView[]> {
  const events: RecordedEventView[] = []
  let from = 0
  for (;;) {
    const part = await call<RecordedEventView[]>(asking(at(paths.recording, { id }), { from }), {
      signal,
    })
    const last = part.at(-1)
    if (last?.kind !== 'cut') return [...events, ...part]
    events.push(...part.slice(0, -1))
    from = Number(last['next'])
  }
}

const AGAIN_MS = 2_000

/** What came since, while it lives. A stream that breaks is opened again only when the session still lives. */
function useWatch(id: string, on: boolean): readonly RecordedEventView[] {
  const client = useQueryClient()
  const [events, setEvents] = useState<readonly RecordedEventView[]>([])
  const [attempt, setAttempt] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: an attempt is a reason to open it again
  useEffect(() => {
    if (!on) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const source = new EventSource(at(paths.watch, { id }))
    for (const kind of WATCHED) {
      source.addEventListener(kind, message => {
        const event = JSON.parse(message.data) as RecordedEventView
        setEvents(before => [...before, event])
        if (kind === 'closed') source.close()
      })
    }
    source.addEventListener('error', () => {
      source.close()
      // What was missed is in the recording; whether it still lives, the session says.
      timer = setTimeout(() => {
        void client.invalidateQueries({ queryKey: ['recording', id] })
        void client
          .invalidateQueries({ queryKey: ['session', id] })
          .then(() => setAttempt(before => before + 1))
      }, AGAIN_MS)
    })
    return () => {
      clearTimeout(timer)
      source.close()
    }
  }, [client, id, on, attempt])
  return events
}
