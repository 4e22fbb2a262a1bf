// The frames of ws, of many years' use, are the second opinion.
import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import * as ws from 'ws'
import { fc } from '../../test/property.ts'
import { closeFrame, FrameReader, serverFrame, TEXT } from './websocket.ts'

/** What its types leave out. */
const { Receiver, Sender } = ws as unknown as {
  Receiver: new (options: object) => NodeJS.WritableStream
  Sender: { frame(data: Buffer, options: object): Buffer[] }
}

/** What is read of the pieces: each frame's opcode, whether it is the last, and its payload without the mask. */
function read(masked: boolean, pieces: readonly Uint8Array[]) {
  const frames: { opcode: number; final: boolean; text: string }[] = []
  const bytes: Uint8Array[] = []
  let parts: Buffer[] = []
  let mask: Uint8Array | undefined
  let head = { opcode: 0, final: false }
  const reader = new FrameReader(masked, {
    head(each) {
      head = each
      mask = each.mask && Buffer.from(each.mask)
      parts = []
      bytes.push(Buffer.from(each.bytes))
    },
    payload(part, offset) {
      bytes.push(Buffer.from(part))
      parts.push(
        Buffer.from(part).map((byte, at) => byte ^ (mask?.[(offset + at) % 4] ?? 0)) as Buffer,
      )
    },
    end: () => frames.push({ ...pick(head), text: Buffer.concat(parts).toString() }),
  })
  for (const piece of pieces) reader.push(piece)
  return { frames, bytes: Buffer.concat(bytes) }
}
const pick = ({ opcode, final }: { opcode: number; final: boolean }) => ({ opcode, final })

/** A frame as a client of ws sends it. */
function frame(
  text: string,
  options: { opcode?: number; fin?: boolean; mask?: boolean } = {},
): Buffer {
  const { opcode = TEXT, fin = true, mask = true } = options
  const list = Sender.frame(Buffer.from(text), {
    fin,
    rsv1: false,
    opcode,
    mask,
    readOnly: true,
  })
  return Buffer.concat(list)
}

describe('WebSocket frames', () => {
  it('are read as ws writes them, cut anywhere, and go on byte for byte', () => {
    const texts = fc.array(fc.string({ maxLength: 300 }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(
        texts,
        fc.boolean(),
        fc.array(fc.nat(1_000), { maxLength: 5 }),
        (all, mask, cuts) => {
          const wire = Buffer.concat(all.map(text => frame(text, { mask })))
          const places = [
            ...new Set([0, ...cuts.map(cut => cut % (wire.length + 1)), wire.length]),
          ].sort((a, b) => a - b)
          const pieces = places.slice(1).map((place, at) => wire.subarray(places[at], place))
          const seen = read(mask, pieces)
          expect(seen.frames.map(({ text }) => text)).toEqual(all)
          expect(seen.bytes.equals(wire)).toBe(true)
        },
      ),
    )
  })

  it('of ours are read by ws', async () => {
    for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
      const receiver = new Receiver({ isServer: false })
      const heard = new Promise<string>(resolve =>
        receiver.on('message', data => resolve(String(data))),
      )
      receiver.write(serverFrame(TEXT, Buffer.alloc(length, 'x')))
      expect((await heard).length).toBe(length)
    }
    expect(closeFrame(1008, 'x'.repeat(500)).length).toBe(127)
  })

  it('in parts stay in order, with control frames between', () => {
    const wire = [
      frame('a', { fin: false }),
      frame('', { opcode: 9 }),
      frame('b', { opcode: 0, fin: false }),
      frame('c', { opcode: 0 }),
    ]
    expect(read(true, wire).frames.map(({ opcode, final }) => [opcode, final])).toEqual([
      [1, false],
      [9, true],
      [0, false],
      [0, true],
    ])
  })

  it('that break the rules are refused', () => {
    const broken: Record<string, Buffer[]> = {
      'no mask from a client': [frame('a', { mask: false })],
      'an extension': [Buffer.from([0xc1, 0x80, 0, 0, 0, 0])],
      'an unknown kind': [Buffer.from([0x83, 0x80, 0, 0, 0, 0])],
      'a control frame in parts': [frame('a', { opcode: 9, fin: false })],
      'a long control frame': [frame('x'.repeat(126), { opcode: 9 })],
      'a part of nothing': [frame('a', { opcode: 0 })],
      'a message within a message': [frame('a', { fin: false }), frame('b')],
      'a length in more bytes than it needs': [Buffer.from([0x81, 0xfe, 0, 1, 0, 0, 0, 0, 0])],
      'a length without end': [
        Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
      ],
      'a frame behind the close': [frame('', { opcode: 8 }), frame('a')],
    }
    for (const [what, pieces] of Object.entries(broken))
      expect(() => read(true, pieces), what).toThrow('WebSocket')
    expect(() => read(false, [frame('a')])).toThrow('masked')
  })
})
