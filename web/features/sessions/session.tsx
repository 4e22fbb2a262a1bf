// One session: what was asked, what was decided, what was seen; as it happens while it lives, and again as it was.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { type LiveEvent, paths, type RecordedEventView, type SessionView } from '#contract'
import { asking, at, call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'
import { Button, Empty, Facts, Failure, Mark, Time } from '../../ui/parts.tsx'
import { bytes, count, many, plain } from '../../ui/text.ts'
import { clockOf } from './clock.ts'
import { type Player, usePlayer } from './player.ts'
import { type Step, stepsOf } from './recording.ts'
import { Steps } from './steps.tsx'
import { Timeline } from './timeline.tsx'

const route = getRouteApi('/sessions/$id')
const touches = (event: LiveEvent): boolean => event.kind.startsWith('session.')
const WATCHED = ['opened', 'statement', 'answer', 'output', 'outcome', 'note', 'closed'] as const

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
  const recording = useQuery({
    queryKey: ['recording', session.id],
    queryFn: ({ signal }) => wholeRecording(session.id, signal),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: () => undefined,
  })
  const live = useWatch(session.id, session.endedAt === undefined && recording.isSuccess)
  const steps = useMemo(() => {
    const last = recording.data?.at(-1)?.at ?? 0
    return stepsOf([...(recording.data ?? []), ...live.filter(event => event.at > last)])
  }, [recording.data, live])
  if (recording.error)
    return <Failure error={recording.error} again={() => void recording.refetch()} />
  if (recording.data === undefined) return <p className="text-soft">reading the recording …</p>
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
  const clock = useMemo(() => clockOf(steps, from), [steps, from])
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
  const player = usePlayer(steps, clock, address, from, toAddress)
  useKeys(player)
  const replaying = player.played !== undefined
  const shown = useMemo(
    () => (replaying ? steps.slice(0, player.current + 1) : steps),
    [steps, replaying, player.current],
  )
  return (
    <>
      <Timeline steps={steps} clock={clock} player={player} from={from} />
      {shown.length === 0 && <p className="text-soft">Nothing was asked until here.</p>}
      <Steps
        steps={shown}
        startedAt={from}
        time={player.time}
        follow={replaying}
        scroller={scroller}
      />
    </>
  )
}

/** Of the player, wherever the focus is but where something is typed or pressed. */
function useKeys(player: Player): void {
  const held = useRef(player)
  held.current = player
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const target = event.target instanceof Element ? event.target : undefined
      // Some keyboards have the brackets behind two of these.
      const modified = event.ctrlKey || event.metaKey || event.altKey
      if (modified && event.key !== '[' && event.key !== ']') return
      if (target?.closest('input, textarea, select, a') != null) return
      if (event.key === ' ' && target?.closest('button') != null) return
      const { toggle, step, jump } = held.current
      if (event.key === ' ') toggle()
      else if (event.key === '[') step(-1)
      else if (event.key === ']') step(1)
      else if (event.key === 'ArrowLeft') jump(-1)
      else if (event.key === 'ArrowRight') jump(1)
      else return
      event.preventDefault()
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [])
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
