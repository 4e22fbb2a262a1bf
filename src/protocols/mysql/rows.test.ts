import { expect, test } from 'vitest'
import { RowPlan } from '#engines/masking'
import { UpstreamError } from '#model'
import { Outlet } from '#transport'
import { fc } from '../../../test/property.ts'
import { fixedBytes } from './columns.ts'
import { type as types } from './numbers.ts'
import { HEADER, payloadLength } from './packets.ts'
import { PayloadWriter } from './payload.ts'
import { rewriteBinaryRow, rewriteTextRow } from './rows.ts'

type Value = string | null
type Kind = 'pass' | 'null' | 'mask' | 'all'

const MASKED = 'xxxx'
const mask = (_src: Buffer, _from: number, _to: number, out: Buffer, at: number) =>
  out.write(MASKED, at)
const planOf = (kinds: readonly Kind[]) =>
  new RowPlan(
    kinds.map(kind =>
      kind === 'mask' || kind === 'all'
        ? { kind: 'mask', dataClass: 'email', write: mask as never, nulls: kind === 'all' }
        : kind === 'null'
          ? { kind, dataClass: 'email' }
          : { kind },
    ),
  )

function outlet(): { outlet: Outlet; written: () => Buffer } {
  const chunks: Buffer[] = []
  const leg = {
    unsent: 0,
    destroyed: false,
    write: (bytes: Uint8Array) => void chunks.push(Buffer.from(bytes)),
    end() {},
  }
  const made = new Outlet(leg, 'client')
  return {
    outlet: made,
    written() {
      made.flush()
      return Buffer.concat(chunks)
    },
  }
}

function textRow(values: readonly Value[]): Buffer {
  const writer = new PayloadWriter()
  for (const value of values) {
    if (value === null) writer.uint8(0xfb)
    else writer.lenencText(value)
  }
  return Buffer.from(writer.finish())
}

function binaryRow(values: readonly Value[]): Buffer {
  const bits = Buffer.alloc((values.length + 9) >> 3)
  const writer = new PayloadWriter()
  for (const [index, value] of values.entries()) {
    if (value !== null) writer.lenencText(value)
    else {
      const at = (index + 2) >> 3
      bits[at] = (bits[at] ?? 0) | (1 << ((index + 2) & 7))
    }
  }
  return Buffer.concat([Buffer.of(0), bits, writer.finish()])
}

const masked = (values: readonly Value[], kinds: readonly Kind[]): Value[] =>
  values.map((value, index) => {
    if (kinds[index] === 'all') return MASKED
    if (value === null || kinds[index] === 'pass') return value
    return kinds[index] === 'null' ? null : MASKED
  })

const cells = fc.array(
  fc.tuple(
    fc.option(fc.oneof(fc.string({ maxLength: 30 }), fc.constant('y'.repeat(70_000)))),
    fc.constantFrom<Kind>('pass', 'null', 'mask', 'all'),
  ),
  { minLength: 1, maxLength: 20 },
)

test.each([
  ['text', textRow],
  ['binary', binaryRow],
] as const)(
  'a %s row has masked cells in place of others, and nothing else changes',
  (form, row) => {
    fc.assert(
      fc.property(cells, fc.nat(255), (pairs, sequence) => {
        const values = pairs.map(([value]) => value)
        const kinds = pairs.map(([, kind]) => kind)
        const src = row(values)
        const expected = row(masked(values, kinds))
        const { outlet: out, written } = outlet()
        const sizes = values.map(() => undefined)
        const next =
          form === 'text'
            ? rewriteTextRow(src, 0, src.length, planOf(kinds), out, sequence)
            : rewriteBinaryRow(src, 0, src.length, planOf(kinds), sizes, out, sequence)
        const bytes = written()
        if (next < 0) {
          expect(bytes.length).toBe(0)
          expect(expected.equals(src)).toBe(true)
          return
        }
        expect(next).toBe(sequence + 1)
        expect(payloadLength(bytes, 0)).toBe(bytes.length - HEADER)
        expect(bytes[3]).toBe(sequence)
        expect(bytes.subarray(HEADER).equals(expected)).toBe(true)
      }),
    )
  },
)

test('numbers and times of a binary row are left out when they are masked', () => {
  const src = Buffer.concat([
    Buffer.of(0, 0),
    Buffer.of(7, 0, 0, 0), // a LONG
    Buffer.of(4, 0xe9, 0x07, 1, 2), // a DATE
    Buffer.of(1, 0x61),
  ])
  const sizes = [types.long, types.date, types.varString].map(fixedBytes)
  const { outlet: out, written } = outlet()
  rewriteBinaryRow(src, 0, src.length, planOf(['null', 'null', 'pass']), sizes, out, 5)
  expect(written().subarray(HEADER)).toEqual(Buffer.of(0, 0b1100, 1, 0x61))
})

test('a row that does not hold what it says is refused, and nothing of it is written', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.integer({ min: 1, max: 6 }),
      fc.boolean(),
      (bytes, width, text) => {
        const src = Buffer.from(bytes)
        const { outlet: out, written } = outlet()
        const plan = planOf(Array.from({ length: width }, () => 'mask'))
        const sizes = Array.from(
          { length: width },
          (_, index) => [4, 'dated', undefined][index % 3],
        )
        try {
          const next = text
            ? rewriteTextRow(src, 0, src.length, plan, out, 1)
            : rewriteBinaryRow(src, 0, src.length, plan, sizes as never, out, 1)
          if (next < 0) expect(written().length).toBe(0)
        } catch (error) {
          if (String(error).includes('a masker must write')) return
          expect(error).toBeInstanceOf(UpstreamError)
          expect(written().length).toBe(0)
        }
      },
    ),
    { numRuns: 2_000 },
  )
})
