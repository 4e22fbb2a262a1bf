// withdraw: nothing that proved an identity so far counts any more.
import type { Command } from 'commander'
import { paths, withdrawalSchemas } from '#contract'
import { runs, WrongUsage } from './invocation.ts'
import { plain, print, when } from './report.ts'
import { seconds } from './time-commands.ts'

export function withdrawCommand(program: Command): void {
  const withdraw = program
    .command('withdraw <principal>')
    .description(
      'refuse every token, sign-in and credential that somebody has, and end their sessions',
    )
    .option('--for <duration>', 'refuse newer ones too, e.g. 30m, 2h; 24h at most')
  runs(withdraw, async ({ client, output }, principal) => {
    if (principal === undefined) throw new WrongUsage('Whose identity? See: sallyport sessions.')
    const { for: lasting } = withdraw.opts<{ for?: string }>()
    const body = {
      principal,
      ...(lasting === undefined
        ? {}
        : { seconds: seconds(lasting, withdrawalSchemas.MOST_SECONDS) }),
    }
    print(
      output,
      await client().post<{ principal: string; until: number }>(paths.withdraw, body),
      after =>
        `What proved that somebody is ${plain(after.principal)} counts no more, if made before ${when(after.until)}.`,
    )
  })
}
