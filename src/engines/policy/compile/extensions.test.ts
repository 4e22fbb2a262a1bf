import { describe, expect, it } from 'vitest'
import { leastCpuMs } from '../../../../test/cpu.ts'
import { fc } from '../../../../test/property.ts'
import { expectSame } from './conditions.testing.ts'
import { like } from './like.ts'
import { CedarSet, Entity, equal, keyOf, toLong } from './values.ts'

const from = (alphabet: readonly string[], most: number) =>
  fc.array(fc.constantFrom(...alphabet), { maxLength: most }).map(parts => parts.join(''))
const digits = ['0', '1', '2', '5', '9', '10', '25', '32', '255', '256', '007']

describe('extension values are read as Cedar reads them', () => {
  const reads = (name: string, texts: fc.Arbitrary<string>, examples: readonly string[]) => {
    const conditions = (all: readonly string[]) =>
      all.map(text => `${name}(${JSON.stringify(text)}) == ${name}(${JSON.stringify(text)})`)
    expectSame(conditions(examples))
    fc.assert(
      fc.property(fc.array(texts, { minLength: 40, maxLength: 80 }), all =>
        expectSame(conditions(all)),
      ),
      { numRuns: 15 },
    )
  }

  it('ip', () => {
    const v4 = from([...digits, '.', '.', '.', '/'], 9)
    const exact = fc.tuple(
      from(digits, 1),
      from(digits, 1),
      from(digits, 2),
      from(digits, 1),
      from(['/', ...digits], 2),
    )
    const v6 = from(
      ['0', '1', 'f', 'F', 'abcd', '12345', ':', ':', ':', '::', '/', '64', '128', '129', '.'],
      12,
    )
    const four = exact.map(([a, b, c, d, rest]) => `${a}.${b}.${c}.${d}${rest}`)
    reads('ip', fc.oneof(v4, four, v6), [
      '0.0.0.0',
      '255.255.255.255/32',
      '1.2.3.4/33',
      '1.2.3.4/',
      '1.2.3.4/00',
      '1.2.3.4/08',
      '01.2.3.4',
      '1.2.3',
      '::',
      '::/0',
      '::1/128',
      '1:2:3:4:5:6:7:8',
      '1:2:3:4:5:6:7::',
      '::2:3:4:5:6:7:8',
      '1::2::3',
      ':::',
      ':1',
      '1:',
      '::ffff:1.2.3.4',
      '1:2:3:4:5:6:7:8:9',
      'fe80::1%eth0',
      '::1/129',
      '::1/0128',
      '',
      '/',
      ' 1.2.3.4',
      '1.2.3.4 ',
      '0000:0000:0000:0000:0000:0000:0000:0001/128',
      '00001::',
      '1.2.3.4/1/2',
      '+1.2.3.4',
      '1.2.3.4/+1',
      'é',
    ])
  })

  it('decimal', () => {
    reads('decimal', from(['-', '+', '.', ...digits, '922337203685477', '5807', '5808', 'e'], 5), [
      '1.0',
      '-1.0',
      '.1',
      '1.',
      '1',
      '1.00000',
      '1.0000',
      '922337203685477.5807',
      '922337203685477.5808',
      '-922337203685477.5808',
      '-922337203685477.5809',
      '-0.0',
      '',
      '00.1',
      '1.-1',
      ' 1.0',
      '-.1',
      '1.1e3',
    ])
  })

  it('duration', () => {
    reads(
      'duration',
      from(
        ['-', 'd', 'h', 'm', 's', 'ms', ...digits, '9223372036854775807', '9223372036854775808'],
        7,
      ),
      [
        '1d',
        '1d2h3m4s5ms',
        '2h1d',
        '',
        '-',
        'ms',
        '1m1ms',
        '1ms1s',
        '-1d',
        '--1d',
        '1d-1h',
        '106751991167d',
        '106751991168d',
        '9223372036854775807ms',
        '-9223372036854775808ms',
        '9223372036854775808ms',
        '106751991167d7h12m55s807ms',
        '106751991167d7h12m55s808ms',
        '-106751991167d7h12m55s808ms',
        '-106751991167d7h12m55s809ms',
        '1.5h',
        '1D',
        ' 1d',
        '18446744073709551616ms',
        '0d',
      ],
    )
  })

  it('datetime', () => {
    const part = (...some: readonly string[]) => fc.constantFrom(...some)
    const parts = fc
      .tuple(
        part('2024', '1900', '2000', '0000', '9999', '24', '02024', '-2024'),
        part('-', '/'),
        part('01', '02', '12', '13', '00', '1'),
        part('01', '28', '29', '30', '31', '32', '00'),
        part(
          '',
          'T00:00:00',
          'T23:59:59',
          'T24:00:00',
          'T23:60:00',
          'T23:59:60',
          't00:00:00',
          ' 00:00:00',
          'T00:00',
        ),
        part('', '.000', '.1', '.999', '.9999'),
        part('', 'Z', 'z', '+0000', '-0130', '+2359', '+2400', '+0060', '+01:00', '-00'),
      )
      .map(([y, dash, m, d, time, ms, zone]) => `${y}${dash}${m}-${d}${time}${ms}${zone}`)
    reads('datetime', parts, [
      '2024-10-15',
      '2024-10-15Z',
      '',
      '2024-1-1',
      '1969-12-31T23:59:59.999Z',
    ])
  })

  it('methods and comparisons', () => {
    const ips = [
      '10.0.0.0/8',
      '10.1.2.3',
      '10.1.2.3/4',
      '::/0',
      '::1',
      '::1/127',
      '127.0.0.1',
      '127.0.0.1/7',
      '224.0.0.0/3',
      '239.1.1.1',
      'ff00::',
      'ff00::/7',
      '0.0.0.0/0',
    ]
    const dates = [
      '2024-02-29',
      '1969-12-31T23:59:59.999Z',
      '0000-01-01',
      '9999-12-31T00:00:00+2359',
    ]
    const spans = [
      '1d',
      '-1ms',
      '-1d1h',
      '9223372036854775807ms',
      '-9223372036854775808ms',
      '0ms',
      '59s999ms',
    ]
    const decimals = ['1.0', '1.00', '-1.0', '0.0001', '922337203685477.5807']
    const pairs = (name: string, values: readonly string[], methods: readonly string[]) =>
      values.flatMap(a =>
        values.flatMap(b =>
          methods.map(method =>
            method.replace('A', `${name}("${a}")`).replace('B', `${name}("${b}")`),
          ),
        ),
      )
    expectSame([
      ...pairs('ip', ips, ['A.isInRange(B)', 'A == B']),
      ...ips.flatMap(ip =>
        ['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'].map(m => `ip("${ip}").${m}()`),
      ),
      ...pairs('datetime', dates, [
        'A < B',
        'A >= B',
        'A == B',
        'A.durationSince(B) > duration("1d")',
        'A.toDate() == B',
        'A.toTime() < B.toTime()',
      ]),
      ...pairs('duration', spans, [
        'A < B',
        'A == B',
        'A.toDays() <= B.toDays()',
        'A.toSeconds() == B.toSeconds()',
        'A.toMinutes() > B.toHours()',
        'A.toMilliseconds() > B.toMilliseconds()',
      ]),
      ...pairs('decimal', decimals, [
        'A.lessThan(B)',
        'A.lessThanOrEqual(B)',
        'A.greaterThan(B)',
        'A.greaterThanOrEqual(B)',
        'A == B',
        'A < B',
      ]),
      ...dates.flatMap(date =>
        spans.map(
          span => `datetime("${date}").offset(duration("${span}")) > datetime("2000-01-01")`,
        ),
      ),
    ])
  })
})

describe('values', () => {
  it('have one form for each integer of 64 bits, and none beyond', () => {
    expect(toLong(5n)).toBe(5)
    expect(toLong(2n ** 53n)).toBe(2n ** 53n)
    expect(() => toLong(2n ** 63n)).toThrow('overflow')
    expect(() => toLong(-(2n ** 63n) - 1n)).toThrow('overflow')
  })

  it('are told apart by their keys: text from number, nested from flat, type from id', () => {
    const values = [
      '1',
      1,
      true,
      't',
      'true',
      new CedarSet(['a', 'b']),
      new CedarSet(['a,b']),
      new CedarSet(['["sa"]']),
      new CedarSet([new CedarSet(['a'])]),
      new Entity('A', '"::"'),
      new Entity('A::A', ''),
      new Entity('A', 'A'),
    ]
    expect(new Set(values.map(keyOf)).size).toBe(values.length)
    for (const a of values) for (const b of values) expect(equal(a, b)).toBe(a === b)
    expect(equal(new CedarSet(['a', 'b', 'a']), new CedarSet(['b', 'a']))).toBe(true)
  })
})

describe('like', () => {
  it('matches as a naive matcher does', () => {
    const naive = (parts: readonly (string | null)[], text: string): boolean => {
      const [first, ...rest] = parts
      if (first === undefined) return text === ''
      if (first !== null) return text.startsWith(first) && naive(rest, text.slice(first.length))
      return naive(rest, text) || (text !== '' && naive(parts, text.slice(1)))
    }
    const part = fc.oneof(fc.constant(null), fc.constantFrom('a', 'b', 'ab', '*'))
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), from(['a', 'b', '*'], 8), (parts, text) => {
        expect(like(parts)(text)).toBe(naive(parts, text))
      }),
      { numRuns: 2000 },
    )
  })

  it('is quick on patterns that make others slow', () => {
    const parts = Array.from({ length: 60 }, (_, at) => (at % 2 ? 'a' : null))
    const cpu = leastCpuMs(() => {
      expect(like([...parts, 'b'])('a'.repeat(100_000))).toBe(false)
    }, 500)
    expect(cpu).toBeLessThan(500)
  })
})
