// One person or agent: as their last proof of identity said, and what is theirs at this moment.
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import {
  type LiveEvent,
  type PrincipalDetail,
  paths,
  type RunView,
  type SessionView,
} from '#contract'
import { asking, call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'
import { Facts, Failure, Mark, Time, Verbatim } from '../../ui/parts.tsx'
import { count, many, plain } from '../../ui/text.ts'
import { RequestState } from '../requests/state.tsx'
import { kindOf } from './parts.tsx'
import { Withdraw } from './withdraw.tsx'

const route = getRouteApi('/people/one')
const touches = ({ kind }: LiveEvent): boolean => /^(session|grant|request|login)\./.test(kind)
const AGAIN_MS = 2_000
const LISTED = 10

export function PersonPage() {
  const { id } = route.useSearch()
  useFresh('person', touches, AGAIN_MS)
  const person = useQuery({
    queryKey: ['person', 'one', id],
    queryFn: ({ signal }) => call<PrincipalDetail>(asking(paths.principal, { id }), { signal }),
    placeholderData: () => undefined,
  })
  if (person.data === undefined) {
    return person.error ? (
      <Failure error={person.error} again={() => void person.refetch()} />
    ) : (
      <p className="p-4 text-soft">reading …</p>
    )
  }
  const { data } = person
  return (
    <article className="overflow-auto p-4 w-full">
      <p className="m-0 text-soft">
        <Link to="/people">People and agents</Link>
      </p>
      <h1 className="text-lg font-semibold my-2 wrap-anywhere">
        {kindOf(data)} <Verbatim text={id} />
      </h1>
      {person.error && <Failure error={person.error} again={() => void person.refetch()} />}
      <Facts
        rows={[
          data.name === id ? undefined : ['name', plain(data.name)],
          data.issuer === '' ? undefined : ['issuer', <Verbatim key="i" text={data.issuer} />],
          ['groups', data.groups.length === 0 ? 'none' : <Names key="g" names={data.groups} />],
          data.owners.length === 0 ? undefined : ['owners', <Names key="o" names={data.owners} />],
          data.firstSeen === undefined
            ? undefined
            : ['first seen', <Time key="f" at={data.firstSeen} />],
          [
            'last seen',
            data.lastSeen === undefined ? (
              'never: was only given a right'
            ) : (
              <Time key="l" at={data.lastSeen} />
            ),
          ],
          data.withdrawn === undefined
            ? undefined
            : [
                'identity',
                <span key="w">
                  <Mark tone="denied" glyph="✕">
                    withdrawn
                  </Mark>
                  : refused is what proved it up to <Time at={data.withdrawn} />
                </span>,
              ],
          [
            'live',
            data.live === 0 ? (
              'not connected'
            ) : (
              <Mark key="v" tone="live" glyph="●">
                {many(data.live, 'session')}
              </Mark>
            ),
          ],
        ]}
      />
      <Withdraw key={id} person={data} />
      <div className="grid grid-cols-2 max-lg:grid-cols-1 gap-x-8">
        <Runs id={id} />
        <Sessions id={id} />
        <Holds person={data} />
        <Asked person={data} />
      </div>
    </article>
  )
}

function Names({ names }: { names: readonly string[] }) {
  return (
    <span className="flex flex-wrap gap-x-3">
      {names.map(name => (
        <Verbatim key={name} text={name} />
      ))}
    </span>
  )
}

function Part({
  name,
  none,
  error,
  children,
}: {
  name: string
  /** Said when there is nothing. */
  none: string
  error?: unknown
  children: readonly ReactNode[] | undefined
}) {
  return (
    <section aria-label={name} className="mt-6 min-w-0">
      <h2 className="font-semibold m-0 mb-1">{name}</h2>
      {error ? <Failure error={error} /> : null}
      {children?.length === 0 ? (
        <p className="m-0 text-soft">{none}</p>
      ) : (
        <ul className="list-none m-0 p-0">{children}</ul>
      )}
    </section>
  )
}

function Runs({ id }: { id: string }) {
  const runs = useQuery({
    queryKey: ['person', 'runs', id],
    queryFn: ({ signal }) =>
      call<RunView[]>(asking(paths.runs, { principal: id, limit: LISTED }), { signal }),
    placeholderData: () => undefined,
  })
  return (
    <Part name="Runs" none="No run yet: one begins with the first session." error={runs.error}>
      {runs.data?.map(({ principal, run, lastAt, live, statements, denied, endedAt }) => (
        <li key={`${principal} ${run}`} className="py-0.5">
          <Link to="/run" search={{ principal, run }} className="block truncate font-mono">
            {plain(run)}
          </Link>
          <span className="text-soft">
            {principal !== id && <>for {plain(principal)}, </>}
            {live > 0 ? (
              <Mark tone="live" glyph="●">
                live
              </Mark>
            ) : endedAt === undefined ? (
              <Time at={lastAt} />
            ) : (
              <Mark tone="denied" glyph="✕">
                ended by somebody
              </Mark>
            )}
            , {many(statements, 'statement')}
            <Denied count={denied} />
          </span>
        </li>
      ))}
    </Part>
  )
}

function Denied({ count: value }: { count: number }) {
  if (value === 0) return null
  return (
    <>
      ,{' '}
      <Mark tone="denied" glyph="✕">
        {count(value)} denied
      </Mark>
    </>
  )
}

function Sessions({ id }: { id: string }) {
  const sessions = useQuery({
    queryKey: ['person', 'sessions', id],
    queryFn: ({ signal }) =>
      call<SessionView[]>(asking(paths.sessions, { principal: id, limit: LISTED }), { signal }),
    placeholderData: () => undefined,
  })
  const rows = sessions.data?.map(each => (
    <li key={each.id} className="py-0.5">
      <Link to="/sessions/$id" params={{ id: each.id }} className="block truncate">
        {each.endedAt === undefined && (
          <Mark tone="live" glyph="●">
            live
          </Mark>
        )}{' '}
        {each.actor === undefined ? '' : `by ${plain(each.actor)} `}on {plain(each.resource)}
      </Link>
      <span className="text-soft">
        <Time at={each.startedAt} />, {many(each.statements, 'statement')}
        <Denied count={each.denied} />
      </span>
    </li>
  ))
  const more = sessions.data !== undefined && sessions.data.length >= LISTED
  return (
    <Part name="Sessions" none="No session of their own yet." error={sessions.error}>
      {rows === undefined || !more
        ? rows
        : [
            ...rows,
            <li key="more">
              <Link to="/sessions" search={{ principal: id }}>
                all of them
              </Link>
            </li>,
          ]}
    </Part>
  )
}

function Holds({ person }: { person: PrincipalDetail }) {
  return (
    <Part name="Rights for a time" none="None holds.">
      {person.holds.map(({ id, actions, resource, expiresAt }) => (
        <li key={id} className="py-0.5">
          <Link to="/grants/$id" params={{ id }}>
            {actions.map(plain).join(', ')} on {plain(resource)}
          </Link>{' '}
          <span className="text-soft">
            until <Time at={expiresAt} />
          </span>
        </li>
      ))}
    </Part>
  )
}

function Asked({ person }: { person: PrincipalDetail }) {
  return (
    <Part name="Requests" none="Nothing was asked of a person yet.">
      {person.asked.slice(0, LISTED).map(({ id, kind, state, resource, createdAt }) => (
        <li key={id} className="py-0.5">
          <Link to="/requests/$id" params={{ id }}>
            {kind} on {plain(resource)}
          </Link>{' '}
          <RequestState state={state} />{' '}
          <span className="text-soft">
            <Time at={createdAt} />
          </span>
        </li>
      ))}
    </Part>
  )
}
