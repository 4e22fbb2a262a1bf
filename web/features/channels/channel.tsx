// One channel: what it tells, whether that works, what was sent last, and a test.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { type ChannelView, type DeliveryView, paths } from '#contract'
import { at, call } from '../../data/gateway.ts'
import { useMay } from '../../data/who.ts'
import { Button, Empty, Facts, Failure, Mark, Time } from '../../ui/parts.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { many, plain } from '../../ui/text.ts'
import { troubleOf, useChannels } from './data.ts'
import { ChannelState, DeliveryState, NextTry, TYPES } from './words.tsx'

const route = getRouteApi('/channels/$name')

const columns: readonly Column<DeliveryView>[] = [
  {
    name: 'state',
    width: '8rem',
    narrow: '5.5rem',
    cell: each => <DeliveryState state={each.state} />,
  },
  { name: 'tells', width: '6rem', narrow: '4.5rem', cell: each => each.event },
  {
    name: 'request',
    width: 'minmax(9rem, 1fr)',
    wide: true,
    cell: each => plain(each.request ?? '–'),
  },
  {
    name: 'error',
    width: 'minmax(9rem, 2fr)',
    narrow: 'minmax(0, 1fr)',
    cell: each => plain(each.error ?? '–'),
  },
  { name: 'tries', width: '4rem', wide: true, right: true, cell: each => each.attempts },
  {
    name: 'next try',
    width: '7rem',
    wide: true,
    right: true,
    cell: each => <NextTry at={each.nextAt} />,
  },
  {
    name: 'made',
    width: '7rem',
    wide: true,
    right: true,
    cell: each => <Time at={each.createdAt} />,
  },
]

export function ChannelPage() {
  const { name } = route.useParams()
  const navigate = useNavigate()
  const channels = useChannels()
  const found = channels.data?.find(each => each.name === name)
  return (
    <>
      <div className="px-4 pt-3">
        <p className="m-0 text-soft">
          <Link to="/channels">Channels</Link> /{' '}
          <code className="wrap-anywhere">{plain(name)}</code>
        </p>
        {channels.error && <Failure error={channels.error} again={() => void channels.refetch()} />}
        {channels.isPending && <p className="text-soft">reading …</p>}
        {found !== undefined && <About key={name} channel={found} />}
        {channels.data !== undefined && found === undefined && (
          <Empty title="There is no such channel.">
            <Link to="/channels">Those that there are</Link>
          </Empty>
        )}
      </div>
      {found?.deliveries.length === 0 && (
        <Empty title="Nothing was sent through it yet.">
          The next request that waits is told here. A test shows whether it works.
        </Empty>
      )}
      {found !== undefined && found.deliveries.length > 0 && (
        <Table
          label="messages"
          rows={found.deliveries}
          columns={columns}
          idOf={each => each.id}
          onOpen={({ request }) => {
            if (request !== undefined) {
              void navigate({ to: '/requests/$id', params: { id: request } })
            }
          }}
        />
      )}
    </>
  )
}

function About({ channel }: { channel: ChannelView }) {
  const trouble = troubleOf(channel)
  return (
    <>
      <div className="flex flex-wrap gap-4 items-baseline my-2">
        <h1 className="text-lg font-semibold m-0 wrap-anywhere">{plain(channel.name)}</h1>
        <ChannelState state={channel.state} />
      </div>
      {trouble !== undefined && (
        <p className="m-0 mb-2">
          {plain(trouble)}.{' '}
          <span className="text-soft">
            Messages wait and are tried again; what they tell stands in the console all the same.
          </span>
        </p>
      )}
      <Facts
        rows={[
          ['leads to', `${TYPES[channel.type]}, ${plain(channel.target)}`],
          [
            'tells',
            channel.show === 'statement'
              ? 'the statement and the asker’s reason; never a bound value'
              : 'a summary: who, what sort of operation, on which tables',
          ],
          [
            'decisions',
            channel.decides
              ? 'may come back, where a policy permits approve_by_channel'
              : 'are made in the console',
          ],
          ['waiting', many(channel.waiting, 'message')],
        ]}
      />
      <Test name={channel.name} />
    </>
  )
}

function Test({ name }: { name: string }) {
  const client = useQueryClient()
  const may = useMay('console:operate')
  const test = useMutation({
    mutationFn: () => call<DeliveryView>(at(paths.testChannel, { name }), { method: 'POST' }),
    onSettled: () => void client.invalidateQueries({ queryKey: ['channels'] }),
  })
  if (!may) return <p className="my-3 text-soft">You may see this channel, and not test it.</p>
  return (
    <div className="flex flex-wrap gap-3 items-center my-3">
      <Button disabled={test.isPending} onClick={() => test.mutate()}>
        Send a test
      </Button>
      <span aria-live="polite">
        {test.isPending && <span className="text-soft">sending …</span>}
        {test.data?.state === 'delivered' && (
          <Mark tone="plain" glyph="✓">
            it was taken
          </Mark>
        )}
        {test.data !== undefined && test.data.state !== 'delivered' && (
          <Mark tone="denied" glyph="✕">
            {plain(test.data.error ?? test.data.state)}
          </Mark>
        )}
      </span>
      {test.error && <Failure error={test.error} />}
    </div>
  )
}
