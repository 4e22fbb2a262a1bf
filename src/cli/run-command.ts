// run -- COMMAND: a program with a local port for each resource that its user may connect to, told of them by its environment.
import { type Command, Option } from 'commander'
import { paths, type ResourceView } from '#contract'
import { InvalidRequest } from '#model'
import { findResource } from './connect-command.ts'
import type { GatewayClient } from './gateway-client.ts'
import { type Invocation, runs, WrongUsage } from './invocation.ts'
import { type LocalPort, openLocalPort } from './local-port.ts'
import type { LoadProtocols, Protocol } from './protocol-facts.ts'
import { plain } from './report.ts'
import { runTool } from './run-tool.ts'
import { type HeldFile, temporaryFile } from './tool-file.ts'

interface Reached {
  readonly resource: ResourceView
  readonly port: LocalPort
  readonly file: HeldFile | undefined
  /** As its native tool reads it. */
  readonly native: Readonly<Record<string, string>>
  /** For programs that take one. */
  readonly url: string
}

export function runCommand(program: Command, protocols: LoadProtocols): void {
  const command = program
    .command('run [command...]')
    .description(
      'runs a command with a local port for each resource that you may connect to, in its environment',
    )
    .addOption(
      new Option('--resource <name>', 'this one; may be given again')
        .argParser((name: string, before: readonly string[]) => [...before, name])
        .default([], 'all'),
    )
  runs(command, async (invocation, ...tool) => {
    if (tool.length === 0) throw new WrongUsage('Run what? sallyport run -- COMMAND.')
    const client = invocation.client()
    const known = await protocols()
    const resources = await wanted(client, command.opts<{ resource: readonly string[] }>().resource)
    const reached: Reached[] = []
    try {
      for (const resource of resources) {
        const protocol = known.find(({ name }) => name === resource.protocol)
        if (protocol !== undefined)
          reached.push(await reach(invocation, client, resource, protocol))
        else
          invocation.output.error(
            `${plain(resource.name)} is left out: this version does not know ${plain(resource.protocol)}.`,
          )
      }
      return await runTool(tool, environmentOf(reached))
    } finally {
      for (const { port, file } of reached) {
        file?.remove()
        port.close()
      }
    }
  })
}

async function wanted(
  client: GatewayClient,
  names: readonly string[],
): Promise<readonly ResourceView[]> {
  if (names.length > 0)
    return Promise.all([...new Set(names)].map(name => findResource(client, name)))
  const mine = await client.get<ResourceView[]>(`${paths.resources}?mine=true`)
  if (mine.length > 0) return mine
  throw new InvalidRequest('resource_unknown', 'There is no resource that you may connect to.')
}

async function reach(
  invocation: Invocation,
  client: GatewayClient,
  resource: ResourceView,
  { tool }: Protocol,
): Promise<Reached> {
  const port = await openLocalPort(client, resource.name, 0, invocation)
  const endpoint = {
    host: '127.0.0.1',
    port: port.port,
    resource: resource.name,
    ca: client.ca ?? '',
  }
  try {
    const file = tool.file && temporaryFile(tool.file, endpoint)
    const native = { ...tool.environment(endpoint), ...file?.environment }
    return { resource, port, file, native, url: tool.url(endpoint) }
  } catch (error) {
    port.close()
    throw error
  }
}

/**
 * Of each resource `SALLYPORT_NAME_HOST`, `_PORT`, `_URL`, the path of its tool's file, and what its native tool reads where no other resource would fill the
 * same. Throws InvalidRequest: two names are one in capitals.
 */
export function environmentOf(
  reached: readonly Pick<Reached, 'resource' | 'port' | 'file' | 'native' | 'url'>[],
): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const { resource, native } of reached) {
    const shared = reached.some(
      other =>
        other.resource !== resource && Object.keys(native).some(name => name in other.native),
    )
    // Half of one resource's settings and half of another's would lead to neither.
    if (!shared) Object.assign(environment, native)
  }
  const own = new Map<string, string>()
  for (const { resource, port, file, url } of reached) {
    const word = resource.name.toUpperCase().replace(/[^A-Z0-9]/g, '_')
    const other = own.get(word)
    if (other !== undefined)
      throw new InvalidRequest(
        'request_invalid',
        `${other} and ${resource.name} would both be SALLYPORT_${word}_PORT.`,
        { hint: 'Name what you need: sallyport run --resource NAME -- COMMAND.' },
      )
    own.set(word, resource.name)
    environment[`SALLYPORT_${word}_HOST`] = '127.0.0.1'
    environment[`SALLYPORT_${word}_PORT`] = String(port.port)
    environment[`SALLYPORT_${word}_URL`] = url
    for (const [name, path] of Object.entries(file?.environment ?? {}))
      environment[`SALLYPORT_${word}_${name}`] = path
  }
  return environment
}
