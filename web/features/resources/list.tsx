// What one may connect to.
import { Link, useNavigate } from '@tanstack/react-router'
import type { ResourceView } from '#contract'
import { Empty, Failure, Mark } from '../../ui/parts.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { count, plain } from '../../ui/text.ts'
import { counted, useLiveSessions, useResources } from './data.ts'
import { LiveCount, tagsOf } from './parts.tsx'

export function Resources() {
  const navigate = useNavigate()
  const resources = useResources()
  const live = useLiveSessions()
  const sessions = live.data === undefined ? undefined : counted(live.data)
  const columns: readonly Column<ResourceView>[] = [
    { name: 'name', width: 'minmax(7rem, 1fr)', cell: each => plain(each.name) },
    {
      name: 'protocol',
      width: '7rem',
      narrow: '6rem',
      cell: each => plain(each.label ?? each.protocol),
    },
    { name: 'tags', width: 'minmax(6rem, 2fr)', wide: true, cell: each => tagsOf(each) },
    {
      name: 'live',
      width: '6rem',
      narrow: '4rem',
      right: true,
      cell: each =>
        sessions !== undefined && (
          <LiveCount value={sessions.of.get(each.name) ?? 0} least={sessions.least} />
        ),
    },
  ]
  return (
    <>
      <div className="flex flex-wrap gap-4 items-baseline px-4 py-3">
        <h1 className="text-lg font-semibold m-0">Resources</h1>
        <span className="text-soft" aria-live="polite">
          {resources.data !== undefined && `${count(resources.data.length)} that you may see`}
        </span>
        <Link to="/requests/ask" className="ml-auto">
          ask for time
        </Link>
        {resources.isPending && <span className="text-soft">reading …</span>}
        {live.error && (
          <Mark tone="denied" glyph="✕">
            the counts of live sessions cannot be read, or are old
          </Mark>
        )}
      </div>
      {resources.error && (
        <Failure error={resources.error} again={() => void resources.refetch()} />
      )}
      {resources.data?.length === 0 ? (
        <Empty title="There is nothing that you may connect to.">
          A policy must permit <code>Action::"connect"</code> on a resource for you, or somebody
          gives you a right for a time: <Link to="/requests/ask">ask for one</Link>.
        </Empty>
      ) : (
        resources.data !== undefined && (
          <Table
            label="resources"
            rows={resources.data}
            columns={columns}
            idOf={each => each.name}
            onOpen={each => void navigate({ to: '/resources/$name', params: { name: each.name } })}
          />
        )
      )}
    </>
  )
}
