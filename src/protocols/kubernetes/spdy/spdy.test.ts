import { Buffer } from 'node:buffer'
import { constants, createDeflate } from 'node:zlib'
import { expect, test } from 'vitest'
import { fc } from '../../../../test/property.ts'
import { DICTIONARY } from './dictionary.ts'
import { SpdyReader } from './frame-reader.ts'
import { SpdyWriter } from './frame-writer.ts'
import { HeaderReader, HeaderWriter } from './header-block.ts'
import { Told } from './recorder.testing.ts'

const PORT = new Map([
  ['streamtype', 'data'],
  ['port', '8080'],
  ['requestid', '0'],
])

function conversation(): Buffer {
  const writer = new SpdyWriter()
  return Buffer.concat([
    writer.synStream(1, PORT),
    writer.synReply(1, new Map()),
    writer.data(1, Buffer.from('hello ')),
    writer.ping(1),
    writer.synStream(3, new Map([...PORT, ['requestid', '1']]), true),
    writer.data(1, Buffer.from('world'), true),
    writer.data(3, Buffer.alloc(0), true),
    writer.reset(3, 5),
    frame(4, 0, [0, 0, 0, 1, 0, 0, 0, 7, 0, 1, 0, 0]),
    frame(9, 0, [0, 0, 0, 1, 0, 1, 0, 0]),
    writer.goAway(3),
  ])
}

function frame(type: number, flags: number, payload: readonly number[] | Buffer): Buffer {
  const head = Buffer.from([0x80, 3, 0, type, flags, 0, 0, 0])
  head.writeUIntBE(payload.length, 5, 3)
  return Buffer.concat([head, Buffer.from(payload)])
}

function told(...chunks: readonly Uint8Array[]): Told {
  const receiver = new Told()
  const reader = new SpdyReader(receiver)
  for (const chunk of chunks) reader.push(chunk)
  return receiver
}

const LINES = [
  'syn 1 streamtype=data,port=8080,requestid=0 false 0 false',
  'reply 1  false',
  'ping 1',
  'syn 3 streamtype=data,port=8080,requestid=1 true 0 false',
  'end 1',
  'end 3',
  'reset 3 5',
  'window 1 65536',
  'goaway 3 0',
]

test('frames are read as they were written, cut at every byte and all at once', () => {
  const all = conversation()
  for (let cut = 0; cut <= all.length; cut += 1) {
    const receiver = told(Buffer.from(all.subarray(0, cut)), Buffer.from(all.subarray(cut)))
    expect(receiver.lines).toEqual(LINES)
    expect(receiver.came(1)).toBe('hello world')
  }
  expect(told(...[...all].map(byte => Buffer.from([byte]))).lines).toEqual(LINES)
})

/** As zlib itself compresses: the stream of one direction, flushed behind each block. */
async function compressed(blocks: readonly Buffer[], dictionary?: Buffer): Promise<Buffer[]> {
  const deflate = createDeflate(dictionary === undefined ? {} : { dictionary })
  const out: Buffer[] = []
  for (const block of blocks) {
    const parts: Buffer[] = []
    const take = (part: Buffer) => parts.push(part)
    deflate.on('data', take)
    deflate.write(block)
    await new Promise<void>(resolve => deflate.flush(constants.Z_SYNC_FLUSH, resolve))
    deflate.off('data', take)
    out.push(Buffer.concat(parts))
  }
  return out
}

/** What is inside a block that our writer stored. */
function plain(headers: ReadonlyMap<string, string>): Buffer {
  return new HeaderWriter().write(headers).subarray(6 + 5, -5)
}

test.each([
  ['with its dictionary', DICTIONARY],
  ['without one', undefined],
])('blocks that point back into earlier ones are read, %s', async (_name, dictionary) => {
  const sets = Array.from(
    { length: 60 },
    (_, i) => new Map([...PORT, ['requestid', `${i}`], ['long', `${i}`.repeat(500)]]),
  )
  const blocks = await compressed(sets.map(plain), dictionary)
  expect(blocks[9]!.length).toBeLessThan(200)
  const reader = new HeaderReader()
  // Sixty of them are more than a window.
  for (const [index, block] of blocks.entries())
    expect(new Map(reader.read(block))).toEqual(sets[index])
})

test('a block that inflates to more than a block may be is refused', async () => {
  const [bomb] = await compressed([Buffer.alloc(8 * 1024 * 1024)], DICTIONARY)
  expect(bomb!.length).toBeLessThan(16 * 1024)
  expect(() => new HeaderReader().read(bomb!)).toThrow(/too long/)
})

test.each<[string, Buffer, RegExp]>([
  ['an unknown control frame', frame(11, 0, []), /unknown control frame/],
  ['the frame of a draft before', Buffer.from('8002000100000000', 'hex'), /another version/],
  ['flags that nobody knows', frame(3, 1, [0, 0, 0, 1, 0, 0, 0, 1]), /unknown flags/],
  ['a control frame without an end', Buffer.from('80030001007fffff', 'hex'), /too long/],
  ['data for no stream', Buffer.from('0000000000000001', 'hex'), /no stream/],
  ['a reset for no reason', frame(3, 0, [0, 0, 0, 1, 0, 0, 0, 0]), /no reason/],
  ['a reset of no stream', frame(3, 0, [0x80, 0, 0, 0, 0, 0, 0, 1]), /no stream/],
  ['a ping of another length', frame(6, 0, [0, 0, 0, 1, 0]), /longer than its fields/],
  ['a window of nothing', frame(9, 0, [0, 0, 0, 1, 0, 0, 0, 0]), /window/],
  ['a window beyond all', frame(9, 0, [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]), /window/],
  ['settings that lie', frame(4, 0, [0, 0, 0, 9, 0, 0, 0, 7, 0, 1, 0, 0]), /another length/],
  ['headers that are no zlib', frame(2, 0, [0, 0, 0, 1, 1, 2, 3, 4, 0, 0, 255, 255]), /zlib/],
  ['headers of nothing', frame(2, 0, [0, 0, 0, 1]), /shorter/],
  [
    'headers that go on behind their frame',
    frame(2, 0, Buffer.concat([Buffer.alloc(4, 1), plainStream().subarray(0, -5)])),
    /do not end/,
  ],
  ['headers with two of a name', block('\x02', 'port', '1', 'port', '2'), /twice/],
  ['a name in capitals', block('\x01', 'Port', '1'), /plain/],
  ['two values under one name', block('\x01', 'port', '1\x002'), /plain/],
  ['more headers than there are', block('\x02', 'port', '1'), /shorter/],
  ['bytes behind the headers', block('\x00', 'port', '1'), /longer/],
  ['any number of headers', block('\xff'), /too many/],
])('%s is refused', (_name, bytes, words) => {
  expect(() => told(bytes)).toThrow(words)
})

function plainStream(): Buffer {
  return new HeaderWriter().write(PORT)
}

/** A reply whose headers are these words, each behind its length. */
function block(count: string, ...words: readonly string[]): Buffer {
  const parts = words.map(word => `\0\0\0${String.fromCharCode(word.length)}${word}`)
  const content = Buffer.from(`\0\0\0${count}${parts.join('')}`, 'latin1')
  const size = Buffer.alloc(4)
  size.writeUInt16LE(content.length, 0)
  size.writeUInt16LE(content.length ^ 0xffff, 2)
  const stream = [Buffer.from([0x78, 0x01, 0]), size, content, Buffer.from('000000ffff', 'hex')]
  return frame(2, 0, Buffer.concat([Buffer.from([0, 0, 0, 1]), ...stream]))
}

test('whatever comes, it is read or refused as a breach of the protocol', () => {
  const all = conversation()
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(all.length - 1), fc.nat(255)), { maxLength: 4 }),
      fc.nat(all.length),
      fc.uint8Array({ maxLength: 24 }),
      (changes, cut, more) => {
        const bytes = Buffer.concat([all, more])
        for (const [at, value] of changes) bytes[at] = value
        try {
          told(Buffer.from(bytes.subarray(0, cut)), Buffer.from(bytes.subarray(cut)))
        } catch (error) {
          expect(error).toMatchObject({ code: 'protocol_violation' })
        }
      },
    ),
    { numRuns: 500 },
  )
})
