// policy check, policy test; policy why has a file of its own.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { InvalidRequest } from '#model'
import { colors } from './colors.ts'
import { runs } from './invocation.ts'
import { readCases } from './policy-cases.ts'
import { configOf } from './policy-config.ts'
import { checkFolder, problemText, usableFolder } from './policy-folder.ts'
import { replayCommand } from './policy-replay.ts'
import { whyCommand } from './policy-why.ts'
import type { LoadProtocols } from './protocol-facts.ts'
import { plain, print } from './report.ts'

const HERE = { here: true }

export function policyCommands(program: Command, protocols: LoadProtocols): void {
  const policy = program.command('policy').description('policies: check, test, why, replay')

  const check = policy
    .command('check [folder]')
    .description('types, unknown names, policies that can never apply or are shadowed')
    .option('--config <file>', 'look names up in this sallyport.yaml, and the folder')
  runs(
    check,
    async ({ output }, folder) => {
      const config = await configOf(check.opts<{ config?: string }>().config, protocols)
      const { set, problems } = await checkFolder(
        folder ?? config?.policies.folder ?? './policies',
        config,
      )
      const result = { ok: set !== undefined, problems, policies: set?.policies ?? [] }
      print(output, result, () =>
        [
          ...problems.map(problem => plain(problemText(problem))),
          set === undefined ? 'The policies do not hold.' : `${set.policies.length} policies hold.`,
        ].join('\n'),
      )
      return set === undefined ? 1 : 0
    },
    HERE,
  )

  const test = policy
    .command('test [files...]')
    .description(
      'runs cases (YAML); a folder stands for its *.test.yaml; without any, the policy folder',
    )
    .option('--policies <folder>', 'the policies; without it those of --config, else ./policies')
    .option('--config <file>', 'resources and policies from this sallyport.yaml')
  runs(
    test,
    async ({ output }, ...files) => {
      const options = test.opts<{ policies?: string; config?: string }>()
      const config = await configOf(options.config, protocols)
      const folder = options.policies ?? config?.policies.folder ?? './policies'
      const set = await usableFolder(folder, config)
      const given = files.length > 0 ? files : [folder]
      const all = given.flatMap(path => (statSync(path).isDirectory() ? caseFiles(path) : [path]))
      if (all.length === 0)
        throw new InvalidRequest(
          'request_invalid',
          `There is no *.test.yaml in ${given.join(', ')}.`,
        )
      const registry = await protocols()
      const cases = (await Promise.all(all.map(file => readCases(file, registry, config)))).flat()
      const { runPolicyCases } = await import('#engines/policy')
      const results = runPolicyCases(set, cases)
      const failed = results.filter(({ passed }) => !passed)
      print(output, results, () =>
        [
          ...results.map(({ name, passed, differences }) =>
            passed
              ? `${colors.green('ok  ')} ${plain(name)}`
              : `${colors.red('FAIL')} ${plain(name)}\n     ${differences.map(each => plain(each)).join('\n     ')}`,
          ),
          `${results.length - failed.length} passed, ${failed.length} failed`,
        ].join('\n'),
      )
      return failed.length === 0 ? 0 : 1
    },
    HERE,
  )

  whyCommand(policy, protocols)
  replayCommand(policy)
}

function caseFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.test.yaml'))
    .map(name => join(folder, name))
}
