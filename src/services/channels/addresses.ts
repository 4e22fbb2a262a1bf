// Where a channel may lead: a name that an outsider controls must not reach into the network behind the gateway.
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { isLoopback } from '#config'
import { DeliveryFailed } from './channel.ts'

/** IANA special-purpose registries (RFC 6890): nothing of the public internet is in them. */
const special = blockList([
  '0.0.0.0/8',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fec0::/10',
  'ff00::/8',
])
/** `allowPrivate` opens these. */
const own = blockList([
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
])
/** This machine, and where clouds hand out credentials to whoever asks from inside, in whichever range they do. */
const near = blockList([
  '127.0.0.0/8',
  '169.254.0.0/16',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '::1/128',
  'fd00:ec2::/64',
  'fd20:ce::254/128',
  'fe80::/10',
])

export interface Target {
  readonly address: string
  readonly family: 4 | 6
}

/**
 * Resolves a host, once: the connection goes to this address and no other. Throws DeliveryFailed when there is none,
 * or when one of its addresses is not permitted.
 */
export async function targetOf(host: string, allowPrivate: boolean): Promise<Target> {
  const name = host.replace(/^\[|\]$/g, '')
  const found = await resolve(name)
  const permitted = (address: string): boolean =>
    isLoopback(name) ? isLoopback(mapped(address)) : isPublic(address, allowPrivate)
  // All of them: of two addresses, the one that is used must not be a matter of luck.
  const wrong = found.find(({ address }) => !permitted(address))
  if (wrong !== undefined) {
    throw new DeliveryFailed(
      `${name} leads to ${wrong.address}, which is not public (allowPrivate permits private networks)`,
    )
  }
  const [first] = found
  if (first === undefined) throw new DeliveryFailed(`${name} has no address`)
  return { address: first.address, family: first.family === 6 ? 6 : 4 }
}

async function resolve(name: string): Promise<{ address: string; family: number }[]> {
  const family = isIP(name)
  if (family !== 0) return [{ address: name, family }]
  try {
    return await lookup(name, { all: true })
  } catch {
    // Not safe to go on without one; the resolver's own words add nothing.
    throw new DeliveryFailed(`${name} cannot be resolved`)
  }
}

function isPublic(address: string, allowPrivate: boolean): boolean {
  const plain = mapped(address)
  const kind = isIP(plain) === 6 ? 'ipv6' : 'ipv4'
  if (isIP(plain) === 0 || near.check(plain, kind) || special.check(plain, kind)) return false
  return allowPrivate || !own.check(plain, kind)
}

/** IPv4 in the clothes of IPv6 (`::ffff:10.0.0.1`, also written `::ffff:a00:1`) is judged as what it is. */
function mapped(address: string): string {
  const bare = address.replace(/%.*$/, '').toLowerCase()
  const dotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1]
  if (dotted !== undefined) return dotted
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(bare) ?? []
  if (high === undefined || low === undefined) return bare
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return `${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits = ''] = range.split('/')
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}
