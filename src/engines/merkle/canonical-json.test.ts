import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import canonicalize from 'canonicalize'
import { describe, expect, it } from 'vitest'
import { type AuditEntry, InvalidRequest } from '#model'
import { fc } from '../../../test/property.ts'
import { canonicalJson, decodeRecord, encodeRecord, RecordForm } from './index.ts'

const VECTORS = join(import.meta.dirname, '../../../../shared/vectors/jcs/testdata')
const text = fc.string({ unit: 'grapheme' }).filter(each => each.isWellFormed())
const value = fc.letrec(tie => ({
  any: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.maxSafeInteger().map(each => (each === 0 ? 0 : each)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('any'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(text, tie('any'), { maxKeys: 5, noNullPrototype: true }),
}))

describe('canonical JSON', () => {
  it('equals the library canonicalize for every value that it accepts', () => {
    fc.assert(
      fc.property(value.any, each => {
        expect(canonicalJson(each)).toBe(canonicalize(each))
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([
    ['a float', 1.5],
    ['minus zero', -0],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['2^53', 2 ** 53],
    ['a bigint', 1n],
    ['undefined', { a: undefined }],
    ['a hole', new Array(2)],
    ['a date', { at: new Date(0) }],
    ['bytes', { at: new Uint8Array(1) }],
    ['a function', { f: () => 1 }],
    ['a lone surrogate', { s: 'a\ud800b' }],
    ['a lone surrogate in a name', { '\udc00': 1 }],
  ])('refuses %s', (_, bad) => {
    expect(() => canonicalJson(bad)).toThrow(InvalidRequest)
  })

  it('refuses a cycle', () => {
    const loop: Record<string, unknown> = {}
    loop['self'] = loop
    expect(() => canonicalJson(loop)).toThrow(InvalidRequest)
  })
})

describe.skipIf(!existsSync(VECTORS))('the vectors of RFC 8785', () => {
  it.each(existsSync(VECTORS) ? readdirSync(join(VECTORS, 'input')) : [])('%s', file => {
    const input: unknown = JSON.parse(readFileSync(join(VECTORS, 'input', file), 'utf8'))
    // The one file with floats: outside what we hold, so it must be refused.
    if (file === 'values.json') expect(() => canonicalJson(input)).toThrow(InvalidRequest)
    else expect(canonicalJson(input)).toBe(readFileSync(join(VECTORS, 'output', file), 'utf8'))
  })
})

describe('a record', () => {
  const part = value.object as fc.Arbitrary<Record<string, never>>
  const entry: fc.Arbitrary<AuditEntry> = fc.record(
    {
      kind: fc.constant('statement.permitted' as const),
      session: text,
      principal: part,
      source: part,
      target: part,
      action: part,
      decision: part,
      masking: part,
      result: part,
      details: part,
    },
    { requiredKeys: ['kind'] },
  )

  it('is the canonical JSON of the entry with its number and time', () => {
    fc.assert(
      fc.property(entry, fc.nat(), (each, seq) => {
        const ts = '2026-11-21T03:08:51.007Z'
        const written = encodeRecord(each, seq, ts)
        expect(written).toBe(canonicalize({ ...each, seq, ts }))
        expect(decodeRecord(Buffer.from(written), seq)).toEqual(JSON.parse(written))
      }),
      { numRuns: 300 },
    )
  })

  it('that recurs is the same record, put together from bytes', () => {
    const hex = fc.string({
      unit: fc.constantFrom(...'0123456789abcdef'),
      minLength: 64,
      maxLength: 64,
    })
    fc.assert(
      fc.property(entry, hex, fc.nat({ max: Number.MAX_SAFE_INTEGER }), (each, commitment, seq) => {
        const { details: _, ...rest } = each
        const form = new RecordForm(rest)
        const ts = '2026-11-21T03:08:51.007Z'
        const bytes = Buffer.alloc(3 + form.mostBytes)
        const end = form.write(bytes, 3, commitment, seq, ts)
        const expected = { ...rest, details: { commitment } }
        expect(bytes.toString('utf8', 3, end)).toBe(encodeRecord(expected, seq, ts))
        expect(form.entry(commitment)).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['an unknown part', { kind: 'log.start', extra: {} }],
    ['a number of its own', { kind: 'log.start', seq: 1 }],
    ['a kind that is no word', { kind: 'a"b' }],
    ['a part that is no object', { kind: 'log.start', details: 'x' }],
    ['an array for a part', { kind: 'log.start', details: [] }],
  ])('refuses an entry with %s', (_, bad) => {
    expect(() => encodeRecord(bad as unknown as AuditEntry, 0, 't')).toThrow(InvalidRequest)
  })

  it('is refused when read back under another number or with other parts', () => {
    const good = encodeRecord({ kind: 'log.start' }, 3, '2026-11-21T03:08:51.007Z')
    expect(() => decodeRecord(Buffer.from(good), 4)).toThrow('says number 3')
    expect(() => decodeRecord(Buffer.from(good.replace('{', '{"x":1,')), 3)).toThrow(InvalidRequest)
    expect(() => decodeRecord(Buffer.from([0xff, 0xfe]), 3)).toThrow('not JSON')
  })
})
