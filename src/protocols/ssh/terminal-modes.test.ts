import { expect, test } from 'vitest'
import { readModes } from './terminal-modes.ts'

const mode = (opcode: number, value: number) => {
  const bytes = Buffer.alloc(5)
  bytes[0] = opcode
  bytes.writeUInt32BE(value, 1)
  return bytes
}
const END = Buffer.of(0)

test('modes pass as they came, those that have no name among them', () => {
  const sent = Buffer.concat([mode(53, 0), mode(42, 1), mode(129, 0x01020304), END])
  expect(readModes(sent)).toEqual(sent)
})

test('what is behind the end, cut, of no known form or too long goes nowhere', () => {
  const kept = Buffer.concat([mode(53, 0), END])
  expect(readModes(Buffer.concat([mode(53, 0), END, mode(1, 1)]))).toEqual(kept)
  expect(readModes(Buffer.concat([mode(53, 0), Buffer.of(1, 0, 0)]))).toEqual(kept)
  expect(readModes(Buffer.concat([mode(53, 0), mode(160, 1), mode(1, 1)]))).toEqual(kept)
  expect(readModes(Buffer.alloc(0))).toEqual(END)
  expect(readModes(Buffer.alloc(100_000, 1)).length).toBeLessThan(1_030)
})
