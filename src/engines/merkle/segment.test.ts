import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import {
  decodeBundle,
  encodeBundle,
  entriesPath,
  FRAME_HEADER_BYTES,
  frameEnd,
  MOST_RECORD_BYTES,
  SEGMENT_MARK,
  segmentFirst,
  segmentName,
  tilePath,
  walkSegment,
  writeFrameHeader,
} from './index.ts'

function frame(record: Uint8Array): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + record.length)
  bytes.set(record, FRAME_HEADER_BYTES)
  writeFrameHeader(bytes, 0, record.length)
  return bytes
}

function walk(file: Uint8Array): { records: string[]; end: string; offset: number } {
  const records: string[] = []
  const { end, offset } = walkSegment(
    (at, length) => file.subarray(at, at + length),
    file.length,
    record => records.push(Buffer.from(record).toString('latin1')) > 0,
  )
  return { records, end, offset }
}

describe('a frame', () => {
  it('carries the CRC-32 of zlib over length and record', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 700 }), record => {
        const bytes = frame(record)
        expect(bytes.readUInt32BE(0)).toBe(record.length)
        expect(bytes.readUInt32BE(4)).toBe(crc32(record, crc32(bytes.subarray(0, 4))))
        expect(frameEnd(bytes, 0)).toBe(bytes.length)
      }),
    )
  })

  it('is damaged when any bit differs, and cut when any byte is missing', () => {
    const bytes = frame(Buffer.from('{"kind":"log.start"}'))
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const bent = Buffer.from(bytes)
      bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(typeof frameEnd(bent, 0)).toBe('string')
    }
    for (let end = 0; end < bytes.length; end++)
      expect(frameEnd(bytes.subarray(0, end), 0)).toBe('cut')
  })

  it('is damaged when it claims more than a record may have', () => {
    const bytes = Buffer.alloc(16)
    bytes.writeUInt32BE(MOST_RECORD_BYTES + 1)
    expect(frameEnd(bytes, 0)).toBe('damaged')
    expect(frameEnd(Buffer.alloc(16), 0)).toBe('damaged')
  })
})

describe('a segment', () => {
  it('gives back its records, whatever their sizes, across windows', () => {
    const records = Array.from({ length: 150 }, (_, at) =>
      Buffer.alloc(1 + ((at * 2_749) % MOST_RECORD_BYTES), at),
    )
    const file = Buffer.concat([SEGMENT_MARK, ...records.map(frame)])
    expect(file.length).toBeGreaterThan(2 * 1024 * 1024)
    expect(walk(file)).toEqual({
      records: records.map(each => each.toString('latin1')),
      end: 'whole',
      offset: file.length,
    })
  })

  it('ends at the last whole frame when it is cut anywhere', () => {
    const frames = ['one', 'two', 'three'].map(text => frame(Buffer.from(text)))
    const file = Buffer.concat([SEGMENT_MARK, ...frames])
    const ends = [SEGMENT_MARK.length]
    for (const each of frames) ends.push((ends.at(-1) ?? 0) + each.length)
    for (let length = SEGMENT_MARK.length; length <= file.length; length++) {
      const whole = ends.filter(end => end <= length)
      const result = walk(file.subarray(0, length))
      expect(result.offset).toBe(whole.at(-1))
      expect(result.records).toHaveLength(whole.length - 1)
      expect(result.end).toBe(whole.includes(length) ? 'whole' : 'cut')
    }
    for (let length = 0; length < SEGMENT_MARK.length; length++)
      expect(walk(file.subarray(0, length))).toMatchObject({ end: 'cut', offset: 0 })
    expect(walk(Buffer.from('sallyport-xyz')).end).toBe('no-mark')
  })

  it('of random bytes is never read as whole beyond its mark, and never fails to end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 3_000 }), noise => {
        const { records, end, offset } = walk(Buffer.concat([SEGMENT_MARK, noise]))
        expect({ records, end: end === 'whole', offset }).toEqual({
          records: [],
          end: false,
          offset: 16,
        })
      }),
    )
  })

  it('is named after its first record', () => {
    expect(segmentFirst(segmentName(1_234_567))).toBe(1_234_567)
    expect(segmentFirst('audit.key')).toBeUndefined()
  })
})

describe('the tile layout', () => {
  it('has the paths of C2SP tlog-tiles', () => {
    expect(tilePath(0, 0)).toBe('tile/0/000')
    expect(tilePath(0, 1_234_067)).toBe('tile/0/x001/x234/067')
    expect(tilePath(1, 273, 112)).toBe('tile/1/273.p/112')
    expect(entriesPath(1_000, 256)).toBe('tile/entries/x001/000')
    expect(() => tilePath(0, 0, 0)).toThrow(RangeError)
  })

  it('packs and unpacks entries', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 256 }), records => {
        expect(decodeBundle(encodeBundle(records)).map(each => [...each])).toEqual(
          records.map(each => [...each]),
        )
      }),
    )
    expect(() => decodeBundle(encodeBundle([Buffer.from('abc')]).subarray(0, 4))).toThrow(
      'cut short',
    )
  })
})
