// Which addresses an upstream may have. Its name is resolved once for each connection and the connection goes to what was checked,
// so that a name that changes its mind (DNS rebinding) leads nowhere it should not.
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import {
  type AddressKind,
  destination,
  holds,
  kindOf,
  parseRange,
  type Range,
} from '#engines/addresses'
import { ConfigurationError, UpstreamError } from '#model'

/** What a resource may open by its name. */
const NAMED: readonly AddressKind[] = ['loopback', 'private', 'link-local']

export interface AddressRule {
  permits(address: string): boolean
  /** Whether the resource's own setting may be this very address. */
  permitsNamed(address: string): boolean
}

/** `allow`: names of ranges, or CIDRs. Throws ConfigurationError. */
export function addressRule(allow: readonly string[] = []): AddressRule {
  const named = NAMED.filter(kind => allow.includes(kind))
  const ranges = allow.flatMap(each => (isNamed(each) ? [] : [rangeOf(each)]))
  const inRange = (address: string) => {
    const plain = destination(address)
    return plain !== undefined && ranges.some(range => holds(range, plain))
  }
  return {
    permitsNamed(address) {
      const kind = kindOf(address)
      return inRange(address) || kind === 'public' || isNamed(kind)
    },
    permits(address) {
      const kind = kindOf(address)
      return inRange(address) || kind === 'public' || named.some(each => each === kind)
    },
  }
}

function isNamed(kind: string | undefined): boolean {
  return NAMED.some(each => each === kind)
}

function rangeOf(text: string): Range {
  const range = parseRange(text)
  if (range !== undefined) return range
  throw new ConfigurationError(
    'configuration_invalid',
    `"${text}" is neither loopback, private or link-local nor a range of addresses`,
  )
}

/**
 * The addresses that may be connected to, in the resolver's order. An address that the resource itself is given by is named
 * thereby. Throws UpstreamError.
 */
export async function resolveAddresses(
  host: string,
  rule: AddressRule,
  resolve: (host: string) => Promise<readonly string[]> = lookUp,
): Promise<readonly string[]> {
  if (isIP(host) !== 0) {
    if (rule.permitsNamed(host)) return [host]
    throw new UpstreamError(
      'upstream_refused',
      'the address of the resource is one that its settings do not allow',
      { cause: notAllowed([host]) },
    )
  }
  let found: readonly string[]
  try {
    found = await resolve(host)
  } catch (cause) {
    throw new UpstreamError(
      'upstream_unreachable',
      'the resource cannot be reached: its name does not resolve',
      { cause },
    )
  }
  // RFC 6761 section 6.3: this name is the loopback, whatever a resolver says.
  const local = host === 'localhost' || host.endsWith('.localhost')
  const permitted = found.filter(address =>
    local ? kindOf(address) === 'loopback' : rule.permits(address),
  )
  if (permitted.length === 0)
    throw new UpstreamError(
      'upstream_refused',
      'the name of the resource leads to an address that its settings do not allow',
      { cause: notAllowed(found) },
    )
  return permitted
}

/** For the operator: what it leads to, and what would allow that. */
function notAllowed(addresses: readonly string[]): Error {
  const kinds = [...new Set(addresses.map(address => kindOf(address) ?? 'no address'))]
  return new Error(
    `${addresses.join(', ')}: ${kinds.join(', ')}, which \`addresses\` does not name`,
  )
}

async function lookUp(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true })
  return found.map(each => each.address)
}
