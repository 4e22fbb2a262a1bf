// connect RESOURCE: a local port that asks no password, or the native tool pointed at one.
import type { Command } from 'commander'
import { paths, type ResourceView } from '#contract'
import { InvalidRequest } from '#model'
import type { GatewayClient } from './gateway-client.ts'
import { type Invocation, runs, WrongUsage, wholeNumber } from './invocation.ts'
import { openLocalPort } from './local-port.ts'
import type { LoadProtocols } from './protocol-facts.ts'
import { jsonText, plain } from './report.ts'
import { runTool } from './run-tool.ts'
import { type HeldFile, temporaryFile, writeToolFile } from './tool-file.ts'

export function connectCommand(program: Command, protocols: LoadProtocols): void {
  const command = program
    .command('connect <resource> [tool...]')
    .description('a local port without a password; with a tool after --, runs it on that port')
    .option('--port <n>', 'the local port; 0 picks one', '0')
    .option(
      '--write [file]',
      'no port: the gateway goes into a file of the native tool (a kubeconfig), for good',
    )
  runs(command, async (invocation, name, ...tool) => {
    const client = invocation.client()
    const resource = await findResource(client, name ?? '')
    const protocol = (await protocols()).find(each => each.name === resource.protocol)
    if (protocol === undefined)
      throw new InvalidRequest(
        'request_invalid',
        `This version does not know ${resource.protocol}.`,
      )
    const { port: wanted, write } = command.opts<{ port: string; write?: string | true }>()
    if (write !== undefined) {
      if (tool.length > 0) throw new WrongUsage('--write runs no tool.')
      writeToolFile(invocation, client, resource, protocol, write === true ? undefined : write)
      return 0
    }
    const port = wholeNumber('--port', wanted)
    if (port > 65_535) throw new WrongUsage('--port takes a port.')
    const local = await openLocalPort(client, resource.name, port, invocation)
    const endpoint = {
      host: '127.0.0.1',
      port: local.port,
      resource: resource.name,
      ca: client.ca ?? '',
    }
    let file: HeldFile | undefined
    try {
      if (protocol.tool.file !== undefined) file = temporaryFile(protocol.tool.file, endpoint)
      const environment = { ...protocol.tool.environment(endpoint), ...file?.environment }
      const [native = '', ...given] = protocol.tool.command
      const extra = protocol.tool.arguments?.(endpoint) ?? []
      const [program, ...rest] = tool
      // Another program than the native one finds its way by the environment.
      if (program !== undefined)
        return await runTool([program, ...(program === native ? extra : []), ...rest], environment)
      announce(invocation, resource.name, local.port, environment, [native, ...given, ...extra])
      await new Promise<void>(resolve => {
        if (invocation.signal.aborted) resolve()
        invocation.signal.addEventListener('abort', () => resolve(), { once: true })
        for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
      })
    } finally {
      file?.remove()
      local.close()
    }
    return 0
  })
}

/** Throws InvalidRequest when there is none of that name for this caller. */
export async function findResource(client: GatewayClient, name: string): Promise<ResourceView> {
  const resources = await client.get<ResourceView[]>(paths.resources)
  const found = resources.find(each => each.name === name)
  if (found === undefined) {
    const names = resources.map(each => each.name).join(', ')
    throw new InvalidRequest(
      'resource_unknown',
      `There is no resource "${name}" that you may connect to.`,
      {
        hint:
          names === ''
            ? 'There is none for you: whoever keeps the policies has to permit "connect".'
            : `There is: ${names}.`,
      },
    )
  }
  return found
}

function announce(
  { output }: Invocation,
  resource: string,
  port: number,
  environment: { readonly [name: string]: string },
  tool: readonly string[],
): void {
  if (output.json) {
    output.write(jsonText({ resource, host: '127.0.0.1', port, environment }))
    return
  }
  const settings = Object.entries(environment).map(([key, value]) => `${key}=${value}`)
  output.write(
    `${plain(resource)} is at 127.0.0.1:${port}, without a password, until Ctrl-C:\n  ${[...settings, ...tool].join(' ')}`,
  )
}
