// policy replay: what a folder of policies would have made of past sessions. The gateway decides, by its recordings.
import type { Command } from 'commander'
import { type PoliciesView, type PolicyReplayed, paths } from '#contract'
import { ConfigurationError } from '#model'
import { colors } from './colors.ts'
import { runs, WrongUsage } from './invocation.ts'
import { problemText } from './policy-folder.ts'
import { plain, print } from './report.ts'

type Replay = NonNullable<PolicyReplayed['replay']>
type Verdict = Replay['differs'][number]['before']

export function replayCommand(policy: Command): void {
  const replay = policy
    .command('replay [folder]')
    .description('what a folder of policies would have made of past sessions (console:audit)')
    .option('--sessions <n>', 'the newest so many, 200 at most', '50')
    .option('--resource <name>', 'of this resource alone')
  runs(replay, async ({ client, output }, folder = './policies') => {
    const options = replay.opts<{ sessions: string; resource?: string }>()
    const sessions = Number(options.sessions)
    if (!Number.isInteger(sessions) || sessions < 1 || sessions > 200)
      throw new WrongUsage('--sessions is a number from 1 to 200.')
    const { loadFolder } = await import('#services/policies')
    const { files, problems } = await loadFolder(folder)
    if (problems.length > 0)
      throw new ConfigurationError('configuration_invalid', problems.map(problemText).join('\n'))
    const gateway = client()
    const { files: there } = await gateway.get<PoliciesView>(paths.policies)
    const old = new Map(there.map(({ name, text }) => [name, text]))
    const now = new Map(files.map(({ name, text }) => [name, text]))
    const changes = [...new Set([...old.keys(), ...now.keys()])]
      .filter(name => old.get(name) !== now.get(name))
      .map(name => ({ name, text: now.get(name) ?? null }))
    const answer = await gateway.post<PolicyReplayed>(paths.policyReplay, {
      changes,
      sessions,
      ...(options.resource === undefined ? {} : { resource: options.resource }),
    })
    print(output, answer, replayText)
    return answer.replay === undefined || answer.replay.differs.length > 0 ? 1 : 0
  })
}

function replayText({ problems, replay }: PolicyReplayed): string {
  if (replay === undefined) {
    return [...problems.map(each => plain(problemText(each))), 'The policies do not hold.'].join(
      '\n',
    )
  }
  const { differs, sessions, statements, skipped, unread, cut } = replay
  return [
    ...differs.flatMap(({ before, after, text, count, principal, resource }) => [
      `${said(before)} → ${said(after)}  ${plain(principal)} on ${plain(resource)}, ${count} times`,
      `    ${plain(text)}`,
      `    ${colors.dim(plain(after.policies.join(', ')))}`,
    ]),
    `${statements} statements of ${sessions} sessions: ${differs.length} would come out otherwise.`,
    ...(unread > 0 ? [`${unread} cannot be read.`] : []),
    ...(skipped > 0
      ? [`${skipped} sessions were skipped: too old, erased, or of a resource that is gone.`]
      : []),
    ...(cut ? ['There is more than was looked at.'] : []),
  ].join('\n')
}

function said({ effect, masked }: Verdict): string {
  if (effect === 'deny') return colors.red('denied')
  const shown = effect === 'held' ? colors.yellow('held') : 'permitted'
  return masked.length === 0 ? shown : `${shown}, masked: ${plain(masked.join(', '))}`
}
