// Who changed the policies, and when. What is shown is what the gateway keeps; the evidence is its log.
import { Link, useNavigate } from '@tanstack/react-router'
import type { PolicyVersionView } from '#contract'
import { Empty, Failure, Time } from '../../ui/parts.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { count, plain } from '../../ui/text.ts'
import { authorOf } from './author.tsx'
import { MOST_VERSIONS, useVersions } from './data.ts'

const columns: readonly Column<PolicyVersionView>[] = [
  { name: '#', width: '4rem', narrow: '2.5rem', right: true, cell: each => count(each.id) },
  { name: 'when', width: '7rem', narrow: '5.5rem', cell: each => <Time at={each.at} /> },
  { name: 'who', width: 'minmax(7rem, 1fr)', narrow: 'minmax(0, 1fr)', cell: authorOf },
  { name: 'why', width: 'minmax(7rem, 2fr)', wide: true, cell: each => plain(each.note) },
  {
    name: 'files',
    width: 'minmax(6rem, 2fr)',
    narrow: 'minmax(0, 1fr)',
    cell: each => each.changed.map(plain).join(', '),
  },
]

export function PolicyHistory() {
  const navigate = useNavigate()
  const versions = useVersions()
  return (
    <>
      <div className="flex flex-wrap gap-4 items-baseline px-4 py-3">
        <h1 className="text-lg font-semibold m-0">
          <Link to="/policies">Policies</Link> / who changed what
        </h1>
        {versions.isPending && <span className="text-soft">reading …</span>}
        {versions.data?.length === MOST_VERSIONS && (
          <span className="text-soft">the newest {count(MOST_VERSIONS)} alone</span>
        )}
      </div>
      {versions.error && <Failure error={versions.error} again={() => void versions.refetch()} />}
      {versions.data?.length === 0 ? (
        <Empty title="No version is kept yet." />
      ) : (
        versions.data !== undefined && (
          <Table
            label="versions of the policies"
            rows={versions.data}
            columns={columns}
            idOf={each => String(each.id)}
            onOpen={({ id }) =>
              void navigate({ to: '/policies/history/$id', params: { id: String(id) } })
            }
          />
        )
      )}
    </>
  )
}
