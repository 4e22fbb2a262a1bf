// Sessions, live ones and those that ended. The filter stands in the address.
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { type LiveEvent, paths, type SessionView } from '#contract'
import { asking, call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'
import { Empty, Failure, Mark, Time } from '../../ui/parts.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { bytes, count, plain } from '../../ui/text.ts'

const route = getRouteApi('/sessions')
const PAGE = 500
const touches = (event: LiveEvent): boolean => event.kind.startsWith('session.')

const columns: readonly Column<SessionView>[] = [
  {
    name: 'state',
    width: '5rem',
    narrow: '3.75rem',
    cell: each =>
      each.endedAt === undefined ? (
        <Mark tone="live" glyph="●">
          live
        </Mark>
      ) : (
        <Mark tone="plain" glyph="–">
          ended
        </Mark>
      ),
  },
  {
    name: 'who',
    width: 'minmax(8rem, 2fr)',
    narrow: 'minmax(0, 2fr)',
    cell: each =>
      plain(each.actor === undefined ? each.principal : `${each.actor} for ${each.principal}`),
  },
  {
    name: 'resource',
    width: 'minmax(5rem, 1fr)',
    narrow: 'minmax(0, 1fr)',
    cell: each => plain(each.resource),
  },
  {
    name: 'statements',
    width: '6rem',
    wide: true,
    right: true,
    cell: each => count(each.statements),
  },
  {
    name: 'denied',
    width: '5rem',
    right: true,
    wide: true,
    cell: each =>
      each.denied > 0 ? (
        <Mark tone="denied" glyph="✕">
          {count(each.denied)}
        </Mark>
      ) : (
        '0'
      ),
  },
  { name: 'rows', width: '6rem', right: true, wide: true, cell: each => count(each.rows) },
  { name: 'bytes', width: '5rem', right: true, wide: true, cell: each => bytes(each.bytes) },
  {
    name: 'began',
    width: '7rem',
    narrow: '5rem',
    right: true,
    cell: each => <Time at={each.startedAt} />,
  },
]

export function Sessions() {
  const search = route.useSearch()
  const navigate = useNavigate()
  useFresh('sessions', touches)
  const found = useInfiniteQuery({
    queryKey: ['sessions', search],
    queryFn: ({ pageParam, signal }) =>
      call<SessionView[]>(asking(paths.sessions, { ...search, before: pageParam, limit: PAGE }), {
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: page => (page.length < PAGE ? undefined : page.at(-1)?.id),
  })
  const rows = found.data?.pages.flat() ?? []
  const field = (name: 'principal' | 'resource', label: string) => (
    <label className="text-soft">
      {label}{' '}
      <input
        defaultValue={search[name] ?? ''}
        onBlur={event => change(name, event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter') change(name, event.currentTarget.value)
        }}
        className="border border-line bg-transparent text-ink px-2 py-0.5 w-32"
      />
    </label>
  )
  const change = (name: 'principal' | 'resource', value: string): void => {
    const { [name]: _, ...rest } = search
    void navigate({ to: '/sessions', search: value === '' ? rest : { ...rest, [name]: value } })
  }
  return (
    <>
      <div className="flex flex-wrap gap-4 items-baseline px-4 py-3">
        <h1 className="text-lg font-semibold m-0">Sessions</h1>
        {field('principal', 'who')}
        {field('resource', 'resource')}
        <label className="text-soft">
          <input
            type="checkbox"
            checked={search.live === true}
            onChange={event => {
              const { live: _, ...rest } = search
              void navigate({
                to: '/sessions',
                search: event.target.checked ? { ...rest, live: true } : rest,
              })
            }}
          />{' '}
          live only
        </label>
      </div>
      {found.error && <Failure error={found.error} again={() => void found.refetch()} />}
      {found.data !== undefined && rows.length === 0 ? (
        <Empty title="No session fits.">
          A session appears here when somebody connects through the gateway.
        </Empty>
      ) : (
        <Table
          label="sessions"
          rows={rows}
          columns={columns}
          idOf={each => each.id}
          onOpen={each => void navigate({ to: '/sessions/$id', params: { id: each.id } })}
          onEnd={() => {
            if (found.hasNextPage && !found.isFetching) void found.fetchNextPage()
          }}
        />
      )}
    </>
  )
}
