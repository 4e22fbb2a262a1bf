// Where a tunnel leads, in the one form that policies are asked about and the host is sent. Whatever a resolver could
// read as something else than it looks like is refused: `0x7f.1`, `127.1`, `fe80::1%eth0`, names that are no ASCII.
import { isIPv4, isIPv6 } from 'node:net'
import { InvalidRequest } from '#model'

/** RFC 1123, and underscores, which names of services have. */
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/
const LONGEST_NAME = 253
/** What inet_aton(3) takes for a number: an address, not a name. */
const NUMBER = /^(?:\d+|0x[0-9a-f]*)$/
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/
/** What is all addresses to whoever listens, and the machine itself to whoever connects. */
const UNSPECIFIED: ReadonlySet<string> = new Set(['0.0.0.0', '::'])
/** RFC 6761 section 6.3, nss-myhostname(8), and what systems write into /etc/hosts. */
const OWN_NAME = /^(?:.*\.)?(?:localhost[46]?(?:\.localdomain[46]?)?|ip6-(?:localhost|loopback))$/
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1'])
/** sockaddr_un's, without the NUL. */
const LONGEST_SOCKET = 107

/** Two addresses and a name of one thing have one form here, or a policy about one could be passed by another. */
export const LOCAL = 'localhost'
/** Every address of the host. */
export const EVERYWHERE = '0.0.0.0'

/** A host to connect to. Throws InvalidRequest. */
export function readHost(written: string): string {
  const host = formOf(written)
  if (UNSPECIFIED.has(host) || host.startsWith('0.'))
    throw unreadable('an address that is none cannot be connected to')
  return LOOPBACK.has(host) ? LOCAL : host
}

/** An address to listen on: RFC 4254 section 7.1. Throws InvalidRequest. */
export function readListen(written: string): string {
  if (written === '' || written === '*') return EVERYWHERE
  const host = formOf(written)
  if (UNSPECIFIED.has(host)) return EVERYWHERE
  return LOOPBACK.has(host) ? LOCAL : host
}

/** Throws InvalidRequest. `least`: 0 where the host may choose. */
export function readPort(port: number | undefined, least: 0 | 1): number {
  if (port === undefined || !Number.isInteger(port) || port < least || port > 65_535)
    throw unreadable('there is no such port')
  return port
}

/** A socket's path. Where links in it lead is not known here. Throws InvalidRequest. */
export function readSocketPath(written: string): string {
  const names = written.split('/').slice(1)
  const plain = names.every(name => name !== '' && name !== '.' && name !== '..')
  if (!written.startsWith('/') || !plain || /[\p{Cc}\p{Zl}\p{Zp}\ufffd]/u.test(written))
    throw unreadable('a socket is named by a whole path, without `..` or empty parts')
  if (Buffer.byteLength(written) > LONGEST_SOCKET) throw unreadable('a path too long for a socket')
  return written
}

/** As it is written before a port. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function formOf(written: string): string {
  if (written.includes(':')) return addressOf(written)
  // One dot at the end says that a name is whole; it is the same name.
  const name = written.replace(/\.$/, '').toLowerCase()
  const labels = name.split('.')
  if (name.length > LONGEST_NAME || !labels.every(label => LABEL.test(label)))
    throw unreadable('a host is named by letters, digits, `-` and dots')
  if (name !== LOCAL && OWN_NAME.test(name))
    throw unreadable(`some hosts take this name for themselves: it is written ${LOCAL}`)
  if (NUMBER.test(labels.at(-1) ?? '')) {
    if (!isIPv4(name) || written !== name)
      throw unreadable('an IPv4 address is four decimal numbers')
  }
  return name
}

function addressOf(written: string): string {
  // A zone says which of the host's own links: not for a client to name.
  if (!isIPv6(written) || written.includes('%')) throw unreadable('an IPv6 address cannot be read')
  // The one form of RFC 5952, by the platform's own reader.
  const form = new URL(`http://[${written}]/`).hostname.slice(1, -1)
  const [, high, low] = MAPPED.exec(form) ?? []
  if (high === undefined || low === undefined) return form
  const bits = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16)
  return [24, 16, 8, 0].map(shift => (bits >>> shift) & 255).join('.')
}

function unreadable(words: string): InvalidRequest {
  return new InvalidRequest('statement_unreadable', words)
}
