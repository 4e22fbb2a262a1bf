import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { type as types } from './numbers.ts'
import { PayloadReader, PayloadWriter } from './payload.ts'
import { type Prepared, readExecute } from './prepared.ts'

const prepared: Prepared = {
  id: 1,
  text: 'select ?',
  analysis: { readable: true, statements: [], forward: 'select ?' },
  database: undefined,
  parameters: 1,
  types: [],
  long: new Map(),
  cursor: undefined,
}

/** One value of an Execute, as it goes on record. */
function readOne(type: number, unsigned: boolean, value: Uint8Array): string {
  const body = new PayloadWriter().uint8(0).uint32(1).uint8(0).uint8(1)
  body
    .uint8(type)
    .uint8(unsigned ? 0x80 : 0)
    .bytes(value)
  const { parameters } = readExecute(new PayloadReader(body.finish()), prepared)
  return Buffer.from(parameters[0]?.value ?? []).toString()
}

describe('a whole number of an Execute', () => {
  const sizes = [
    [types.tiny, 1],
    [types.short, 2],
    [types.long, 4],
    [types.longlong, 8],
  ] as const
  const bits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

  it.each(sizes)('of type %i is read as the server reads it, at its borders too', (type, size) => {
    const top = 2n ** BigInt(8 * size)
    const borders = [0n, 1n, top / 2n - 1n, top / 2n, top - 1n, 2n ** 53n, 2n ** 53n + 1n]
    const check = (value: bigint): void => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigUInt64LE(value % top)
      const sent = bytes.subarray(0, size)
      expect(readOne(type, true, sent)).toBe(String(value % top))
      expect(readOne(type, false, sent)).toBe(String(BigInt.asIntN(8 * size, value)))
    }
    for (const value of borders) check(value)
    fc.assert(fc.property(bits, check))
  })
})
