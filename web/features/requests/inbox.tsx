// What waits for a person, newest first; and what was decided.
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { type AccessRequestView, type LiveEvent, paths } from '#contract'
import { asking, call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'
import { Countdown, Empty, Failure, Time, Verbatim } from '../../ui/parts.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { plain } from '../../ui/text.ts'
import { StateOf, who } from './state.tsx'

const route = getRouteApi('/requests')
const touches = (event: LiveEvent): boolean => event.request !== undefined

const columns: readonly Column<AccessRequestView>[] = [
  {
    name: 'state',
    width: '8rem',
    narrow: '4.25rem',
    cell: each => <StateOf request={each} />,
  },
  {
    name: 'statement',
    width: 'minmax(10rem, 3fr)',
    narrow: 'minmax(0, 2fr)',
    cell: each => <Verbatim text={plain(each.statement)} />,
  },
  {
    name: 'who',
    width: 'minmax(7rem, 1fr)',
    narrow: 'minmax(0, 1fr)',
    cell: each => plain(who(each)),
  },
  { name: 'resource', width: 'minmax(5rem, 8rem)', wide: true, cell: each => plain(each.resource) },
  {
    name: 'left',
    width: '5rem',
    narrow: '3.5rem',
    right: true,
    cell: each => (each.state === 'pending' ? <Countdown until={each.expiresAt} /> : ''),
  },
  {
    name: 'asked',
    width: '6rem',
    wide: true,
    right: true,
    cell: each => <Time at={each.createdAt} />,
  },
]

/** Where all rows wait, a phone has no room to say so in each. */
const waiting = columns.map(each => (each.name === 'state' ? { ...each, wide: true } : each))

export function Inbox() {
  const { state = 'pending' } = route.useSearch()
  const navigate = useNavigate()
  useFresh('requests', touches)
  const requests = useQuery({
    queryKey: ['requests', state],
    queryFn: ({ signal }) =>
      call<AccessRequestView[]>(
        asking(paths.requests, { state: state === 'all' ? undefined : state, limit: 500 }),
        { signal },
      ),
  })
  return (
    <>
      <div className="flex gap-3 items-baseline px-4 py-3">
        <h1 className="text-lg font-semibold m-0">Requests</h1>
        {['pending', 'all'].map(each => (
          <Link
            key={each}
            to="/requests"
            search={each === 'pending' ? {} : { state: each }}
            className={each === state ? '' : 'text-soft'}
            aria-current={each === state ? 'true' : undefined}
          >
            {each === 'pending' ? 'waiting' : each}
          </Link>
        ))}
        <Link to="/requests/ask" className="ml-auto">
          ask for time
        </Link>
        <span className="sr-only" aria-live="polite">
          {requests.data?.length ?? 0} requests
        </span>
      </div>
      {requests.error && <Failure error={requests.error} again={() => void requests.refetch()} />}
      {requests.data?.length === 0 ? (
        <Empty
          title={state === 'pending' ? 'Nothing waits for a person.' : 'No request was made yet.'}
        >
          A statement that a policy holds appears here the moment it is held, and so does who asks
          for a right for a time, or broke the glass.
        </Empty>
      ) : (
        <Table
          label="requests"
          rows={requests.data ?? []}
          columns={state === 'pending' ? waiting : columns}
          idOf={each => each.id}
          onOpen={each => void navigate({ to: '/requests/$id', params: { id: each.id } })}
        />
      )}
    </>
  )
}
