// runs, end-run: what pieces of work there are, and the end of one.
import type { Command } from 'commander'
import { type PrincipalView, paths, type RunDetail, type RunView } from '#contract'
import { runs as asCommand, WrongUsage, wholeNumber } from './invocation.ts'
import { plain, print, table, when } from './report.ts'

export function runsCommands(program: Command): void {
  const runs = program
    .command('runs')
    .description('runs, newest first: yours; all with console:read')
    .option('--principal <id>', 'whose they are, or who acted in them')
    .option('--limit <n>', 'how many', '50')
  asCommand(runs, async ({ client, output }) => {
    const { principal, limit } = runs.opts<{ principal?: string; limit: string }>()
    const query = new URLSearchParams({ limit: String(wholeNumber('--limit', limit, 1)) })
    if (principal !== undefined) query.set('principal', principal)
    print(output, await client().get<RunView[]>(`${paths.runs}?${query}`), found =>
      table(
        found.map(each => [
          each.run,
          each.principal,
          when(each.lastAt),
          each.endedAt !== undefined ? 'ended' : each.live > 0 ? `${each.live} live` : '-',
          String(each.sessions),
          String(each.statements),
          String(each.denied),
          String(each.rows),
        ]),
        ['run', 'principal', 'last', 'state', 'sessions', 'statements', 'denied', 'rows'],
        'No runs.',
      ),
    )
  })

  const end = program
    .command('end-run <run>')
    .description('ends all sessions of a run, and refuses whatever comes in its name')
    .option('--principal <id>', 'whose run it is; default: your own')
  asCommand(end, async ({ client, output }, run) => {
    if (run === undefined) throw new WrongUsage('Which run? See: sallyport runs.')
    const gateway = client()
    const { principal = (await gateway.get<PrincipalView>(paths.whoami)).id } = end.opts<{
      principal?: string
    }>()
    print(
      output,
      await gateway.post<RunDetail>(paths.endRun, { principal, run }),
      ended => `The run ${plain(ended.run)} of ${plain(ended.principal)} has ended.`,
    )
  })
}
