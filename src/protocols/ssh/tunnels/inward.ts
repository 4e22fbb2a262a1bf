// Channels that the host opens: only where the client asked it to listen, or lent it its agent or its display, and each
// is judged by itself. A host that opens anything else is refused, and that is on record.
import { InvalidRequest, UpstreamError } from '#model'
import { OPEN_FAILURE, type Opening, onOpening, openChannel } from '../openings.ts'
import type { Gate } from './gate.ts'
import type { Lent } from './lent.ts'
import type { Listeners, Requested } from './listeners.ts'
import { answered } from './outward.ts'
import type { Tunnel } from './statement.ts'

/** For the client to take a channel: a person may be asked first (`ssh -o ForwardX11 ask`). */
const OFFER_MS = 30_000
/** Of what nobody asked for, so many are on record. */
const MOST_UNASKED = 20

/** What of the library's a channel to a client is asked for by. */
interface Offers {
  openssh_authAgent(id: number, window: number, packet: number): void
  x11(
    id: number,
    window: number,
    packet: number,
    from: { originAddr: string; originPort: number },
  ): void
  forwardedTcpip(
    id: number,
    window: number,
    packet: number,
    about: { boundAddr: string; boundPort: number; remoteAddr: string; remotePort: number },
  ): void
  openssh_forwardedStreamLocal(
    id: number,
    window: number,
    packet: number,
    about: { socketPath: string },
  ): void
}

interface Found {
  readonly tunnel: Tunnel
  readonly asAsked: Requested
}

export function serveInward(gate: Gate, listeners: Listeners, lent: Lent): void {
  let unasked = 0
  gate.backend.then(
    backend => {
      onOpening(backend.upstream.client, opening => {
        const found = askedFor(opening)
        if (found === undefined) return notAskedFor(opening, backend.session)
        void gate.pass(
          opening,
          () => found.tunnel,
          async ({ upstream }) => {
            const client = { stream: await offer(opening, found), pressed: gate.pressed }
            if (!gate.left.aborted)
              return { client, host: { stream: opening.accept(), pressed: upstream.pressed } }
            client.stream.close()
            throw new UpstreamError('upstream_lost', 'nobody waits for it any more')
          },
        )
      })
    },
    () => {}, // Safe: without a host nothing is opened by one.
  )

  function askedFor({ type, data }: Opening): Found | undefined {
    if (type === 'auth-agent@openssh.com')
      return lent.has('agent') ? { tunnel: { verb: 'auth-agent' }, asAsked: {} } : undefined
    if (type === 'x11')
      return lent.has('display') ? { tunnel: { verb: 'x11' }, asAsked: {} } : undefined
    if (type !== 'forwarded-tcpip' && type !== 'forwarded-streamlocal@openssh.com') return undefined
    const found = listeners.find(data)
    if (found === undefined) return undefined
    const { tunnel, asAsked } = found
    if ('path' in tunnel)
      return { tunnel: { verb: 'forwarded-streamlocal', path: tunnel.path }, asAsked }
    if (!('host' in tunnel)) return undefined
    // As it was asked: 0 where the host chose.
    const { host, port } = tunnel
    return { tunnel: { verb: 'forwarded-tcpip', host, port }, asAsked }
  }

  function offer({ data }: Opening, { tunnel: { verb }, asAsked }: Found) {
    const protocol = (gate.connection as unknown as { readonly _protocol: Offers })._protocol
    // The host's word, which the client may show or log.
    const from = /^[0-9a-f.:]{2,45}$/i.test(data.srcIP ?? '') ? (data.srcIP ?? '') : '0.0.0.0'
    const port = Math.min(data.srcPort ?? 0, 65_535)
    const { socketPath = '', bindAddr = '', bindPort = 0 } = asAsked
    return answered(OFFER_MS, opened => {
      openChannel(
        gate.connection,
        verb,
        (...sizes) => {
          if (verb === 'auth-agent') protocol.openssh_authAgent(...sizes)
          else if (verb === 'x11') protocol.x11(...sizes, { originAddr: from, originPort: port })
          else if (verb === 'forwarded-streamlocal')
            protocol.openssh_forwardedStreamLocal(...sizes, { socketPath })
          else
            protocol.forwardedTcpip(...sizes, {
              boundAddr: bindAddr,
              boundPort: bindPort,
              remoteAddr: from,
              remotePort: port,
            })
        },
        opened,
      )
    })
  }

  function notAskedFor(
    { type, refuse }: Opening,
    session: { refused(text: string, error: InvalidRequest): void },
  ): void {
    refuse(OPEN_FAILURE.prohibited, 'nobody asked for it')
    unasked += 1
    if (unasked > MOST_UNASKED) return
    const words = 'the host opened what nobody asked for'
    session.refused(
      `channel ${type}`.slice(0, 200),
      new InvalidRequest('message_unsupported', words),
    )
  }
}
