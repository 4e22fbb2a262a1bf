// policy why: what is decided on a statement, and why; by a gateway with the catalog that it has, or from files alone.
import type { Command } from 'commander'
import { paths, type WhyView } from '#contract'
import type { Facts } from '#engines/policy'
import { InvalidRequest, type Principal } from '#model'
import { runs, WrongUsage } from './invocation.ts'
import { protocolOf } from './policy-cases.ts'
import { configOf } from './policy-config.ts'
import { usableFolder } from './policy-folder.ts'
import type { LoadProtocols } from './protocol-facts.ts'
import { print } from './report.ts'
import { whyText } from './why-text.ts'

export function whyCommand(policy: Command, protocols: LoadProtocols): void {
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
): Promise<WhyView> {
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
  const set = await usableFolder(config.policies.folder, config)
  const statement = await protocolOf(resource.protocol, await protocols()).read(options.statement)
  const { whyUnder } = await import('#services/policies')
  const { decision, uses, reveals } = await whyUnder(set, {
    principal: supposed(who),
    resource,
    statement,
    grants: [],
    facts: supposedFacts(),
    classes: config.dataClasses,
  })
  const { operations, effect, code, message, hint, obligations, policies } = decision
  const refused = effect === 'permit' ? uses.refusal?.error : undefined
  return {
    effect: refused === undefined ? effect : 'deny',
    code: refused?.code ?? code,
    message: refused?.message ?? message,
    hint: refused === undefined ? hint : (refused.hint ?? ''),
    obligations: refused === undefined ? obligations.map(each => ({ ...each })) : [],
    policies: [...policies],
    operations: operations.map(({ considered: _considered, errors: _errors, ...shown }) => ({
      ...shown,
      policies: [...shown.policies],
    })),
    names: 'text',
    predicates: uses.rule,
    classes: [...reveals],
    statements: [...uses.statements],
  }
}

function supposedFacts(): Facts {
  return {
    client: 'sallyport policy why',
    ip: '127.0.0.1',
    now: Date.now(),
    approved: false,
    reason: undefined,
    mfa: false,
    run: { rows: 0, bytes: 0, statements: 0 },
  }
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
