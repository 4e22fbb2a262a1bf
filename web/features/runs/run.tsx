// One run: everything that one piece of work did, across resources; against its budgets; and its end.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useCallback, useState } from 'react'
import { type LiveEvent, paths, type RunDetail } from '#contract'
import { asking, call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'
import { Button, Facts, Failure, Mark, Time, Verbatim } from '../../ui/parts.tsx'
import { bytes, count, many, plain } from '../../ui/text.ts'
import { Lanes } from './lanes.tsx'

const route = getRouteApi('/run')
const SHOWN = /^(session|statement)\./
const AGAIN_MS = 2_000

export function RunPage() {
  const { principal, run } = route.useSearch()
  const touches = useCallback(
    (event: LiveEvent) => event.principal === principal && SHOWN.test(event.kind),
    [principal],
  )
  useFresh('run', touches, AGAIN_MS)
  const found = useQuery({
    queryKey: ['run', principal, run],
    queryFn: ({ signal }) => call<RunDetail>(asking(paths.run, { principal, run }), { signal }),
    placeholderData: () => undefined,
  })
  const { data } = found
  if (data === undefined) {
    return found.error ? (
      <Failure error={found.error} again={() => void found.refetch()} />
    ) : (
      <p className="p-4 text-soft">reading …</p>
    )
  }
  return (
    <article className="overflow-auto p-4 w-full">
      <p className="m-0 text-soft">
        <Link to="/people">People and agents</Link> /{' '}
        <Link to="/people/one" search={{ id: principal }}>
          {plain(principal)}
        </Link>
      </p>
      {found.error && <Failure error={found.error} again={() => void found.refetch()} />}
      <Head run={data} />
      <Lanes run={data} />
      <Sessions run={data} />
    </article>
  )
}

function Head({ run }: { run: RunDetail }) {
  return (
    <>
      <div className="flex flex-wrap gap-x-4 gap-y-2 items-baseline my-2">
        <h1 className="text-lg font-semibold m-0 wrap-anywhere">
          run <Verbatim text={run.run} />
        </h1>
        <State run={run} />
        {run.mayEnd && <End key={run.run} run={run} />}
      </div>
      <Facts
        rows={[
          ['of', `${run.principalKind === 'agent' ? 'agent ' : ''}${plain(run.principal)}`],
          ['began', <Time key="b" at={run.startedAt} />],
          ['sessions', `${count(run.sessions)}, ${count(run.live)} live`],
          ['statements', <Used key="s" run={run} of="statements" />],
          ['rows', <Used key="r" run={run} of="rows" />],
          ['bytes', <Used key="y" run={run} of="bytes" />],
          [
            'decisions',
            <span key="d" className="flex flex-wrap gap-x-4">
              <Mark tone={run.denied > 0 ? 'denied' : 'plain'} glyph="✕">
                {count(run.denied)} denied
              </Mark>
              <Mark tone={run.held > 0 ? 'held' : 'plain'} glyph="◔">
                {count(run.held)} held
              </Mark>
              <Mark tone={run.masked > 0 ? 'masked' : 'plain'} glyph="▒">
                {many(run.masked, 'answer')} masked
              </Mark>
            </span>,
          ],
          run.more
            ? ['more', 'There were earlier sessions: only the latest are counted here.']
            : undefined,
        ]}
      />
    </>
  )
}

function State({ run }: { run: RunDetail }) {
  if (run.endedAt !== undefined) {
    return (
      <Mark tone="denied" glyph="✕">
        ended by somebody <Time at={run.endedAt} />
      </Mark>
    )
  }
  return run.live > 0 ? (
    <Mark tone="live" glyph="●">
      live
    </Mark>
  ) : (
    <Mark tone="plain" glyph="–">
      no session lives
    </Mark>
  )
}

/** What it used, against each bound that a policy knows. */
function Used({ run, of }: { run: RunDetail; of: 'statements' | 'rows' | 'bytes' }) {
  const say = of === 'bytes' ? bytes : count
  const budgets = run.budgets.filter(each => each.of === of)
  return (
    <span className="flex flex-wrap gap-x-4 items-baseline tabular-nums">
      {say(run[of])}
      {budgets.map(({ policy, bound }) => {
        const used = bound > 0 ? run[of] / bound : 1
        return (
          <span key={`${policy} ${bound}`} className="flex flex-wrap items-baseline gap-x-2">
            <Mark tone={used >= 1 ? 'denied' : 'plain'} glyph={used >= 1 ? '✕' : '◧'}>
              {`${Math.floor(used * 100)} % of ${say(bound)}`}
            </Mark>
            <span className="text-soft">policy {plain(policy)}</span>
          </span>
        )
      })}
    </span>
  )
}

function End({ run }: { run: RunDetail }) {
  const client = useQueryClient()
  const [asked, setAsked] = useState(false)
  const { principal, run: name } = run
  const end = useMutation({
    mutationFn: () =>
      call<RunDetail>(paths.endRun, { method: 'POST', body: { principal, run: name } }),
    onSuccess: after => client.setQueryData(['run', principal, name], after),
  })
  if (!asked) return <Button onClick={() => setAsked(true)}>End run</Button>
  return (
    <span className="flex flex-wrap gap-2 items-baseline">
      <span>
        Ends {many(run.live, 'session')}, and refuses whatever comes in this run's name from now on.
      </span>
      <Button look="no" disabled={end.isPending} onClick={() => end.mutate()}>
        End it now
      </Button>
      <Button onClick={() => setAsked(false)}>Let it go on</Button>
      {end.error && <Failure error={end.error} />}
    </span>
  )
}

function Sessions({ run }: { run: RunDetail }) {
  return (
    <section aria-label="sessions of the run">
      <h2 className="font-semibold m-0 mb-1">Sessions</h2>
      <ul className="list-none m-0 p-0">
        {run.sessionList.toReversed().map(each => (
          <li key={each.id} className="py-0.5 flex flex-wrap gap-x-3">
            <Link to="/sessions/$id" params={{ id: each.id }} className="font-mono">
              {plain(each.id)}
            </Link>
            <span>
              {each.endedAt === undefined ? (
                <Mark tone="live" glyph="●">
                  live
                </Mark>
              ) : (
                <Mark tone="plain" glyph="–">
                  {plain(each.closeReason ?? 'ended')}
                </Mark>
              )}
            </span>
            <span>
              {each.actor !== undefined && `${plain(each.actor)} `}on {plain(each.resource)}
            </span>
            <span className="text-soft">
              <Time at={each.startedAt} />, {many(each.statements, 'statement')},{' '}
              {many(each.rows, 'row')}, {count(each.denied)} denied
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
