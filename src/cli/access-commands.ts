// whoami, resources, credential, requests, approve, deny, grants.
import type { Command } from 'commander'
import {
  type AccessRequestView,
  type CredentialView,
  type GrantView,
  type IssuedCredential,
  type PrincipalView,
  paths,
  type ResourceView,
} from '#contract'
import type { CredentialPlugin } from '#model'
import { certifiedKey } from './certificate-commands.ts'
import { colors } from './colors.ts'
import { runs, WrongUsage, wholeNumber } from './invocation.ts'
import { printForTool } from './plugin-credential.ts'
import type { LoadProtocols } from './protocol-facts.ts'
import { plain, print, table, when } from './report.ts'
import { requestText, stateText } from './request-text.ts'
import { actionsOf, seconds } from './time-commands.ts'

const MOST_TTL = 900

export function accessCommands(
  program: Command,
  protocols: LoadProtocols,
  plugins: readonly CredentialPlugin[],
): void {
  runs(
    program.command('whoami').description('who the gateway says you are'),
    async ({ client, output }) => {
      print(output, await client().get<PrincipalView>(paths.whoami), who => {
        const acting = who.actor === undefined ? '' : `, through ${plain(who.actor)}`
        return [
          `${who.kind} ${colors.bold(plain(who.id))}${acting}`,
          `issuer  ${plain(who.issuer)}`,
          `groups  ${who.groups.map(group => plain(group)).join(', ') || '–'}`,
          `until   ${when(who.expiresAt)}`,
        ].join('\n')
      })
    },
  )

  runs(
    program.command('resources').description('what you may connect to, and how'),
    async ({ client, output }) => {
      print(output, await client().get<ResourceView[]>(paths.resources), resources =>
        resources.length === 0
          ? 'There is no resource that you may connect to.'
          : resources.map(resourceText).join('\n\n'),
      )
    },
  )

  const credential = program
    .command('credential <resource>')
    .description('a credential for one resource, for 15 minutes at most')
    .option('--ttl <seconds>', 'how long it lasts: 10 to 900', '900')
    .option('--certificate [file]', 'a key and a certificate in files, in place of a password')
    .option('--agent', 'the same, kept by your key agent for that time')
    .option('--from <networks>', 'of a certificate: for use from these addresses alone')
  for (const { option, description } of plugins) credential.option(`--${option}`, description)
  runs(credential, async (invocation, resource = '') => {
    const options = credential.opts<{
      ttl: string
      certificate?: string | true
      agent?: boolean
      from?: string
    }>()
    const ttl = wholeNumber('--ttl', options.ttl, 10)
    if (ttl > MOST_TTL) throw new WrongUsage(`--ttl takes ${MOST_TTL} seconds at most.`)
    const given = credential.opts<{ [option: string]: unknown }>()
    const plugin = plugins.find(({ option }) => given[option] === true)
    if (options.certificate !== undefined || options.agent === true) {
      if (plugin !== undefined) throw new WrongUsage(`--${plugin.option} gives no certificate.`)
      return certifiedKey(invocation, protocols, { ...options, resource, ttl })
    }
    if (options.from !== undefined) throw new WrongUsage('--from needs --certificate or --agent.')
    if (plugin !== undefined) return printForTool(invocation, plugin, { resource, ttl })
    const { client, output } = invocation
    const issued = await client().post<IssuedCredential>(paths.credentials, { resource, ttl })
    print(output, issued, ({ id, secret, expiresAt }) =>
      [`user      ${plain(id)}`, `password  ${plain(secret)}`, `until     ${when(expiresAt)}`].join(
        '\n',
      ),
    )
  })

  const credentials = program
    .command('credentials')
    .description('credentials in force')
    .option('--revoke <id>', 'end one')
  runs(credentials, async ({ client, output }) => {
    const { revoke } = credentials.opts<{ revoke?: string }>()
    if (revoke !== undefined) {
      await client().delete(paths.credential.replace(':id', encodeURIComponent(revoke)))
      print(output, { revoked: revoke }, ({ revoked }) => `${revoked} is revoked.`)
      return
    }
    print(output, await client().get<CredentialView[]>(paths.credentials), held =>
      table(
        held.map(each => [each.id, each.resource, each.principal, when(each.expiresAt)]),
        ['id', 'resource', 'principal', 'until'],
        'No credential is in force.',
      ),
    )
  })

  const requests = program
    .command('requests [id]')
    .description(
      'held statements, requests for time and reviews: yours, and those you may decide; with an id, that one whole',
    )
    .option('--state <state>', 'only those: pending, approved, denied, …')
    .option('--limit <n>', 'how many', '100')
    .option('--before <id>', 'the next page: the last id of this one')
    .option('--cancel', 'take that one back: it is yours')
  runs(requests, async ({ client, output }, id) => {
    if (requests.opts<{ cancel?: boolean }>().cancel === true) {
      if (id === undefined) throw new WrongUsage('--cancel needs the id of the request.')
      const path = paths.cancel.replace(':id', encodeURIComponent(id))
      print(output, await client().post<AccessRequestView>(path), requestText)
      return
    }
    if (id !== undefined) {
      const path = paths.request.replace(':id', encodeURIComponent(id))
      print(output, await client().get<AccessRequestView>(path), requestText)
      return
    }
    const { state, limit, before } = requests.opts<{
      state?: string
      limit: string
      before?: string
    }>()
    const query = new URLSearchParams({ limit: String(wholeNumber('--limit', limit, 1)) })
    if (state !== undefined) query.set('state', state)
    if (before !== undefined) query.set('before', before)
    print(output, await client().get<AccessRequestView[]>(`${paths.requests}?${query}`), found =>
      table(
        found.map(each => [
          each.id,
          stateText(each),
          each.kind,
          each.principal,
          each.resource,
          each.statement,
          when(each.createdAt),
        ]),
        ['id', 'state', 'kind', 'who', 'resource', 'statement', 'asked'],
        'No requests.',
      ),
    )
  })

  for (const vote of ['approve', 'deny'] as const) {
    const command = program
      .command(`${vote} <id>`)
      .description(
        vote === 'approve'
          ? 'let a held statement run, once; or give the right for a time that was asked for'
          : 'refuse a held statement or a request for time',
      )
      .option('--reason <text>', 'why; who asked is told')
    if (vote === 'approve')
      command
        .option(
          '--max-rows <n>',
          'roll back when it would change more rows, in place of the default',
        )
        .option('--for <duration>', 'of a right for a time: shorter, or longer')
        .option('--actions <list>', 'of a right for a time: fewer')
        .option('--uses <n>', 'of a right for a time: for so many sessions')
    runs(command, async ({ client, output }, id) => {
      const {
        reason,
        maxRows,
        for: time,
        actions,
        uses,
      } = command.opts<{
        reason?: string
        maxRows?: string
        for?: string
        actions?: string
        uses?: string
      }>()
      const request = await client().post<AccessRequestView>(
        paths[vote].replace(':id', encodeURIComponent(id ?? '')),
        {
          ...(reason === undefined ? {} : { reason }),
          ...(maxRows === undefined ? {} : { maxRows: wholeNumber('--max-rows', maxRows) }),
          ...(time === undefined ? {} : { seconds: seconds(time) }),
          ...(actions === undefined ? {} : { actions: actionsOf(actions) }),
          ...(uses === undefined ? {} : { uses: wholeNumber('--uses', uses, 1) }),
        },
      )
      print(output, request, requestText)
    })
  }

  const grants = program
    .command('grants')
    .description('rights for a time: yours; all with console:read')
    .option('--ended', 'those that have ended too')
    .option('--revoke <id>', 'end one now')
    .option('--give <principal>', 'give one to somebody; needs --resource and --reason')
    .option('--resource <name>', 'of --give: on what')
    .option('--actions <list>', 'of --give: comma-separated', 'connect,read')
    .option('--for <duration>', 'of --give: e.g. 30m, 2h; 8h at most', '1h')
    .option('--reason <text>', 'of --give: why; it is on record')
  runs(grants, async ({ client, output }) => {
    const options = grants.opts<{
      ended?: boolean
      revoke?: string
      give?: string
      resource?: string
      actions: string
      for: string
      reason?: string
    }>()
    if (options.revoke !== undefined) {
      const ended = await client().delete<GrantView>(
        paths.grant.replace(':id', encodeURIComponent(options.revoke)),
      )
      print(output, ended, grant => `${plain(grant.id)} is revoked; its sessions end.`)
      return
    }
    if (options.give !== undefined) {
      if (options.resource === undefined || options.reason === undefined)
        throw new WrongUsage('--give needs --resource and --reason.')
      const grant = await client().post<GrantView>(paths.grants, {
        principal: options.give,
        resource: options.resource,
        actions: actionsOf(options.actions),
        seconds: seconds(options.for),
        reason: options.reason,
      })
      print(
        output,
        grant,
        given =>
          `${plain(given.id)}: ${plain(given.principal)} on ${plain(given.resource)} until ${when(given.expiresAt)}`,
      )
      return
    }
    print(
      output,
      await client().get<GrantView[]>(`${paths.grants}?ended=${options.ended === true}`),
      found =>
        table(
          found.map(each => [
            each.id,
            each.principal,
            each.resource,
            each.actions.join(','),
            usesText(each),
            when(each.expiresAt),
            each.reason,
          ]),
          ['id', 'principal', 'resource', 'actions', 'sessions', 'until', 'reason'],
          'No grants.',
        ),
    )
  })
}

function usesText({ maxUses, uses = 0, breakGlass }: GrantView): string {
  if (breakGlass === true) return 'broken glass'
  return maxUses === undefined ? '' : `${uses} of ${maxUses}`
}

function resourceText(resource: ResourceView): string {
  const tags = Object.entries(resource.tags).map(([key, value]) => `${key}=${value}`)
  return [
    `${colors.bold(plain(resource.name))}  ${plain(resource.protocol)}  ${colors.dim(plain(tags.join(' ')))}`,
    ...resource.connect.map(line => `  ${plain(line)}`),
  ].join('\n')
}
