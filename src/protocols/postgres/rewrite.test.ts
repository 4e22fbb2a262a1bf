import { Duplex } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { type CellPlan, createMasking, RowPlan } from '#engines/masking'
import { Leg, Outlet } from '#transport'
import { fc } from '../../../test/property.ts'
import { cellsOf, dataRow } from './relay-frames.ts'
import { rewriteRow } from './rewrite.ts'

const masking = createMasking({
  classes: [
    { name: 'email', columns: [], detect: 'email', mask: 'redact' },
    { name: 'tail', columns: [], mask: 'partial' },
  ],
  tokenKey: new Uint8Array(32),
})

function plans(): readonly CellPlan[] {
  const scan = masking.scanner(['email'])
  if (scan === undefined) throw new Error('no scanner')
  return [
    { kind: 'pass' },
    { kind: 'null', dataClass: 'email' },
    { kind: 'mask', dataClass: 'tail', write: masking.masker('tail') },
    { kind: 'scan', scan },
    { kind: 'mask', dataClass: 'email', write: masking.masker('email'), nulls: true },
  ]
}

function outlet(): { out: Outlet; sent: Buffer[] } {
  const sent: Buffer[] = []
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      sent.push(Buffer.from(chunk))
      done()
    },
  })
  return { out: new Outlet(new Leg(socket), 'client'), sent }
}

/** What one cell becomes, the slow way. */
function expected(plan: CellPlan, cell: string | null): string | null {
  if (plan.kind === 'pass' || (cell === null && !('nulls' in plan))) return cell
  if (plan.kind === 'null') return null
  const src = Buffer.from(cell ?? '')
  const to = Buffer.alloc(src.length * 3 + 64)
  const written = (plan.kind === 'mask' ? plan.write : plan.scan)(src, 0, src.length, to, 0)
  return written < 0 ? cell : to.toString('utf8', 0, written)
}

const cell = fc.option(
  fc.oneof(
    fc.string(),
    fc.string({ minLength: 100, maxLength: 3_000 }),
    fc.constant('mail ann@example.com now'),
  ),
  { nil: null },
)

describe('rewriting rows', () => {
  test('gives what masking cell by cell gives, whatever the cells and the plans', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(4), cell), { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        (columns, repeats) => {
          const chosen = columns.map(([kind]) => plans()[kind] as CellPlan)
          const cells = columns.map(([, value]) => value)
          const { out, sent } = outlet()
          const frame = Buffer.from(dataRow(...cells))
          const plan = new RowPlan(chosen)
          for (let i = 0; i < repeats; i++) {
            if (rewriteRow(frame, 0, frame.length, plan, out) < 0) out.pass(frame, 0, frame.length)
          }
          out.flush()
          const all = Buffer.concat(sent)
          const wanted = dataRow(
            ...cells.map((value, index) => expected(chosen[index] as CellPlan, value)),
          )
          expect(all.equals(Buffer.concat(Array.from({ length: repeats }, () => wanted)))).toBe(
            true,
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  test('of spoiled frames throws or passes nothing else, and never writes outside', () => {
    fc.assert(
      fc.property(
        fc.array(cell, { minLength: 1, maxLength: 6 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (cells, spoils) => {
          const frame = Buffer.from(dataRow(...cells))
          for (const [at, byte] of spoils) frame[5 + (at % (frame.length - 5))] = byte
          const plan = new RowPlan(cells.map(() => plans()[2] as CellPlan))
          const { out, sent } = outlet()
          let threw = false
          try {
            rewriteRow(frame, 0, frame.length, plan, out)
          } catch {
            threw = true
          }
          out.flush()
          // What went out is nothing, or one whole frame.
          const all = Buffer.concat(sent)
          expect(
            threw ? all.length : all.length === 0 || all.readUInt32BE(1) + 1 === all.length,
          ).toBe(threw ? 0 : true)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('keeps rows in order with what passes before and between them', () => {
    const { out, sent } = outlet()
    const frame = Buffer.from(dataRow('ann@example.com'))
    const plan = new RowPlan([plans()[1] as CellPlan])
    const big = Buffer.alloc(20_000, 0x61)
    out.own(Buffer.from('head'))
    rewriteRow(frame, 0, frame.length, plan, out)
    out.pass(big, 0, big.length)
    rewriteRow(frame, 0, frame.length, plan, out)
    out.own(Buffer.from('tail'))
    out.flush()
    const row = Buffer.from(dataRow(null))
    expect(
      Buffer.concat(sent).equals(
        Buffer.concat([Buffer.from('head'), row, big, row, Buffer.from('tail')]),
      ),
    ).toBe(true)
    expect(cellsOf(row.subarray(5))).toEqual([null])
  })
})
