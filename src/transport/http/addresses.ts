// Which addresses an upstream may have. Its name is resolved once for each connection and the connection goes to what was checked,
// so that a name that changes its mind (DNS rebinding) leads nowhere it should not.
import { lookup } from 'node:dns/promises'
import { BlockList, isIP, isIPv4 } from 'node:net'
import { ConfigurationError, UpstreamError } from '#model'

const ranges = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'],
  'link-local': ['169.254.0.0/16', 'fe80::/10'],
} as const

/** Nobody's, everybody's, or a way around the other ranges; RFC 6890 and what came later. */
const NEVER = listOf([
  '0.0.0.0/8',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '3fff::/20',
  '5f00::/16',
  'fec0::/10',
  'ff00::/8',
])
/** Where clouds hand out credentials to whoever asks from inside. A range by its name does not open these. */
const METADATA = listOf([
  '169.254.169.254/32',
  '169.254.170.0/24',
  '100.100.100.200/32',
  '168.63.129.16/32',
  'fd00:ec2::/64',
  'fd20:ce::254/128',
])

const closed = listOf(Object.values(ranges).flat())

function listOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [address = '', bits = ''] = cidr.split('/')
    list.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  return list
}

function has(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

export interface AddressRule {
  permits(address: string): boolean
  /** Whether the resource's own setting may be this very address. */
  permitsNamed(address: string): boolean
}

/** `allow`: names of ranges, or CIDRs. Throws ConfigurationError. */
export function addressRule(allow: readonly string[] = []): AddressRule {
  const named: string[] = []
  const cidrs: string[] = []
  for (const each of allow) {
    if (each in ranges) named.push(...ranges[each as keyof typeof ranges])
    else if (isCidr(each)) cidrs.push(each)
    else
      throw new ConfigurationError(
        'configuration_invalid',
        `"${each}" is neither loopback, private or link-local nor a range of addresses`,
      )
  }
  const byName = listOf(named)
  const byRange = listOf(cidrs)
  return {
    permitsNamed(address) {
      const plain = embedded(address) ?? address
      return has(byRange, plain) || !(has(METADATA, plain) || has(NEVER, plain))
    },
    permits(address) {
      if (isIP(address) === 0 || address.includes('%')) return false
      const plain = embedded(address) ?? address
      if (has(byRange, plain)) return true
      if (has(METADATA, plain) || has(NEVER, plain)) return false
      return !has(closed, plain) || has(byName, plain)
    },
  }
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/')
  const version = isIP(address)
  return (
    more.length === 0 &&
    version !== 0 &&
    /^\d{1,3}$/.test(bits) &&
    Number(bits) <= (version === 4 ? 32 : 128)
  )
}

/** The IPv4 address that an IPv6 address leads to: mapped, compatible, NAT64 and 6to4 ones. */
function embedded(address: string): string | undefined {
  if (isIPv4(address)) return undefined
  const groups = expand(address)
  const zero = (from: number, to: number) => groups.slice(from, to).every(group => group === 0)
  const four = (at: number) => {
    const [high, low] = [groups[at]!, groups[at + 1]!]
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  }
  if (zero(0, 5) && groups[5] === 0xffff) return four(6)
  if (zero(0, 4) && groups[4] === 0xffff && groups[5] === 0) return four(6)
  if (groups[0] === 0x64 && groups[1] === 0xff9b && zero(2, 6)) return four(6)
  if (groups[0] === 0x2002) return four(1)
  if (zero(0, 6) && !(groups[6] === 0 && groups[7]! <= 1)) return four(6)
  return undefined
}

function expand(address: string): number[] {
  // The last 32 bits may be written as an IPv4 address.
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, a, b, c, d) =>
    [(Number(a) << 8) | Number(b), (Number(c) << 8) | Number(d)]
      .map(group => group.toString(16))
      .join(':'),
  )
  const [head = '', tail] = text.split('::')
  const parse = (part: string) =>
    part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))
  const first = parse(head)
  const last = tail === undefined ? [] : parse(tail)
  const gap: number[] = new Array(Math.max(0, 8 - first.length - last.length)).fill(0)
  return [...first, ...gap, ...last]
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
    local ? has(listOf(ranges.loopback), address) : rule.permits(address),
  )
  if (permitted.length === 0)
    throw new UpstreamError(
      'upstream_refused',
      'the name of the resource leads to an address that its settings do not allow',
    )
  return permitted
}

async function lookUp(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true })
  return found.map(each => each.address)
}
