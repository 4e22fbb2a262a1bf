// The methods that a class sets itself: what they leave, and what they redact instead.
import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import type { MaskMethod } from '#model'
import { fc } from '../../../../test/property.ts'
import { createMasking, maskedBytes } from '../index.ts'

function masked(mask: MaskMethod, value: string): string {
  const classes = [{ name: 'c', columns: [], mask }]
  const write = createMasking({ classes, tokenKey: new Uint8Array(32) }).masker('c')
  const src = Buffer.from(value)
  const out = Buffer.alloc(maskedBytes(src.length) + 8, 0xee)
  const written = write(src, 0, src.length, out, 0)
  expect(written).toBeLessThanOrEqual(maskedBytes(src.length))
  return out.toString('utf8', 0, written)
}

const last4 = { keep: { first: 0, last: 4 }, with: '*' }
const REDACTED = '⟦m:c⟧'

describe('a mask of one’s own', () => {
  it.each<[MaskMethod, string, string]>([
    [last4, 'DE89370400440532', '********0532'],
    [last4, '12345678', '********5678'],
    [last4, '1234567', REDACTED],
    [last4, '', REDACTED],
    [{ keep: { first: 2, last: 0 }, with: '•' }, 'Jürgen', 'Jü••••••••'],
    [{ keep: { first: 1, last: 1 }, with: 'x' }, '字a🔑b', '字xxxxxxxxb'],
    [{ generalize: 'year' }, '1984-05-17', '1984-01-01'],
    [{ generalize: 'month' }, '1984-05-17 12:33:01.5+02', '1984-05-01'],
    [{ generalize: 'year' }, '0044-03-15 BC', '0044-01-01 BC'],
    [{ generalize: 'year' }, '17.05.1984', REDACTED],
    [{ generalize: 'year' }, 'infinity', REDACTED],
    [{ generalize: 1000 }, '52340.75', '52000'],
    [{ generalize: 1000 }, '-1', '-1000'],
    [{ generalize: 10 }, '7', '0'],
    [{ generalize: 10 }, '1e9', REDACTED],
    [{ generalize: 10 }, '12345678901234567890', REDACTED],
    [{ generalize: 10 }, 'NaN', REDACTED],
    [{ fixed: 'hidden' }, 'anything', 'hidden'],
    [{ fixed: '' }, 'anything', ''],
  ])('%j of «%s» is «%s»', (mask, value, expected) => {
    expect(masked(mask, value)).toBe(expected)
  })

  it('never shows the half of a value, nor writes more than it may', () => {
    const any = fc.oneof(
      fc.record({
        keep: fc.record({ first: fc.nat(8), last: fc.nat(8) }),
        with: fc.constantFrom('*', '•', '🔒'),
      }),
      fc.record({
        generalize: fc.oneof(
          fc.constantFrom('year' as const, 'month' as const),
          fc.integer({ min: 2, max: 1e12 }),
        ),
      }),
      fc.record({ fixed: fc.string({ maxLength: 15, unit: 'grapheme-ascii' }) }),
    )
    fc.assert(
      fc.property(any, fc.string({ unit: 'binary', maxLength: 60 }), (mask, value) => {
        const result = masked(mask, value)
        if (!('keep' in mask) || result.startsWith('⟦m:')) return
        const { first, last } = mask.keep
        expect(Array.from(value).length).toBeGreaterThanOrEqual(2 * (first + last))
      }),
    )
  })

  it.each<[MaskMethod, MaskMethod, string]>([
    ['partial', { keep: { first: 0, last: 4 }, with: '*' }, 'a'],
    [{ fixed: 'x' }, { generalize: 10 }, 'a'],
    ['hash-token', { fixed: 'x' }, 'b'],
    [{ generalize: 'year' }, 'partial', 'a'],
    ['redact', { fixed: 'x' }, 'a'],
  ])('of %j and %j the one that shows least is taken', (a, b, expected) => {
    const masking = createMasking({
      classes: [
        { name: 'b', columns: [], mask: b },
        { name: 'a', columns: [], mask: a },
      ],
      tokenKey: new Uint8Array(32),
    })
    expect(masking.mostSensitive(['a', 'b'])).toBe(expected)
  })
})
