import { describe, expect, it } from 'vitest'
import { ProtocolError } from '#model'
import { fc } from '../../../test/property.ts'
import { ByteReader, ByteWriter, FrameCutter, lengthFrames, typedFrames } from './index.ts'

const frame = (type: number, body: Uint8Array) =>
  new ByteWriter()
    .uint8(type)
    .int32(body.length + 4)
    .bytes(body)
    .finish()

/** Cuts `stream` at the given places and answers the frames that come out. */
function cut(stream: Uint8Array, places: readonly number[], maxBytes = 1_000_000): string[] {
  const cutter = new FrameCutter(typedFrames, maxBytes)
  const frames: string[] = []
  const bounds = [0, ...[...places].sort((a, b) => a - b), stream.length]
  for (const [index, end] of bounds.entries()) {
    if (index === 0) continue
    cutter.push(stream.subarray(bounds[index - 1], end), (bytes, start, stop) => {
      frames.push(Buffer.from(bytes.subarray(start, stop)).toString('hex'))
      return true
    })
  }
  expect(cutter.pending).toBe(0)
  return frames
}

describe('FrameCutter', () => {
  it('gives the same frames wherever the stream is cut, and however chunks coalesce', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 40 }))),
        fc.array(fc.nat()),
        (messages, places) => {
          const frames = messages.map(([type, body]) => frame(type, body))
          const stream = Buffer.concat(frames)
          const expected = frames.map(each => Buffer.from(each).toString('hex'))
          expect(
            cut(
              stream,
              places.map(place => place % (stream.length + 1)),
            ),
          ).toEqual(expected)
          expect(
            cut(
              stream,
              Array.from({ length: stream.length }, (_, at) => at),
            ),
          ).toEqual(expected)
        },
      ),
    )
  })

  it('refuses a length below the header, or negative, as soon as it is there', () => {
    for (const length of [0, 3, -1, -2147483648]) {
      const cutter = new FrameCutter(typedFrames, 1_000)
      const head = new ByteWriter().uint8(0x51).int32(length).finish()
      expect(() => cutter.push(head, () => true)).toThrow(ProtocolError)
    }
  })

  it('refuses a length over the cap before any of its body came', () => {
    const cutter = new FrameCutter(typedFrames, 1_000)
    for (const length of [1_000, 0x7fffffff]) {
      const head = new ByteWriter().uint8(0x51).int32(length).finish()
      expect(() => cutter.push(head, () => true)).toThrow(
        expect.objectContaining({ code: 'message_too_large' }),
      )
    }
    cutter.push(new ByteWriter().uint8(0x51).int32(999).finish(), () => true)
    expect(cutter.pending).toBe(5)
  })

  it('stops after the frame that says so, and hands on what follows', () => {
    const first = frame(1, Buffer.from('a'))
    const second = frame(2, Buffer.from('b'))
    const cutter = new FrameCutter(typedFrames, 1_000)
    let calls = 0
    cutter.push(Buffer.concat([first, second]), () => {
      calls += 1
      return false
    })
    expect(calls).toBe(1)
    expect(Buffer.from(cutter.rest())).toEqual(Buffer.from(second))
    expect(cutter.pending).toBe(0)
  })

  it('knows packets without a type byte', () => {
    const cutter = new FrameCutter(lengthFrames, 100)
    const sizes: number[] = []
    const packet = new ByteWriter().int32(8).int32(80877103).finish()
    cutter.push(Buffer.concat([packet, packet.subarray(0, 3)]), (_, start, end) => {
      sizes.push(end - start)
      return true
    })
    cutter.push(packet.subarray(3), (_, start, end) => {
      sizes.push(end - start)
      return true
    })
    expect(sizes).toEqual([8, 8])
  })
})

describe('ByteReader', () => {
  it('reads back what a writer wrote', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }),
        fc.string({ unit: 'grapheme' }).filter(text => !text.includes('\0')),
        fc.uint8Array(),
        (long, short, text, bytes) => {
          const written = new ByteWriter(1)
            .int32(long)
            .int16(short)
            .cstring(text)
            .bytes(bytes)
            .finish()
          const reader = new ByteReader(written)
          expect(reader.int32()).toBe(long)
          expect(reader.int16()).toBe(short)
          expect(reader.cstring()).toBe(text)
          expect(Buffer.from(reader.rest())).toEqual(Buffer.from(bytes))
          reader.expectEnd()
        },
      ),
    )
  })

  it('never reads outside its span, whatever lengths it is given', () => {
    const bytes = Buffer.from('outside[inside]outside')
    const inside = () => new ByteReader(bytes, 7, 15)
    expect(() => inside().bytes(9)).toThrow(ProtocolError)
    expect(() => inside().bytes(-1)).toThrow(ProtocolError)
    expect(() => inside().bytes(Number.NaN)).toThrow(ProtocolError)
    expect(() => inside().cstring()).toThrow(ProtocolError)
    expect(() => new ByteReader(bytes, 7, 10).int32()).toThrow(ProtocolError)
    expect(() => new ByteReader(bytes, 0, 100)).toThrow(ProtocolError)
    expect(() => inside().expectEnd()).toThrow(ProtocolError)
    expect(Buffer.from(inside().rest()).toString()).toBe('[inside]')
  })

  it('refuses text that is not UTF-8, and keeps a byte order mark', () => {
    expect(() => new ByteReader(Buffer.from([0xc3, 0x28, 0])).cstring()).toThrow(ProtocolError)
    expect(() => new ByteReader(Buffer.from([0xed, 0xa0, 0x80, 0])).cstring()).toThrow(
      ProtocolError,
    )
    expect(new ByteReader(Buffer.from('\ufeffx\0')).cstring()).toBe('\ufeffx')
  })
})

describe('ByteWriter', () => {
  it('refuses a zero byte inside a string', () => {
    expect(() => new ByteWriter().cstring('a\0b')).toThrow(RangeError)
  })
})
