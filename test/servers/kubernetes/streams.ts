// exec, attach and port-forward: which pod and what in it, then the framing that the client asked for.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Channels, type Command, runCommand } from './commands.ts'
import type { Target } from './info.ts'
import { items, type KubeObject, text } from './objects.ts'
import { type Cluster, containerOf } from './requests.ts'
import { StatusError, unknownPath } from './status.ts'
import { forwardPorts, serveWebSocket } from './websockets.ts'

/** What a client asks of a pod's streams; the kubelet serves the same. */
export interface Wanted {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
  run(channels: Channels): void
}

export function upgraded(
  cluster: Cluster,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  url: URL,
  target: Target | undefined,
): void {
  if (target === undefined || target.type.kind !== 'Pod') throw unknownPath()
  const pod = cluster.writes.require(target.type, target.namespace, target.name)
  const { searchParams: query } = url
  if (!/^websocket$/i.test(request.headers.upgrade ?? ''))
    throw new StatusError(400, 'unable to upgrade: only websocket is served')
  if (target.subresource === 'portforward') forwardPorts(request, socket, head, query)
  else serveWebSocket(request, socket, head, wantedOf(pod, target.subresource, query))
}

const yes = (query: URLSearchParams, name: string) =>
  ['true', '1'].includes(query.get(name) ?? 'false')

function wantedOf(pod: KubeObject, subresource: string, query: URLSearchParams): Wanted {
  const container = containerOf(pod, query.get('container'))
  const tty = yes(query, 'tty')
  const command: Command = {
    argv: subresource === 'exec' ? query.getAll('command') : ownCommand(pod, container),
    tty,
  }
  if (subresource === 'exec' && command.argv.length === 0)
    throw new StatusError(400, 'you must specify at least 1 command for the container')
  return {
    stdin: yes(query, 'stdin'),
    stdout: yes(query, 'stdout'),
    stderr: yes(query, 'stderr') && !tty,
    tty,
    run: channels => {
      runCommand(command, channels)
    },
  }
}

/** What one attaches to: the container's own command, a shell when it names none. */
function ownCommand(pod: KubeObject, name: string): string[] {
  const lists = ['containers', 'initContainers', 'ephemeralContainers']
  const found = lists
    .flatMap(list => items(pod, 'spec', list))
    .find(one => text(one, 'name') === name)
  const argv = [...items(found, 'command'), ...items(found, 'args')].map(String)
  return argv.length === 0 ? ['/bin/sh'] : argv
}
