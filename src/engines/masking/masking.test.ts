import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { ConfigurationError, type DataClass, type MaskMethod, maskMethods } from '#model'
import { fc } from '../../../test/property.ts'
import {
  createMasking,
  detectors,
  type Masker,
  type Masking,
  maskedBytes,
  maskSentinel,
  type Scanner,
} from './index.ts'

type Method = (typeof maskMethods)[number]
const tokenKey = Buffer.alloc(32, 7)
const names = [...detectors.keys()]
const every = (mask: MaskMethod): DataClass[] =>
  names.map(name => ({ name, columns: [], detect: name, mask }))
const maskings: Record<Method, Masking> = {
  redact: createMasking({ classes: every('redact'), tokenKey }),
  partial: createMasking({ classes: every('partial'), tokenKey }),
  null: createMasking({ classes: every('null'), tokenKey }),
  'hash-token': createMasking({ classes: every('hash-token'), tokenKey }),
}
const methods = [...maskMethods]
/** Writes at an odd place of a large buffer; tells what was written, and that nothing else was. */
function apply(write: Masker | Scanner, value: string | Uint8Array): string | undefined {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  const src = Buffer.concat([Buffer.from('<<'), bytes, Buffer.from('>>')])
  const out = Buffer.alloc(maskedBytes(bytes.length) + 40, 0xee)
  const written = write(src, 2, 2 + bytes.length, out, 13)
  expect(written).toBeLessThanOrEqual(maskedBytes(bytes.length))
  const after = 13 + Math.max(written, 0)
  expect(out.subarray(0, 13).every(byte => byte === 0xee)).toBe(true)
  expect(out.subarray(after).every(byte => byte === 0xee)).toBe(true)
  return written < 0 ? undefined : out.toString('utf8', 13, after)
}
const partly = (dataClass: string, value: string) =>
  apply(maskings.partial.masker(dataClass), value)

describe('a partial mask', () => {
  it.each([
    ['email', 'bob.smith@example.com', 'b***@example.com'],
    ['email', '  bob@example.com   ', 'b***@example.com'],
    ['email', 'é.b@example.com', 'é***@example.com'],
    ['email', 'b@example.com', '***@example.com'],
    ['card', '4111 1111 1111 1234', '************1234'],
    ['card', '4111111111111234', '************1234'],
    ['us-ssn', '123-45-6789', '***-**-6789'],
    ['us-ssn', '123456789', '***-**-6789'],
    ['phone', '+1-202-555-0123', '********23'],
    ['iban', 'GB29 NWBK 6016 1331 9268 19', 'GB****************6819'],
  ])('shows of a %s only its part: %s', (dataClass, value, shown) => {
    expect(partly(dataClass, value)).toBe(shown)
  })

  it.each([
    ['email', 'not an address'],
    ['email', 'bob@example.com, ann@example.com'],
    ['email', 'bob@'],
    ['email', ''],
    ['card', '4111'],
    ['card', 'call 4111 1111 1111 1234'],
    ['us-ssn', '12-34'],
    ['us-ssn', '1234567890'],
    ['phone', 'ask Bob'],
    ['iban', 'GB29'],
    ['iban', 'my IBAN is in the safe'],
    ['jwt', 'eyJhbGciOiJIUzI1NiJ9.e30.abc'],
    ['cloud-key', 'AKIAIOSFODNN7EXAMPLE'],
  ])('redacts a %s that does not look like one, or has no part to show: %s', (dataClass, value) => {
    expect(partly(dataClass, value)).toBe(`⟦m:${dataClass}⟧`)
  })

  it('shows the last four of eight or more characters when no detector says better', () => {
    const own = createMasking({
      classes: [{ name: 'name', columns: [], mask: 'partial' }],
      tokenKey,
    })
    expect(apply(own.masker('name'), 'Montgomery')).toBe('****mery')
    expect(apply(own.masker('name'), 'Sørensen字')).toBe('****sen字')
    expect(apply(own.masker('name'), 'Bob')).toBe('⟦m:name⟧')
    expect(
      apply(own.masker('name'), Buffer.from([0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0xff])),
    ).toBe('⟦m:name⟧')
  })
})

describe('a hash token', () => {
  const token = (dataClass: string, value: string) =>
    apply(maskings['hash-token'].masker(dataClass), value)

  it('is the class and sixteen characters of base32', () => {
    expect(token('email', 'bob@example.com')).toMatch(/^tok_email_[a-z2-7]{16}$/)
  })

  it('is the same for the ways to write one value, and another for another value', () => {
    expect(token('email', 'Bob@Example.com ')).toBe(token('email', 'bob@example.com'))
    expect(token('card', '4111-1111-1111-1111')).toBe(token('card', '4111111111111111'))
    expect(token('iban', 'gb29 nwbk 6016 1331 9268 19')).toBe(
      token('iban', 'GB29NWBK60161331926819'),
    )
    expect(token('phone', '+46 (0)8 928 571 38')).toBe(token('phone', '0046892857138'))
    expect(token('email', 'bob@example.com')).not.toBe(token('email', 'rob@example.com'))
    expect(token('card', 'none')).not.toBe(token('card', 'lost'))
  })

  it('depends on the class and on the key', () => {
    const other = createMasking({ classes: every('hash-token'), tokenKey: Buffer.alloc(32, 8) })
    const value = '4111111111111111'
    const bare = (text: string | undefined) => text?.slice(-16)
    expect(bare(token('card', value))).not.toBe(bare(token('phone', value)))
    expect(token('card', value)).not.toBe(apply(other.masker('card'), value))
  })

  it('refuses a key that is too short to be one', () => {
    expect(() => createMasking({ classes: [], tokenKey: new Uint8Array(8) })).toThrow(
      ConfigurationError,
    )
  })
})

describe('a redaction', () => {
  it('is one mark for every value, the empty one included, and carries the sentinel', () => {
    const write = maskings.redact.masker('email')
    expect(apply(write, '')).toBe('⟦m:email⟧')
    expect(apply(write, 'anything')).toBe('⟦m:email⟧')
    expect('⟦m:email⟧'.startsWith(maskSentinel)).toBe(true)
  })

  it('is what an unknown class gets', () => {
    expect(apply(maskings.partial.masker('gone'), 'bob@example.com')).toBe('⟦m:gone⟧')
  })

  it('keeps a class name from writing more than its share, or anything odd', () => {
    const write = maskings.redact.masker(`⟧\n${'long'.repeat(100)}`)
    expect(apply(write, 'x')).toMatch(/^⟦m:[A-Za-z0-9_-]{1,32}⟧$/)
  })
})

describe('scanning', () => {
  const scan = (value: string, classes: readonly string[] = names, method: Method = 'partial') => {
    const scanner = maskings[method].scanner(classes)
    return scanner === undefined ? undefined : apply(scanner, value)
  }

  it('replaces each value in place and copies the rest', () => {
    expect(scan('mail bob@example.com, ssn 123-45-6789; card 4111 1111 1111 1111.')).toBe(
      'mail b***@example.com, ssn ***-**-6789; card ************1111.',
    )
  })

  it('says that nothing was found', () => {
    for (const value of [
      '',
      'x',
      'an ordinary note',
      '550e8400-e29b-41d4-a716-446655440000',
      '2024-01-31 12:34:56',
    ]) {
      expect(scan(value)).toBeUndefined()
    }
  })

  it('looks only for the classes it was given', () => {
    expect(scan('bob@example.com 123-45-6789', ['us-ssn'])).toBe('bob@example.com ***-**-6789')
    expect(maskings.partial.scanner([])).toBeUndefined()
    expect(maskings.partial.scanner(['unknown'])).toBeUndefined()
  })

  it('shows nothing of findings that overlap in part', () => {
    expect(scan('bob@example.com@evil.org')).toBe('⟦m:email⟧')
  })

  it('marks what it cannot make null within a text', () => {
    expect(scan('to bob@example.com', names, 'null')).toBe('to ⟦m:email⟧')
  })

  it('takes the class that shows least when two share a detector', () => {
    const classes: DataClass[] = [
      { name: 'work', columns: [], detect: 'email', mask: 'partial' },
      { name: 'home', columns: [], detect: 'email', mask: 'redact' },
    ]
    const both = createMasking({ classes, tokenKey }).scanner(['work', 'home'])
    expect(both && apply(both, 'bob@example.com')).toBe('⟦m:home⟧')
  })

  it('hides a key to the end of the text when its end is missing', () => {
    expect(scan('key: -----BEGIN EC PRIVATE KEY-----\nMHcCAQEEI')).toBe('key: ⟦m:private-key⟧')
  })

  it('counts what it replaced', () => {
    const scanner = maskings.redact.scanner(names)!
    apply(scanner, 'bob@example.com ann@example.com 123-45-6789')
    const counts = new Map([['email', 1]])
    scanner.drain(counts)
    scanner.drain(counts)
    expect([...counts]).toEqual([
      ['email', 3],
      ['us-ssn', 1],
    ])
  })

  it('finds nothing in what it wrote, so that masking twice changes nothing', () => {
    for (const method of ['redact', 'hash-token'] as const) {
      const once = scan('bob@example.com 123-45-6789 4111 1111 1111 1111', names, method)!
      expect(scan(once, names, method)).toBeUndefined()
    }
  })

  const value = fc.constantFrom(
    'a@b.cc',
    '123-45-6789',
    '+12025550123',
    'bob@example.com',
    '4111111111111111',
    '字',
  )
  const text = fc
    .array(fc.tuple(value, fc.constantFrom(' ', ', ', '\0', '"', '\n')), { maxLength: 40 })
    .map(parts => parts.flat().join(''))

  it('keeps to maskedBytes and writes nothing else, with every method and any text', () => {
    const long: DataClass[] = methods.map(mask => ({
      name: `${mask}-${'x'.repeat(60)}`,
      columns: [],
      detect: 'email',
      mask,
    }))
    const wordy = createMasking({ classes: long, tokenKey })
    fc.assert(
      fc.property(text, fc.constantFrom(...methods), (value, method) => {
        const result = scan(value, names, method)
        if (result !== undefined) expect(result).not.toMatch(/bob@|123-45-6789|4111111111111111/)
        for (const { name } of long) {
          apply(wordy.scanner([name])!, value)
          apply(wordy.masker(name), value)
        }
        for (const name of names) apply(maskings[method].masker(name), value)
      }),
      { numRuns: 500 },
    )
  })

  it('reads a wide cell in linear time, whatever it holds', () => {
    const scanner = maskings.redact.scanner(names)!
    const out = Buffer.alloc(maskedBytes(1 << 20))
    const hostile = [
      'a',
      '1',
      ' ',
      '@',
      '-',
      '1 ',
      '12 34 ',
      '(0)',
      '+1 ',
      'a@',
      'a.',
      'eyJ',
      'eyJ.',
      '-eyJ',
      'sk-',
      'xoxb-',
      '-----BEGIN PRIVATE KEY-----',
      '-----BEGIN ',
      '-----END ',
      'AKIA',
      'GB29',
      'GB29 ',
      '4111 ',
      '4111-',
      'phone ',
      'a@b.cc ',
      "a'",
      '00-1 ',
      'é',
    ]
    for (const piece of hostile) {
      const src = Buffer.from(
        piece.repeat(Math.ceil((1 << 20) / Buffer.byteLength(piece))),
      ).subarray(0, 1 << 20)
      const began = process.cpuUsage().user
      scanner(src, 0, src.length, out, 0)
      // Quadratic would be minutes.
      expect(process.cpuUsage().user - began, JSON.stringify(piece)).toBeLessThan(2_000_000)
    }
  })
})

describe('scrubbing a text', () => {
  it('replaces what the classes given are', () => {
    const said = 'invalid input syntax for type integer: "ann@x.io"'
    expect(maskings.redact.scrub(said, ['email'])).toBe(
      'invalid input syntax for type integer: "⟦m:email⟧"',
    )
    expect(maskings.redact.scrub(said, ['card'])).toBe(said)
    expect(maskings.redact.scrub(said, [])).toBe(said)
  })
})

describe('the most sensitive class', () => {
  const masking = createMasking({
    classes: [
      { name: 'a', columns: [], detect: 'email', mask: 'partial' },
      { name: 'b', columns: [], detect: 'card', mask: 'partial' },
      { name: 'c', columns: [], mask: 'hash-token' },
      { name: 'd', columns: [], mask: 'redact' },
    ],
    tokenKey,
  })

  it('is the one that shows least, then the one that matters most', () => {
    expect(masking.mostSensitive(['a', 'b', 'c', 'd'])).toBe('d')
    expect(masking.mostSensitive(['a', 'b', 'c'])).toBe('c')
    expect(masking.mostSensitive(['a', 'b'])).toBe('b')
    expect(masking.mostSensitive(['a', 'unknown', 'd'])).toBe('unknown')
    expect(() => masking.mostSensitive([])).toThrow(ConfigurationError)
  })
})

describe('configuration', () => {
  it('refuses a detector that does not exist and a class that is there twice', () => {
    const wrong: DataClass = { name: 'x', columns: [], detect: 'emial', mask: 'redact' }
    expect(() => createMasking({ classes: [wrong], tokenKey })).toThrow(/no detector "emial"/)
    const twice: DataClass = { name: 'x', columns: [], mask: 'redact' }
    expect(() => createMasking({ classes: [twice, twice], tokenKey })).toThrow(/twice/)
  })
})
