// channels, channels test: who is told outside that something waits, and whether that works.
import type { Command } from 'commander'
import { type ChannelView, type DeliveryView, paths } from '#contract'
import { colors } from './colors.ts'
import { runs, WrongUsage } from './invocation.ts'
import { plain, print, table, when } from './report.ts'

export function channelCommands(program: Command): void {
  runs(
    program
      .command('channels [test] [name]')
      .description(
        'where people are told that something waits, and how that goes; test NAME sends one',
      ),
    async ({ client, output }, what, name) => {
      if (what !== undefined && (what !== 'test' || name === undefined)) {
        throw new WrongUsage('It is: sallyport channels, or: sallyport channels test NAME.')
      }
      if (name === undefined) {
        print(output, await client().get<ChannelView[]>(paths.channels), channelsText)
        return 0
      }
      const path = paths.testChannel.replace(':name', encodeURIComponent(name))
      const sent = await client().post<DeliveryView>(path, undefined)
      print(output, sent, ({ state, error }) =>
        state === 'delivered'
          ? `${plain(name)} took the test.`
          : `${colors.red('failed')} ${plain(error ?? state)}`,
      )
      return sent.state === 'delivered' ? 0 : 1
    },
  )
}

function channelsText(channels: readonly ChannelView[]): string {
  return table(
    channels.map(channel => {
      const newest = channel.deliveries[0]
      const waiting = channel.deliveries.filter(({ state }) => state === 'waiting')
      const next = waiting.map(({ nextAt }) => nextAt ?? 0).sort((a, b) => a - b)[0]
      const failed = channel.state === 'failing' ? lastError(channel) : ''
      return [
        channel.name,
        channel.type,
        channel.target,
        channel.state,
        String(channel.waiting),
        when(newest?.triedAt),
        when(next),
        failed,
      ]
    }),
    ['name', 'type', 'leads to', 'state', 'wait', 'last try', 'next try', 'what went wrong'],
    'There are no channels (channels: in sallyport.yaml).',
  )
}

function lastError({ deliveries }: ChannelView): string {
  const tried = [...deliveries].sort((a, b) => (b.triedAt ?? 0) - (a.triedAt ?? 0))
  return tried.find(({ error, state }) => error !== undefined && state !== 'dropped')?.error ?? ''
}
