// One session: what was asked, what was decided, what was seen; as it happens while it lives, and again as it was.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { type RefObject, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { type LiveEvent, paths, type SessionView } from '#contract'
import { at, call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'
import { late } from '../../ui/late.ts'
import { Button, Empty, Facts, Failure, Mark, Time } from '../../ui/parts.tsx'
import { bytes, count, many, plain } from '../../ui/text.ts'
import { clockOf, type Moment } from './clock.ts'
import { useKeys } from './keys.ts'
import { usePlayer } from './player.ts'
import { type Step, stepsOf } from './recording.ts'
import { Steps } from './steps.tsx'
import { Timeline } from './timeline.tsx'
import { useWatch, wholeRecording } from './watch.ts'

const Meanwhile = late(async () => (await import('../terminal/terminal.tsx')).Meanwhile)

const route = getRouteApi('/sessions/$id')
/** So much takes a while to come. */
const LONG_BYTES = 8 * 1024 * 1024
const touches = (event: LiveEvent): boolean => event.kind.startsWith('session.')
export function SessionPage() {
  const { id } = route.useParams()
  const scroller = useRef<HTMLElement>(null)
  useFresh('session', touches)
  const session = useQuery({
    queryKey: ['session', id],
    queryFn: ({ signal }) => call<SessionView>(at(paths.session, { id }), { signal }),
  })
  if (session.error) return <Failure error={session.error} again={() => void session.refetch()} />
  if (session.data === undefined) return null
  return (
    <article ref={scroller} className="overflow-auto p-4 pt-0 w-full relative">
      <p className="m-0 pt-4 text-soft">
        <Link to="/sessions">Sessions</Link> / <code>{plain(id)}</code>
      </p>
      <Head session={session.data} />
      <Replay key={id} session={session.data} scroller={scroller} />
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
          [
            'run',
            <Link key="r" to="/run" search={{ principal: session.principal, run: session.run }}>
              <code>{plain(session.run)}</code>
            </Link>,
          ],
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

function Replay({
  session,
  scroller,
}: {
  session: SessionView
  scroller: RefObject<HTMLElement | null>
}) {
  const { at: address } = route.useSearch()
  const watched = useWatch(session.id, session.endedAt === undefined)
  const recording = useQuery({
    queryKey: ['recording', session.id],
    queryFn: ({ signal }) => wholeRecording(session.id, signal),
    // What lives is watched first and read then: nothing falls between the two.
    enabled: session.endedAt !== undefined || watched.open,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: () => undefined,
  })
  const { data, isFetching, refetch } = recording
  const live = useMemo(
    () => watched.events.filter(({ number }) => number >= (data?.length ?? 0)),
    [watched.events, data],
  )
  const missed = data !== undefined && (live[0]?.number ?? data.length) > data.length
  useEffect(() => {
    if (missed && !isFetching) void refetch()
  }, [missed, isFetching, refetch])
  const steps = useMemo(
    () => stepsOf([...(data ?? []), ...(missed ? [] : live.map(({ event }) => event))]),
    [data, live, missed],
  )
  if (recording.error)
    return <Failure error={recording.error} again={() => void recording.refetch()} />
  if (recording.data === undefined)
    return (
      <>
        <p className="text-soft">reading the recording …</p>
        {address !== undefined && session.bytes > LONG_BYTES && (
          <Suspense>
            <Meanwhile id={session.id} seconds={address} />
          </Suspense>
        )}
      </>
    )
  if (steps.length === 0)
    return <Empty title="Nothing was asked yet.">It shows here as it comes.</Empty>
  return <Played session={session} steps={steps} scroller={scroller} />
}

function Played({
  session,
  steps,
  scroller,
}: {
  session: SessionView
  steps: readonly Step[]
  scroller: RefObject<HTMLElement | null>
}) {
  const from = session.startedAt
  const moments = useMemo(() => momentsOf(steps), [steps])
  const clock = useMemo(() => clockOf(moments, from), [moments, from])
  const { at: address } = route.useSearch()
  const navigate = useNavigate()
  const toAddress = useCallback(
    (seconds: number | undefined) =>
      void navigate({
        to: '/sessions/$id',
        params: { id: session.id },
        search: seconds === undefined ? {} : { at: seconds },
        replace: true,
      }),
    [navigate, session.id],
  )
  const player = usePlayer(steps, moments, clock, address, from, toAddress)
  useKeys(player)
  const replaying = player.played !== undefined
  const shown = useMemo(
    () => (replaying ? steps.slice(0, player.current + 1) : steps),
    [steps, replaying, player.current],
  )
  return (
    <>
      <Timeline
        steps={steps}
        clock={clock}
        player={player}
        from={from}
        frames={steps.some(({ terminal }) => terminal !== undefined)}
      />
      {shown.length === 0 && <p className="text-soft">Nothing was asked until here.</p>}
      <Steps
        steps={shown}
        startedAt={from}
        time={player.time}
        follow={replaying}
        live={session.endedAt === undefined}
        scroller={scroller}
      />
    </>
  )
}

/** All that changes what is seen, in order. */
function momentsOf(steps: readonly Step[]): readonly Moment[] {
  const moments = steps.flatMap((step): Moment[] =>
    step.terminal === undefined
      ? [step]
      : [
          { at: step.at, until: step.at },
          ...step.terminal.map(({ at }) => ({ at, until: at })),
          { at: step.until, until: step.until },
        ],
  )
  return moments.sort((a, b) => a.at - b.at)
}
