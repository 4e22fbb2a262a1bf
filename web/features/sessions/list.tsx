// Sessions, live ones and those that ended. The filter stands in the address.
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'
import { type LiveEvent, paths, type SessionView, SHORTEST_TEXT } from '#contract'
import { asking, call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'
import { useMay } from '../../data/who.ts'
import { Empty, Failure, Mark, Time } from '../../ui/parts.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { bytes, count, plain } from '../../ui/text.ts'
import { Filters } from './filters.tsx'
import { queryOf } from './search.ts'

const route = getRouteApi('/sessions')
const PAGE = 1_000
/** Pages that are read again when something happens. */
const MOST_FOLLOWED = 2
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
  const client = useQueryClient()
  const audits = useMay('console:audit')
  const query = queryOf(search, SHORTEST_TEXT)
  const key = ['sessions', search]
  const found = useInfiniteQuery({
    queryKey: key,
    enabled: query !== undefined,
    queryFn: ({ pageParam, signal }) =>
      call<SessionView[]>(asking(paths.sessions, { ...query, before: pageParam, limit: PAGE }), {
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    // A hundred pages are not compared row by row because another one came.
    structuralSharing: false,
    getNextPageParam: page => (page.length < PAGE ? undefined : page.at(-1)?.id),
  })
  // To follow what happens all that was read is read again: not when that is much.
  const followed = (found.data?.pages.length ?? 0) <= MOST_FOLLOWED
  useFresh(followed ? 'sessions' : 'nothing of this page', touches)
  const rows = useMemo(() => found.data?.pages.flat() ?? [], [found.data])
  const { hasNextPage, isFetching, fetchNextPage } = found
  const more = useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage()
  }, [hasNextPage, isFetching, fetchNextPage])
  const asked = Object.keys(search).length > 0
  return (
    <>
      <Filters search={search} />
      {query === undefined && (
        <p className="px-4 m-0 text-soft">A text to look for has at least 3 characters.</p>
      )}
      {search.text !== undefined && !audits && (
        <p className="px-4 m-0 text-soft">
          Among your own: the texts of others need console:audit as well.
        </p>
      )}
      {!followed && (
        <p className="px-4 m-0 text-soft">
          So far down the list does not follow what happens.{' '}
          <button
            type="button"
            className="underline"
            onClick={() => void client.resetQueries({ queryKey: key })}
          >
            Begin anew
          </button>
        </p>
      )}
      {found.error && <Failure error={found.error} again={() => void found.refetch()} />}
      {found.data !== undefined && rows.length === 0 ? (
        <Empty title="No session fits.">
          {asked
            ? 'Take a condition away: those on a statement have to be true of one statement.'
            : 'A session appears here when somebody connects through the gateway.'}
        </Empty>
      ) : (
        <Table
          label="sessions"
          rows={rows}
          columns={columns}
          idOf={idOf}
          onOpen={each => void navigate({ to: '/sessions/$id', params: { id: each.id } })}
          onEnd={more}
        />
      )}
    </>
  )
}

const idOf = (each: SessionView): string => each.id
