// exec, attach and port-forward: which pod and what in it, then the framing that the client asked for.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Channels, type Command, runCommand } from './commands.ts'
import type { Target } from './info.ts'
import { isYes, items, type KubeObject, text } from './objects.ts'
import { type Cluster, containerOf } from './requests.ts'
import { forwardOverSpdy, serveSpdy } from './spdy.ts'
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
  serveStreams(request, socket, head, pod, target.subresource, url.searchParams)
}

/** By the API server's name of what is asked. The kubelet of a real one answers so too. */
export function serveStreams(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  pod: KubeObject,
  subresource: string,
  query: URLSearchParams,
): void {
  const upgrade = String(request.headers.upgrade ?? '').toLowerCase()
  if (upgrade !== 'websocket' && upgrade !== 'spdy/3.1')
    throw new StatusError(400, 'unable to upgrade: neither websocket nor SPDY/3.1')
  const spdy = upgrade === 'spdy/3.1'
  if (subresource === 'portforward') {
    if (spdy) forwardOverSpdy(request, socket, head)
    else forwardPorts(request, socket, head, query)
    return
  }
  const wanted = wantedOf(pod, subresource, query)
  if (spdy) serveSpdy(request, socket, head, wanted)
  else serveWebSocket(request, socket, head, wanted)
}

/** The kubelet has other names for the three. */
const yes = (query: URLSearchParams, ...names: string[]) => names.some(name => isYes(query, name))

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
    stdin: yes(query, 'stdin', 'input'),
    stdout: yes(query, 'stdout', 'output'),
    stderr: yes(query, 'stderr', 'error') && !tty,
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
