// People and agents: who is or was here. The search stands in the address.
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { type KnownPrincipalView, type LiveEvent, type PrincipalPage, paths } from '#contract'
import { asking, call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'
import { Empty, Failure, Mark, Time } from '../../ui/parts.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { count, plain } from '../../ui/text.ts'
import { kindOf, Named } from './parts.tsx'

const route = getRouteApi('/people')
const touches = ({ kind }: LiveEvent): boolean => /^(session|grant|request|login)\./.test(kind)
const AGAIN_MS = 2_000
const TYPED_MS = 200

const columns: readonly Column<KnownPrincipalView>[] = [
  { name: 'kind', width: '6rem', narrow: '3.5rem', cell: kindOf },
  {
    name: 'who',
    width: 'minmax(9rem, 2fr)',
    narrow: 'minmax(0, 1fr)',
    cell: each => <Named {...each} />,
  },
  {
    name: 'groups',
    width: 'minmax(6rem, 2fr)',
    wide: true,
    cell: ({ groups }) => groups.map(plain).join(', '),
  },
  {
    name: 'live',
    width: '4rem',
    narrow: '2.5rem',
    right: true,
    cell: ({ live }) =>
      live > 0 && (
        <Mark tone="live" glyph="●">
          {count(live)}
        </Mark>
      ),
  },
  {
    name: 'grants',
    width: '4.5rem',
    wide: true,
    right: true,
    cell: ({ grants }) => (grants > 0 ? count(grants) : ''),
  },
  {
    name: 'waits',
    width: '4rem',
    wide: true,
    right: true,
    cell: ({ pending }) =>
      pending > 0 && (
        <Mark tone="held" glyph="◔">
          {count(pending)}
        </Mark>
      ),
  },
  {
    name: 'last seen',
    width: '8rem',
    narrow: '5.5rem',
    right: true,
    cell: ({ lastSeen }) => (lastSeen === undefined ? 'never' : <Time at={lastSeen} />),
  },
]

export function People() {
  const { search, kind } = route.useSearch()
  const navigate = useNavigate()
  useFresh('people', touches, AGAIN_MS)
  const found = useInfiniteQuery({
    queryKey: ['people', search, kind],
    queryFn: ({ signal, pageParam }) =>
      call<PrincipalPage>(asking(paths.principals, { search, kind, after: pageParam }), { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: last => last.next,
  })
  const rows = found.data?.pages.flatMap(({ principals }) => principals) ?? []
  const filtered = search !== undefined || kind !== undefined
  return (
    <>
      <div className="flex flex-wrap gap-x-4 gap-y-2 items-baseline px-4 py-3">
        <h1 className="text-lg font-semibold m-0">People and agents</h1>
        <Search key={String(kind)} />
        <label className="text-soft">
          kind{' '}
          <select
            value={kind ?? ''}
            className="border border-line bg-paper text-ink"
            onChange={event => {
              const next = event.target.value
              void navigate({
                to: '/people',
                search: {
                  ...(search === undefined ? {} : { search }),
                  ...(next === 'user' || next === 'agent' ? { kind: next } : {}),
                },
                replace: true,
              })
            }}
          >
            <option value="">all</option>
            <option value="user">people</option>
            <option value="agent">agents</option>
          </select>
        </label>
        <span className="text-soft" aria-live="polite">
          {found.data !== undefined &&
            `${count(rows.length)}${found.hasNextPage ? ' and more' : ''}`}
        </span>
      </div>
      {found.error && <Failure error={found.error} again={() => void found.refetch()} />}
      {found.data === undefined && !found.error && <p className="px-4 text-soft">reading …</p>}
      {found.data !== undefined && rows.length === 0 ? (
        <Empty title={filtered ? 'Nobody fits.' : 'Nobody was here yet.'}>
          {filtered
            ? 'Part of an id or of a name is enough.'
            : 'Whoever proves an identity to the gateway appears here.'}
        </Empty>
      ) : (
        found.data !== undefined && (
          <Table
            label="people and agents"
            rows={rows}
            columns={columns}
            idOf={each => each.id}
            onOpen={({ id }) => void navigate({ to: '/people/one', search: { id } })}
            onEnd={() => {
              if (found.hasNextPage && !found.isFetching) void found.fetchNextPage()
            }}
          />
        )
      )}
    </>
  )
}

/** What is typed goes into the address a moment later. */
function Search() {
  const { search = '', kind } = route.useSearch()
  const navigate = useNavigate()
  const [typed, setTyped] = useState(search)
  useEffect(() => {
    if (typed === search) return
    const timer = setTimeout(() => {
      void navigate({
        to: '/people',
        search: {
          ...(typed === '' ? {} : { search: typed }),
          ...(kind === undefined ? {} : { kind }),
        },
        replace: true,
      })
    }, TYPED_MS)
    return () => clearTimeout(timer)
  }, [typed, search, kind, navigate])
  return (
    <label className="text-soft">
      find{' '}
      <input
        type="search"
        value={typed}
        maxLength={200}
        className="border border-line bg-paper text-ink px-2 py-0.5 font-mono"
        onChange={event => setTyped(event.target.value)}
      />
    </label>
  )
}
