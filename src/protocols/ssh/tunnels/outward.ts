// Tunnels that the client opens: to an address or a socket behind the host, or to the resource itself. The host is asked
// to open the far end; the gateway opens no socket but to the resource, whose address an operator named.
import type { ClientChannel } from 'ssh2'
import { InvalidRequest, UpstreamError } from '#model'
import type { Backend } from '../backend.ts'
import { OPEN_FAILURE, type Opening, onOpening } from '../openings.ts'
import { readHost, readPort, readSocketPath } from './destination.ts'
import type { Gate } from './gate.ts'
import type { End } from './joint.ts'
import type { Tunnel } from './statement.ts'

/** What `ssh -J` asks for. */
const SSH_PORT = 22
const NOT_SERVED = new InvalidRequest('message_unsupported', 'this kind of channel is not served')

export function serveOutward(gate: Gate): void {
  onOpening(gate.connection, opening => {
    const read = READERS[opening.type]
    if (read === undefined) return void unknown(gate, opening)
    void gate.pass(
      governed(opening),
      backend => read(opening, backend),
      async (backend, tunnel) => {
        const host = await reach(tunnel, backend)
        if (!gate.left.aborted)
          return { host, client: { stream: opening.accept(), pressed: gate.pressed } }
        host.stream.destroy()
        throw new UpstreamError('upstream_lost', 'nobody waits for it any more')
      },
    )
  })
}

const READERS: Readonly<Record<string, (opening: Opening, backend: Backend) => Tunnel>> = {
  'direct-tcpip': ({ data }, { session }) => {
    const host = readHost(data.destIP ?? '')
    const port = readPort(data.destPort, 1)
    return host === session.resource.name && port === SSH_PORT
      ? { verb: 'jump' }
      : { verb: 'direct-tcpip', host, port }
  },
  'direct-streamlocal@openssh.com': ({ data }) => ({
    verb: 'direct-streamlocal',
    path: readSocketPath(data.socketPath ?? ''),
  }),
}

/** To a host's own port: there may be a way that is decided command by command. Nothing is said of whether there is. */
function governed(opening: Opening): Opening {
  const { destIP = '', destPort } = opening.data
  if (destPort !== SSH_PORT || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(destIP)) return opening
  const hint = `if ${destIP} is a name that the gateway knows: ssh ${destIP}@GATEWAY`
  return { ...opening, refuse: (reason, words) => opening.refuse(reason, `${words}; ${hint}`) }
}

/** Of another kind (`tun@openssh.com`, ...), or one that only a host opens. */
async function unknown(gate: Gate, opening: Opening): Promise<void> {
  opening.refuse(OPEN_FAILURE.unknown, 'this kind of channel is not served')
  gate.onRefused()
  try {
    const { session } = await gate.backend
    session.refused(`channel ${opening.type}`.slice(0, 1_024), NOT_SERVED)
  } catch {
    // Safe: without a session there is nothing to put it in, and the channel is refused.
  }
}

function reach(tunnel: Tunnel, { session, upstream }: Backend): Promise<End> {
  const { client, pressed, startMs } = upstream
  if (tunnel.verb === 'jump') {
    const { host, port } = session.resource.upstream
    return session.dial(host, port).then(stream => ({ stream, pressed: () => undefined }))
  }
  const { ip, port } = session.origin
  return answered(startMs, opened => {
    if ('path' in tunnel) client.openssh_forwardOutStreamLocal(tunnel.path, opened)
    else if ('host' in tunnel) client.forwardOut(ip, port, tunnel.host, tunnel.port, opened)
  }).then(stream => ({ stream, pressed }))
}

type OnOpened = (error: Error | undefined, channel?: ClientChannel) => void

/** What the other end answers, in time; what comes later is closed. */
export function answered(ms: number, ask: (opened: OnOpened) => void): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    let gaveUp = false
    const late = setTimeout(() => {
      gaveUp = true
      reject(new UpstreamError('upstream_refused', 'it was not answered in time'))
    }, ms)
    ask((error, channel) => {
      clearTimeout(late)
      if (channel === undefined) return reject(error)
      channel.on('error', () => {}) // `close` follows
      if (gaveUp) channel.close()
      resolve(channel)
    })
  })
}
