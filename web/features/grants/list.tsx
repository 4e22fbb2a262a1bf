// Rights for a time, newest first: those in force, or all that there were.
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import type { GrantView } from '#contract'
import { Empty, Failure } from '../../ui/parts.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { count, plain } from '../../ui/text.ts'
import { MOST, useGrants } from './data.ts'
import { State, Until } from './parts.tsx'

const route = getRouteApi('/grants')

const columns: readonly Column<GrantView>[] = [
  { name: 'state', width: '7rem', narrow: '5rem', cell: each => <State grant={each} /> },
  {
    name: 'who',
    width: 'minmax(7rem, 1fr)',
    narrow: 'minmax(0, 1fr)',
    cell: each => plain(each.principal),
  },
  {
    name: 'what',
    width: 'minmax(9rem, 2fr)',
    narrow: 'minmax(0, 1fr)',
    cell: each => `${each.actions.map(plain).join(', ')} on ${plain(each.resource)}`,
  },
  {
    name: 'left',
    width: '7rem',
    narrow: '4.5rem',
    right: true,
    cell: each => <Until grant={each} />,
  },
  { name: 'reason', width: 'minmax(6rem, 2fr)', wide: true, cell: each => plain(each.reason) },
  {
    name: 'given by',
    width: 'minmax(6rem, 1fr)',
    wide: true,
    cell: each => each.approvedBy.map(plain).join(', '),
  },
]

export function Grants() {
  const { ended = false } = route.useSearch()
  const navigate = useNavigate()
  const grants = useGrants(ended)
  return (
    <>
      <div className="flex flex-wrap gap-3 items-baseline px-4 py-3">
        <h1 className="text-lg font-semibold m-0">Grants</h1>
        {[false, true].map(each => (
          <Link
            key={String(each)}
            to="/grants"
            search={each ? { ended: true } : {}}
            className={each === ended ? '' : 'text-soft'}
            aria-current={each === ended ? 'true' : undefined}
          >
            {each ? 'ended too' : 'in force'}
          </Link>
        ))}
        <Link to="/grants/give" className="ml-auto">
          give a right
        </Link>
        <span className="sr-only" aria-live="polite">
          {grants.data?.length ?? 0} grants
        </span>
        {grants.isPending && <span className="text-soft">reading …</span>}
        {grants.data?.length === MOST && (
          <span className="text-soft">the newest {count(MOST)} alone</span>
        )}
      </div>
      {grants.error && <Failure error={grants.error} again={() => void grants.refetch()} />}
      {grants.data?.length === 0 ? (
        <Empty
          title={ended ? 'No right was given for a time yet.' : 'No right for a time is in force.'}
        >
          Who may approve on a resource gives one to somebody else:{' '}
          <Link to="/grants/give">give a right</Link>.
        </Empty>
      ) : (
        grants.data !== undefined && (
          <Table
            label="grants"
            rows={grants.data}
            columns={columns}
            idOf={each => each.id}
            onOpen={each => void navigate({ to: '/grants/$id', params: { id: each.id } })}
          />
        )
      )}
    </>
  )
}
