// A tunnel as a Statement, and its text, which reads back: each kind of channel is a verb of its own, so that no policy
// and no yes about one fits another.
import type { Statement, TunnelEnd } from '#model'
import { hostAndPort, readHost, readListen, readPort, readSocketPath } from './destination.ts'

/** The first word of each text: no program can be called so. */
export const TUNNEL = '<tunnel>'
/** The resource itself, reached without a login of ours. */
const RESOURCE_ITSELF = '<host>'
const LISTEN = '<listen>'

/** What is asked, with where to in its one form. */
export type Tunnel =
  | {
      readonly verb: 'direct-tcpip' | 'tcpip-forward' | 'forwarded-tcpip'
      readonly host: string
      readonly port: number
    }
  | {
      readonly verb: 'direct-streamlocal' | 'streamlocal-forward' | 'forwarded-streamlocal'
      readonly path: string
    }
  | { readonly verb: 'jump' | 'auth-agent-req' | 'auth-agent' | 'x11-req' | 'x11' }

const LISTENS: ReadonlySet<string> = new Set([
  'tcpip-forward',
  'forwarded-tcpip',
  'streamlocal-forward',
  'forwarded-streamlocal',
])
const BARE: ReadonlyMap<string, { readonly object: string; readonly kind: TunnelEnd['kind'] }> =
  new Map([
    ['jump', { object: RESOURCE_ITSELF, kind: 'host' }],
    ['auth-agent-req', { object: '<agent>', kind: 'agent' }],
    ['auth-agent', { object: '<agent>', kind: 'agent' }],
    ['x11-req', { object: '<display>', kind: 'display' }],
    ['x11', { object: '<display>', kind: 'display' }],
  ])

/** `login`: the upstream login. */
export function tunnelStatement(tunnel: Tunnel, login: string): Statement {
  const { address, object, kind, end } = read(tunnel)
  return {
    text: [TUNNEL, tunnel.verb, ...(address === undefined ? [] : [address])].join(' '),
    operations: [
      {
        action: 'tunnel',
        verb: tunnel.verb,
        object: { name: object, kind },
        columns: [],
        flags: [],
        tunnel: end,
      },
    ],
    functions: [],
    phase: 'execute',
    // Marked, so that a yes to a command of the same words is none to this.
    state: { login, channel: tunnel.verb },
    mayDeriveFrom: [],
  }
}

/** The statement that a text of ours tells of; undefined: it is none of ours. */
export function readTunnel(text: string, login: string): Statement | undefined {
  const [first, verb = '', ...rest] = text.split(' ')
  if (first !== TUNNEL) return undefined
  const address = rest.length === 0 ? undefined : rest.join(' ')
  const tunnel = tunnelOf(verb, address)
  return tunnel === undefined ? undefined : tunnelStatement(tunnel, login)
}

function read(tunnel: Tunnel): {
  readonly address: string | undefined
  readonly object: string
  readonly kind: string
  readonly end: TunnelEnd
} {
  const { verb } = tunnel
  const direction = verb === 'jump' || verb.startsWith('direct-') ? 'out' : 'in'
  if ('path' in tunnel) {
    const path = tunnel.path.slice(1)
    return {
      address: quoted(tunnel.path),
      object: LISTENS.has(verb) ? `${LISTEN}/${path}` : path,
      kind: 'socket',
      end: { direction, kind: 'socket', host: '', port: 0 },
    }
  }
  if ('host' in tunnel) {
    const { host, port } = tunnel
    const address = hostAndPort(host, port)
    return {
      address,
      object: LISTENS.has(verb) ? `${LISTEN}/${address}` : address,
      kind: 'address',
      end: { direction, kind: 'tcp', host, port },
    }
  }
  const { object, kind } = BARE.get(verb) ?? { object: verb, kind: 'tcp' }
  return { address: undefined, object, kind, end: { direction, kind, host: '', port: 0 } }
}

function tunnelOf(verb: string, address: string | undefined): Tunnel | undefined {
  if (BARE.has(verb)) return address === undefined ? { verb: verb as 'jump' } : undefined
  if (address === undefined) return undefined
  try {
    switch (verb) {
      case 'direct-tcpip':
      case 'tcpip-forward':
      case 'forwarded-tcpip': {
        const [, bracketed, plain, port] =
          /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address) ?? []
        if (port === undefined) return undefined
        const listens = LISTENS.has(verb)
        const host = (listens ? readListen : readHost)(bracketed ?? plain ?? '')
        return { verb, host, port: readPort(Number(port), listens ? 0 : 1) }
      }
      case 'direct-streamlocal':
      case 'streamlocal-forward':
      case 'forwarded-streamlocal':
        return { verb, path: readSocketPath(unquoted(address)) }
    }
  } catch {
    // Safe: a text that cannot be read is no statement of ours.
  }
  return undefined
}

/** Plain paths stand as they are. */
function quoted(path: string): string {
  return /^\/[\p{L}\p{N}._@%+=:,/-]*$/u.test(path) ? path : JSON.stringify(path)
}

function unquoted(word: string): string {
  return word.startsWith('"') ? String(JSON.parse(word)) : word
}
