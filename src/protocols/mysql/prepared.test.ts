import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { type as types } from './numbers.ts'
import { PayloadReader, PayloadWriter } from './payload.ts'
import { type Prepared, readExecute, sendTypes } from './prepared.ts'

const prepared: Prepared = {
  id: 1,
  text: 'select ?',
  analysis: { readable: true, statements: [], forward: 'select ?' },
  database: undefined,
  parameters: 1,
  types: [],
  typesKept: true,
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

describe('a value of an Execute', () => {
  const execute = (flag: number, type: number, value: readonly number[]) => () =>
    readExecute(
      new PayloadReader(
        Uint8Array.from([0, 1, 0, 0, 0, 0, flag, ...(flag === 0 ? [] : [type, 0]), ...value]),
      ),
      prepared,
    )
  const decimal = (text: string) => [text.length, ...Buffer.from(text)]

  it.each([types.year, types.int24, types.bit, types.enum, types.set, types.geometry])(
    'of type %i, which only columns have, is refused: servers take other bytes for it',
    type => {
      expect(execute(1, type, [1, 49, 0, 0])).toThrow('a type that only columns have')
    },
  )

  it.each([
    ['a decimal', types.newDecimal, decimal('Bob')],
    ['a decimal', types.decimal, decimal('1 or 1')],
    ['a double', types.double, [0, 0, 0, 0, 0, 0, 0xf8, 0x7f]],
    ['a float', types.float, [0, 0, 0x80, 0x7f]],
    ['a day', types.date, [4, 0xe4, 0x07, 13, 1]],
    ['a day with an hour', types.date, [7, 0xe4, 0x07, 12, 1, 1, 0, 0]],
    ['a moment', types.datetime, [7, 0xe4, 0x07, 12, 32, 0, 0, 0]],
    ['a moment', types.timestamp, [7, 0xe4, 0x07, 12, 31, 24, 0, 0]],
    ['a moment', types.datetime, [11, 0xe4, 0x07, 12, 31, 0, 0, 0, 0x40, 0x42, 0x0f, 0]],
    ['a time', types.time, [8, 0, 34, 0, 0, 0, 23, 0, 0]],
    ['a time', types.time, [8, 0, 0, 0, 0, 0, 23, 60, 0]],
  ])('that is no %s is refused: servers make it zero', (_, type, value) => {
    expect(execute(1, type, value)).toThrow('none of its type')
  })

  it.each([
    ['12.50', types.newDecimal, decimal('12.50')],
    ['-1e+3', types.newDecimal, decimal('-1e+3')],
    ['1e+300', types.double, [0x9c, 0x75, 0x00, 0x88, 0x3c, 0xe4, 0x37, 0x7e]],
    ['0000-00-00', types.date, [0]],
    [
      '2020-12-31 23:59:59.999999',
      types.datetime,
      [11, 0xe4, 7, 12, 31, 23, 59, 59, 0x3f, 0x42, 0x0f, 0],
    ],
    // (All but 0 is a minus.)
    ['-838:59:59', types.time, [8, 2, 34, 0, 0, 0, 22, 59, 59]],
  ])('is %s', (text, type, value) => {
    const [first] = execute(1, type, value)().parameters
    expect(Buffer.from(first?.value ?? []).toString()).toBe(text)
  })

  it('comes with its type or without, by 1 or 0', () => {
    expect(execute(2, types.varchar, decimal('a'))).toThrow('with or without types')
  })

  it('comes with its type where that was last sent with an Execute that may not have been read', () => {
    const one: Prepared = { ...prepared }
    const [text, number] = [types.varchar, types.long].map(type => [{ type, unsigned: false }])
    sendTypes(one, text ?? [])
    expect(one.typesKept).toBe(true)
    sendTypes(one, text ?? [])
    expect(one.typesKept).toBe(true)
    sendTypes(one, number ?? [])
    const without = new Uint8Array([0, 1, 0, 0, 0, 0, 0, 7, 0, 0, 0])
    expect(() => readExecute(new PayloadReader(without), one)).toThrow('send them again')
  })
})
