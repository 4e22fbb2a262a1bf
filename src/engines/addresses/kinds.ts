// What lies at an address: the public internet, a network of our own, this machine, or where a cloud hands out credentials.
import { type Address, holds, parseAddress, parseRange, type Range } from './address.ts'

/**
 * `metadata`: where clouds hand out credentials to whoever asks from inside, in whichever range they do. `special`: nobody's,
 * everybody's, or a way around the others (the IANA registries of RFC 6890, and what came later).
 */
export type AddressKind = 'public' | 'private' | 'loopback' | 'link-local' | 'metadata' | 'special'

/** The first that holds an address says its kind. */
const KINDS: readonly (readonly [AddressKind, readonly Range[]])[] = [
  [
    'metadata',
    ranges(
      '169.254.169.254/32',
      '169.254.170.0/24',
      '100.100.100.200/32',
      '168.63.129.16/32',
      'fd00:ec2::/64',
      'fd20:ce::254/128',
    ),
  ],
  ['loopback', ranges('127.0.0.0/8', '::1/128')],
  ['link-local', ranges('169.254.0.0/16', 'fe80::/10')],
  ['private', ranges('10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7')],
  [
    'special',
    ranges(
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
    ),
  ],
]

/** IPv6 ranges whose addresses lead to IPv4 ones: mapped, translated, NAT64, 6to4, compatible; and where those stand. */
const CARRIERS: readonly (readonly [Range, bigint])[] = [
  [one('::ffff:0:0/96'), 0n],
  [one('::ffff:0:0:0/96'), 0n],
  [one('64:ff9b::/96'), 0n],
  [one('2002::/16'), 80n],
  [one('::/96'), 0n],
]

/** The address that one leads to: IPv4 in the clothes of IPv6 is what it is. Undefined for what is no address. */
export function destination(text: string): Address | undefined {
  const address = parseAddress(text)
  // `::` and `::1` are no IPv4 addresses.
  if (address === undefined || address.bits === 32 || address.value <= 1n) return address
  const carrier = CARRIERS.find(([range]) => holds(range, address))
  if (carrier === undefined) return address
  return { bits: 32, value: (address.value >> carrier[1]) & 0xffff_ffffn }
}

/** By what it leads to. Undefined for what is no address, one with a zone among others. */
export function kindOf(text: string): AddressKind | undefined {
  const address = destination(text)
  if (address === undefined) return undefined
  const found = KINDS.find(([, all]) => all.some(range => holds(range, address)))
  return found?.[0] ?? 'public'
}

function ranges(...texts: string[]): readonly Range[] {
  return texts.map(one)
}

function one(text: string): Range {
  const range = parseRange(text)
  if (range === undefined) throw new Error(`${text} is no range`)
  return range
}
