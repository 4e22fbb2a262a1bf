import { BlockList, isIP } from 'node:net'
import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { destination, holds, kindOf, parseAddress, parseRange } from './index.ts'

const v4 = fc.ipV4()
const v6 = fc.ipV6()

describe('an address', () => {
  it('is what Node takes for one, but for zones', () => {
    const texts = fc.oneof(v4, v6, fc.stringMatching(/^[0-9a-f:.%]{0,20}$/))
    fc.assert(
      fc.property(texts, text => {
        const expected = text.includes('%') ? 0 : isIP(text)
        expect([0, 32, 128].indexOf(parseAddress(text)?.bits ?? 0)).toBe(
          [0, 4, 6].indexOf(expected),
        )
      }),
      { numRuns: 2_000 },
    )
  })

  it('lies in a range when Node says so', () => {
    const both = fc.oneof(fc.tuple(v4, v4, fc.nat(32)), fc.tuple(v6, v6, fc.nat(128)))
    fc.assert(
      fc.property(both, fc.boolean(), ([network, other, prefix], same) => {
        const address = same ? network : other
        const family = isIP(network) === 4 ? 'ipv4' : 'ipv6'
        const list = new BlockList()
        list.addSubnet(network, prefix, family)
        const range = parseRange(`${network}/${prefix}`)
        const parsed = parseAddress(address)
        expect(range && parsed && holds(range, parsed)).toBe(list.check(address, family))
      }),
      { numRuns: 2_000 },
    )
  })

  it('in the clothes of IPv6 is the one that it leads to', () => {
    fc.assert(
      fc.property(v4, text => {
        const address = parseAddress(text)
        const hex = address?.value.toString(16).padStart(8, '0') ?? ''
        const groups = `${hex.slice(0, 4)}:${hex.slice(4)}`
        const spellings = [
          `::ffff:${text}`,
          `::FFFF:${groups}`,
          `0:0:0:0:0:ffff:${groups}`,
          `::ffff:0:${text}`,
          `64:ff9b::${groups}`,
          `2002:${groups}::1`,
        ]
        // Which of `::0.0.0.0` and `::0.0.0.1` are addresses of their own.
        if ((address?.value ?? 0n) > 1n) spellings.push(`::${text}`)
        for (const each of spellings) {
          expect(destination(each), each).toEqual(address)
          expect(kindOf(each), each).toBe(kindOf(text))
        }
      }),
    )
  })
})

it('is of one kind, and of none when it is no address', () => {
  const kinds = {
    public: ['93.184.216.34', '2606:2800:220:1::1', '172.32.0.1', '100.128.0.1', '2a00::1'],
    private: ['10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', 'fd00::1'],
    loopback: ['127.0.0.1', '127.8.8.8', '::1'],
    'link-local': ['169.254.1.1', 'fe80::1'],
    metadata: ['169.254.169.254', '169.254.170.2', '168.63.129.16', 'fd00:ec2::254'],
    special: ['0.0.0.0', '192.0.2.1', '224.0.0.1', '255.255.255.255', '::', 'ff02::1', '2001::1'],
  }
  for (const [kind, all] of Object.entries(kinds))
    for (const text of all) expect(kindOf(text), text).toBe(kind)
  const none = [
    '',
    'fe80::1%eth0',
    '127.1',
    '0x7f.1',
    '010.0.0.1',
    '1.2.3.4.5',
    ':::',
    '1::2::3',
    '[::1]',
    '::1.2.3',
  ]
  for (const text of none) expect(kindOf(text), text).toBeUndefined()
})
