// The newest entries of the audit log, as they come. The filter stands in the address.
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import type { AuditRecordView } from '#contract'
import { Button, Copy, Empty, Failure, Mark, Time, Verbatim } from '../../ui/parts.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { count, many, plain } from '../../ui/text.ts'
import { HeadLine } from './head-line.tsx'
import { useLog } from './log.ts'
import { Effect, FAMILIES, whatOf, whoOf } from './words.tsx'

const route = getRouteApi('/evidence')
const VERIFY = 'sallyport audit verify --data DATA --vkey "$(cat audit.vkey)" --since checkpoint'

const columns: readonly Column<AuditRecordView>[] = [
  { name: 'entry', width: '5rem', narrow: '3.5rem', right: true, cell: each => count(each.seq) },
  {
    name: 'kind',
    width: 'minmax(9rem, 1fr)',
    narrow: 'minmax(0, 2fr)',
    cell: each => plain(each.kind),
  },
  { name: 'who', width: 'minmax(6rem, 1fr)', narrow: 'minmax(0, 1fr)', cell: each => whoOf(each) },
  { name: 'what', width: 'minmax(8rem, 2fr)', wide: true, cell: each => whatOf(each) },
  { name: 'decision', width: '7rem', wide: true, cell: each => <Effect entry={each} /> },
  {
    name: 'when',
    width: '7rem',
    narrow: '5rem',
    right: true,
    cell: each => <Time at={Date.parse(each.ts)} />,
  },
]

export function Evidence() {
  const { kind } = route.useSearch()
  const navigate = useNavigate()
  const log = useLog()
  const { entries } = log
  const rows = entries?.filter(each => kind === undefined || each.kind.startsWith(`${kind}.`)) ?? []
  const size = entries?.[0] === undefined ? undefined : entries[0].seq + 1
  return (
    <>
      <div className="flex flex-wrap gap-x-4 gap-y-2 items-baseline px-4 py-3">
        <h1 className="text-lg font-semibold m-0">Evidence</h1>
        <span aria-current="true">entries</span>
        <Link to="/evidence/tree" className="text-soft">
          tree and heads
        </Link>
        {size !== undefined && <span>{many(size, 'entry', 'entries')} in the log</span>}
        {log.following ? (
          <Mark tone="live" glyph="●">
            following
          </Mark>
        ) : (
          entries !== undefined && (
            <Mark tone="denied" glyph="○">
              not following: newer entries may be missing here
            </Mark>
          )
        )}
        <label className="text-soft">
          kind{' '}
          <select
            value={kind ?? ''}
            onChange={event => {
              const chosen = event.target.value
              void navigate({ to: '/evidence', search: chosen === '' ? {} : { kind: chosen } })
            }}
            className="border border-line bg-paper text-ink px-2 py-0.5"
          >
            <option value="">all</option>
            {FAMILIES.map(each => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        {log.reading && <span className="text-soft">reading …</span>}
      </div>
      <HeadLine />
      <details id="offline" className="px-4 pb-2">
        <summary>How to verify without this page</summary>
        <p className="m-0 mt-1 max-w-3xl">
          Each entry is a leaf of a Merkle tree whose head is signed, and this browser verifies it.
          But who does not trust the gateway must not trust its page either: take the data folder,
          the public key and a head that you kept elsewhere, and run, without any gateway:
        </p>
        <p className="m-0 my-1">
          <Verbatim text={VERIFY} /> <Copy text={VERIFY} />
        </p>
        <p className="m-0 text-soft">
          Reading here is itself an entry: who looked at the evidence is on record.
        </p>
      </details>
      {log.error !== undefined && <Failure error={log.error} again={log.again} />}
      {entries !== undefined && (
        <p className="flex flex-wrap gap-3 items-baseline m-0 px-4 pb-2 text-soft">
          <span>
            {kind === undefined ? '' : `${count(rows.length)} of `}
            {count(entries.length)} read here
          </span>
          {log.older !== undefined && (
            <Button disabled={log.reading} onClick={log.older}>
              Read older ones
            </Button>
          )}
        </p>
      )}
      {entries !== undefined && rows.length === 0 ? (
        <Empty
          title={`No entry of this kind is among the ${count(entries.length)} that were read.`}
        >
          Read older ones, or <Link to="/evidence">show all kinds</Link>.
        </Empty>
      ) : (
        entries !== undefined && (
          <Table
            label="entries"
            rows={rows}
            columns={columns}
            idOf={each => String(each.seq)}
            onOpen={each =>
              void navigate({ to: '/evidence/$seq', params: { seq: String(each.seq) } })
            }
          />
        )
      )}
    </>
  )
}
