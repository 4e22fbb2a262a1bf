import { describe, expect, it } from 'vitest'
import { PacketCutter } from './packet-cutter.ts'
import { packet, string } from './wire.ts'

const PACKETS = [
  packet(1),
  packet(5, string('abc')),
  packet(103, string('x'.repeat(300))),
  packet(2),
]
const ALL = Buffer.concat(PACKETS)

function cut(chunks: readonly Buffer[]): Buffer[] {
  const cutter = new PacketCutter()
  const found: Buffer[] = []
  for (const chunk of chunks) {
    cutter.push(chunk)
    for (let next = cutter.next(); next !== undefined; next = cutter.next()) found.push(next)
  }
  return found
}

describe('packets', () => {
  it('are the same however their bytes come', () => {
    expect(cut([ALL])).toEqual(PACKETS)
    expect(cut([...ALL].map(byte => Buffer.from([byte])))).toEqual(PACKETS)
    for (let at = 0; at <= ALL.length; at += 1)
      expect(cut([ALL.subarray(0, at), ALL.subarray(at)])).toEqual(PACKETS)
  })

  it('that are too long, or too short to be any, are refused once their length is known', () => {
    for (const length of [
      [0xff, 0xff, 0xff, 0xff],
      [0, 4, 0, 1],
      [0, 0, 0, 0],
      [0, 0, 0, 4],
    ]) {
      expect(() => cut([Buffer.from(length)])).toThrow('a file packet')
      expect(() => cut(length.map(byte => Buffer.from([byte])))).toThrow('a file packet')
    }
  })
})
