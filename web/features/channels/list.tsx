// Every channel and how it does.
import { useNavigate } from '@tanstack/react-router'
import type { ChannelView } from '#contract'
import { Empty, Failure, Time, Verbatim } from '../../ui/parts.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { count, plain } from '../../ui/text.ts'
import { troubleOf, useChannels } from './data.ts'
import { ChannelState, TYPES } from './words.tsx'

const EXAMPLE = `channels:
  - name: dba-mail
    type: email
    host: smtp.example.com
    from: sallyport@example.com
    to: [dba@example.com]`

const columns: readonly Column<ChannelView>[] = [
  {
    name: 'state',
    width: '9rem',
    narrow: '6rem',
    cell: each => <ChannelState state={each.state} />,
  },
  {
    name: 'channel',
    width: 'minmax(7rem, 1fr)',
    narrow: 'minmax(0, 1fr)',
    cell: each => plain(each.name),
  },
  {
    name: 'leads to',
    width: 'minmax(9rem, 2fr)',
    wide: true,
    cell: each => `${TYPES[each.type]}, ${plain(each.target)}`,
  },
  {
    name: 'what went wrong',
    width: 'minmax(9rem, 2fr)',
    narrow: 'minmax(0, 1.4fr)',
    cell: each => plain(troubleOf(each) ?? '–'),
  },
  { name: 'wait', width: '4rem', wide: true, right: true, cell: each => count(each.waiting) },
  {
    name: 'last try',
    width: '7rem',
    wide: true,
    right: true,
    cell: each => {
      const at = Math.max(...each.deliveries.map(({ triedAt }) => triedAt ?? 0), 0)
      return at === 0 ? '–' : <Time at={at} />
    },
  },
]

export function Channels() {
  const navigate = useNavigate()
  const channels = useChannels()
  return (
    <>
      <div className="flex flex-wrap gap-3 items-baseline px-4 py-3">
        <h1 className="text-lg font-semibold m-0">Channels</h1>
        <span className="text-soft">where people are told that something waits for them</span>
        {channels.isPending && <span className="text-soft">reading …</span>}
      </div>
      {channels.error && <Failure error={channels.error} again={() => void channels.refetch()} />}
      {channels.data?.length === 0 ? (
        <Empty title="No channel is set up: people see what waits in the console and the CLI alone.">
          <p className="m-0">
            Slack, Teams, PagerDuty, e-mail and webhooks stand in sallyport.yaml, and count at once:
          </p>
          <div className="inline-block text-left mt-2">
            <Verbatim text={EXAMPLE} block />
          </div>
        </Empty>
      ) : (
        channels.data !== undefined && (
          <Table
            label="channels"
            rows={channels.data}
            columns={columns}
            idOf={each => each.name}
            onOpen={each => void navigate({ to: '/channels/$name', params: { name: each.name } })}
          />
        )
      )}
    </>
  )
}
