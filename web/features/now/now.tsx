// What is going on at this moment: how much, what waits for a person, who is connected, and each statement as it comes.
import { getRouteApi, Link } from '@tanstack/react-router'
import { type ReactNode, Suspense } from 'react'
import type { NowView } from '#contract'
import { useLiveState } from '../../data/live.ts'
import { late } from '../../ui/late.ts'
import { Empty, Failure, Mark, Time } from '../../ui/parts.tsx'
import { count, many, plain } from '../../ui/text.ts'
import { useNowPage } from './data.ts'
import { byMinute, type RateSteps, sum } from './rate-window.ts'
import { Stream } from './stream.tsx'

const Chart = late(async () => (await import('./chart.tsx')).Chart)
const route = getRouteApi('/now')
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })

export function Now() {
  const { show = 'all' } = route.useSearch()
  const { found, statements, rates } = useNowPage()
  const live = useLiveState()
  const { data } = found
  if (data === undefined) {
    if (found.error) return <Failure error={found.error} again={() => void found.refetch()} />
    return <p className="p-4 text-soft">looking …</p>
  }
  return (
    <div className="flex flex-col flex-1 min-h-0 max-lg:overflow-auto">
      <div className="px-4 pt-3">
        <h1 className="text-lg font-semibold m-0 sr-only">Now</h1>
        {live === 'lost' && (
          <p className="m-0 text-denied">
            Not live: this is how it was at {clock.format(rates.at.at(-1))}. Connecting again.
          </p>
        )}
        {found.error && <Failure error={found.error} again={() => void found.refetch()} />}
        <Figures now={data} rates={rates} />
        <Rates rates={rates} />
      </div>
      <div className="flex flex-1 min-h-0 max-lg:flex-col max-lg:flex-none border-t border-line">
        <Stream statements={statements} show={show} />
        <aside className="w-80 max-lg:w-auto border-l max-lg:border-l-0 max-lg:border-t border-line overflow-auto p-4 flex flex-col gap-6">
          <Waiting now={data} />
          <Sessions now={data} />
        </aside>
      </div>
    </div>
  )
}

function Figures({ now, rates }: { now: NowView; rates: RateSteps }) {
  // The step that is over: the last one still fills.
  const perSecond = (rates.permitted.at(-2) ?? 0) + (rates.denied.at(-2) ?? 0)
  const rate = perSecond / 10
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-2 m-0">
      <Figure name="sessions">
        <Link to="/sessions" search={{ live: true }}>
          <Mark tone={now.live > 0 ? 'live' : 'plain'} glyph={now.live > 0 ? '●' : '○'}>
            <span className="ml-1">{count(now.live)}</span>
          </Mark>
        </Link>
      </Figure>
      <Figure name="statements a second">
        {rate > 0 && rate < 1 ? '< 1' : count(Math.round(rate))}
      </Figure>
      <Figure name="wait for a person">
        <Link to="/requests">
          <Mark tone={now.waiting > 0 ? 'held' : 'plain'} glyph="◔">
            <span className="ml-1">{count(now.waiting)}</span>
          </Mark>
        </Link>
      </Figure>
      <Figure name="denied in 15 minutes">
        <Link to="/now" search={{ show: 'denied' }}>
          <Mark tone={sum(rates.denied) > 0 ? 'denied' : 'plain'} glyph="✕">
            <span className="ml-1">{count(sum(rates.denied))}</span>
          </Mark>
        </Link>
      </Figure>
      <Figure name="answers masked in 15 minutes">
        <Link to="/now" search={{ show: 'masked' }}>
          <Mark tone={sum(rates.masked) > 0 ? 'masked' : 'plain'} glyph="▒">
            <span className="ml-1">{count(sum(rates.masked))}</span>
          </Mark>
        </Link>
      </Figure>
    </dl>
  )
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex flex-col-reverse">
      <dt className="text-soft">{name}</dt>
      <dd className="m-0 text-lg font-semibold tabular-nums">{children}</dd>
    </div>
  )
}

function Rates({ rates }: { rates: RateSteps }) {
  return (
    <section aria-label="rates" className="my-2">
      <p className="m-0 flex flex-wrap gap-x-4 text-soft">
        <span>statements in each 10 seconds:</span>
        <Mark tone="plain" glyph="━">
          permitted
        </Mark>
        <Mark tone="masked" glyph="━">
          masked
        </Mark>
        <Mark tone="held" glyph="━">
          held
        </Mark>
        <Mark tone="denied" glyph="━">
          denied
        </Mark>
      </p>
      <Suspense fallback={<div className="h-33 text-soft">drawing …</div>}>
        <Chart steps={rates} />
      </Suspense>
      <details>
        <summary className="text-soft">the numbers, by the minute</summary>
        <div className="overflow-auto max-h-60">
          <table className="border-collapse tabular-nums my-1">
            <thead>
              <tr>
                {['from', 'permitted', 'masked', 'held', 'denied'].map(name => (
                  <th key={name} scope="col" className="text-right font-normal text-soft pr-4">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {byMinute(rates).map(({ at, counts: [permitted, held, denied, masked] }) => (
                <tr key={at}>
                  <th scope="row" className="text-right font-normal pr-4">
                    {clock.format(at)}
                  </th>
                  {[permitted, masked, held, denied].map((value, index) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: a cell's name is its column
                    <td key={index} className="text-right pr-4">
                      {count(value)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </section>
  )
}

function Waiting({ now }: { now: NowView }) {
  return (
    <section aria-label="waiting for a person">
      <h2 className="font-semibold m-0 mb-1">Waiting for a person</h2>
      {now.held.length === 0 ? (
        <p className="m-0 text-soft">Nothing waits.</p>
      ) : (
        <ul className="list-none m-0 p-0" aria-live="polite">
          {now.held.slice(0, 10).map(({ id, principal, resource, verbs, kind, createdAt }) => (
            <li key={id} className="py-0.5">
              <Link to="/requests/$id" params={{ id }} className="block truncate">
                <Mark tone="held" glyph="◔">
                  {plain(principal)}
                </Mark>{' '}
                {kind === 'statement' ? plain(verbs.join(', ')) : kind} on {plain(resource)}
              </Link>
              <span className="text-soft pl-4">
                <Time at={createdAt} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {now.waiting > 10 && <Link to="/requests">all {count(now.waiting)}</Link>}
    </section>
  )
}

const LISTED = 30

function Sessions({ now }: { now: NowView }) {
  return (
    <section aria-label="live sessions">
      <h2 className="font-semibold m-0 mb-1">Live sessions</h2>
      {now.sessions.length === 0 ? (
        <Empty title="Nobody is connected.">
          <Link to="/resources">How to connect</Link>
        </Empty>
      ) : (
        <ul className="list-none m-0 p-0">
          {now.sessions.slice(0, LISTED).map(each => (
            <li key={each.id} className="py-0.5">
              <Link to="/sessions/$id" params={{ id: each.id }} className="block truncate">
                {plain(
                  each.actor === undefined ? each.principal : `${each.actor} for ${each.principal}`,
                )}{' '}
                on {plain(each.resource)}
              </Link>
              <span className="text-soft">
                <Time at={each.startedAt} />, {many(each.statements, 'statement')}
                {each.denied > 0 && (
                  <>
                    ,{' '}
                    <Mark tone="denied" glyph="✕">
                      {count(each.denied)} denied
                    </Mark>
                  </>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
      {now.live > LISTED && (
        <Link to="/sessions" search={{ live: true }}>
          all {count(now.live)}
        </Link>
      )}
    </section>
  )
}
