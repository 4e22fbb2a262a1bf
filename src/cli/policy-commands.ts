// policy check, policy test, policy why.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { type Config, loadConfig, problemLine } from '#config'
import { paths, type WhyView } from '#contract'
import type { Why } from '#engines/policy'
import { ConfigurationError, InvalidRequest, type Principal } from '#model'
import { colors } from './colors.ts'
import { runs, WrongUsage } from './invocation.ts'
import { protocolOf, readCases } from './policy-cases.ts'
import { checkFolder, problemText, usableFolder } from './policy-folder.ts'
import type { LoadProtocols } from './protocol-facts.ts'
import { plain, print } from './report.ts'

export function policyCommands(program: Command, protocols: LoadProtocols): void {
  const policy = program.command('policy').description('policies: check, test, why')

  const check = policy
    .command('check [folder]')
    .description('types, unknown names, policies that can never apply or are shadowed')
    .option('--config <file>', 'look names up in this configuration')
  runs(check, async ({ output }, folder) => {
    const config = await configOf(check.opts<{ config?: string }>().config, protocols)
    const { set, problems } = await checkFolder(folder ?? config?.policies ?? './policies', config)
    const result = { ok: set !== undefined, problems, policies: set?.policies ?? [] }
    print(output, result, () =>
      [
        ...problems.map(problem => plain(problemText(problem))),
        set === undefined ? 'The policies do not hold.' : `${set.policies.length} policies hold.`,
      ].join('\n'),
    )
    return set === undefined ? 1 : 0
  })

  const test = policy
    .command('test [files...]')
    .description('runs cases (YAML); without files, the *.test.yaml of the policy folder')
    .option('--policies <folder>', 'the policies')
    .option('--config <file>', 'resources and policies from this configuration')
  runs(test, async ({ output }, ...files) => {
    const options = test.opts<{ policies?: string; config?: string }>()
    const config = await configOf(options.config, protocols)
    const folder = options.policies ?? config?.policies ?? './policies'
    const set = await usableFolder(folder, config)
    const all = files.length > 0 ? files : caseFiles(folder)
    if (all.length === 0)
      throw new InvalidRequest('request_invalid', `There is no *.test.yaml in ${folder}.`)
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
  })

  const ask = policy
    .command('why [resource] [statement]')
    .description('how a statement would be decided, and which condition decided')
    .option('--resource <name>', 'instead of the first argument')
    .option('--statement <text>', 'instead of the second')
    .option('--principal <kind:id>', 'somebody else, e.g. agent:order-bot (with console:audit)')
    .option('--groups <list>', 'of that principal, comma-separated', '')
    .option('--config <file>', 'ask these files instead of a gateway')
  runs(ask, async ({ client, output }, ...given) => {
    const options = ask.opts<{
      resource?: string
      statement?: string
      principal?: string
      groups: string
      config?: string
    }>()
    const resource = options.resource ?? given[0]
    const statement = options.statement ?? given[options.resource === undefined ? 1 : 0]
    if (resource === undefined || statement === undefined) {
      throw new WrongUsage(
        'Ask about a resource and a statement: policy why shop "delete from orders".',
      )
    }
    const principal = principalOf(options.principal, options.groups)
    const answer =
      options.config === undefined
        ? await client().post<WhyView>(paths.why, {
            resource,
            statement,
            ...(principal === undefined ? {} : { principal }),
          })
        : await offline(options.config, protocols, { resource, statement }, principal)
    print(output, answer, whyText)
  })
}

async function offline(
  file: string,
  protocols: LoadProtocols,
  options: { resource: string; statement: string },
  who: Who | undefined,
): Promise<Why> {
  const config = await configOf(file, protocols)
  const resource = config?.resources.find(({ name }) => name === options.resource)
  if (config === undefined || resource === undefined) {
    throw new InvalidRequest(
      'resource_unknown',
      `There is no resource "${options.resource}" in ${file}.`,
    )
  }
  if (who === undefined) {
    throw new WrongUsage('Without a gateway, say who: --principal user:ana --groups analysts.')
  }
  const set = await usableFolder(config.policies, config)
  const { why } = await import('#engines/policy')
  return why(set, {
    principal: supposed(who),
    resource,
    statement: await protocolOf(resource.protocol, await protocols()).read(options.statement),
    facts: {
      client: 'sallyport policy why',
      ip: '127.0.0.1',
      now: Date.now(),
      approved: false,
      reason: undefined,
      mfa: false,
      run: { rows: 0, bytes: 0, statements: 0 },
    },
  })
}

interface Who {
  readonly kind: 'user' | 'agent'
  readonly id: string
  readonly groups: string[]
}

function principalOf(text: string | undefined, groups: string): Who | undefined {
  if (text === undefined) return undefined
  const match = /^(user|agent):(.+)$/.exec(text)
  if (match?.[2] === undefined) {
    throw new WrongUsage('--principal takes user:ID or agent:ID.')
  }
  return {
    kind: match[1] === 'user' ? 'user' : 'agent',
    id: match[2],
    groups: groups.split(',').filter(group => group !== ''),
  }
}

function supposed({ kind, id, groups }: Who): Principal {
  return {
    kind,
    id,
    subject: id,
    issuer: '',
    name: id,
    groups,
    attributes: {},
    actors: [],
    owners: [],
    mfa: false,
    credential: { kind: 'token', id: '' },
    run: '',
    expiresAt: Number.MAX_SAFE_INTEGER,
  }
}

async function configOf(
  file: string | undefined,
  protocols: LoadProtocols,
): Promise<Config | undefined> {
  if (file === undefined) return undefined
  const { config, problems } = loadConfig(file, await protocols())
  if (config === undefined) {
    throw new ConfigurationError('configuration_invalid', problems.map(problemLine).join('\n'))
  }
  return config
}

function caseFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.test.yaml'))
    .map(name => join(folder, name))
}

function whyText(answer: Why | WhyView): string {
  const effect = answer.effect === 'permit' ? colors.green('permit') : colors.red('deny')
  const lines = [`${effect}  ${plain(answer.message)}  ${colors.dim(`[${answer.code}]`)}`]
  for (const obligation of answer.obligations) {
    const { kind, policies, ...rest } = obligation
    const by = Array.isArray(policies) ? `  (${policies.join(', ')})` : ''
    lines.push(
      `  needs ${colors.yellow(String(kind))}${plain(by)} ${colors.dim(plain(JSON.stringify(rest)))}`,
    )
  }
  for (const operation of answer.operations) {
    const on = operation.object === '' ? 'the resource' : plain(operation.object)
    lines.push(
      `  ${plain(operation.action)} ${plain(operation.verb)} on ${on}: ${operation.effect}  ${plain(operation.policies.join(', '))}`,
    )
    for (const { policy, condition } of operation.near) {
      lines.push(colors.dim(`      not ${plain(policy)}: ${plain(condition)}`))
    }
  }
  return lines.join('\n')
}
