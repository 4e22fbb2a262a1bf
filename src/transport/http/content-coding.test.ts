import { Buffer } from 'node:buffer'
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Body } from './body.ts'
import { contentCodings, decodeContent } from './content-coding.ts'
import { Fields } from './fields.ts'

type Codings = Parameters<typeof decodeContent>[1]

const STILL = { pause() {}, resume() {}, cancel() {} }
const TOO_MUCH = () => new Error('more than was asked for')

async function through(
  pieces: readonly Uint8Array[],
  codings: Codings,
  limits?: Parameters<typeof decodeContent>[2],
): Promise<Buffer> {
  const source = new Body(STILL)
  for (const piece of pieces) source.push(piece)
  source.finish()
  const { bytes } = await decodeContent(source, codings, limits).collect(64 * 1024 * 1024, TOO_MUCH)
  return bytes
}

const text = Buffer.from('{"card":"4111111111111111","n":[1,2,3]}'.repeat(3))
const coded: [Codings[number], Buffer][] = [
  ['gzip', gzipSync(text)],
  ['deflate', deflateSync(text)],
  ['deflate', deflateRawSync(text)],
  ['br', brotliCompressSync(text)],
  ['zstd', zstdCompressSync(text)],
]

describe('a coded body', () => {
  it('is what it stands for, wherever it is cut', async () => {
    for (const [coding, bytes] of coded) {
      for (let at = 0; at <= bytes.length; at++) {
        const out = await through([bytes.subarray(0, at), bytes.subarray(at)], [coding])
        expect(out.equals(text), `${coding} cut at ${at}`).toBe(true)
      }
      const single = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))
      expect((await through(single, [coding])).equals(text)).toBe(true)
    }
  })

  it('may be of several members, and coded twice', async () => {
    const members = Buffer.concat([gzipSync('one '), gzipSync('two')])
    expect((await through([members], ['gzip'])).toString()).toBe('one two')
    const twice = brotliCompressSync(gzipSync(text))
    expect((await through([twice], ['gzip', 'br'])).equals(text)).toBe(true)
    expect(await through([], ['gzip'])).toHaveLength(0)
  })

  it('fails when it is cut short or is something else', async () => {
    for (const [coding, bytes] of coded) {
      await expect(through([bytes.subarray(0, bytes.length - 3)], [coding])).rejects.toThrow()
      await expect(
        through([Buffer.from('{"card":"4111111111111111"}')], [coding]),
      ).rejects.toThrow()
    }
  })

  it('is bounded in what comes out of it', async () => {
    const zeros = Buffer.alloc(20 * 1024 * 1024)
    for (const bomb of [
      [gzipSync(zeros), 'gzip'],
      [brotliCompressSync(zeros), 'br'],
      [zstdCompressSync(zeros), 'zstd'],
      [deflateSync(zeros), 'deflate'],
    ] as const)
      await expect(through([bomb[0]], [bomb[1]])).rejects.toThrow('grows too much')
    const twice = gzipSync(gzipSync(zeros))
    await expect(through([twice], ['gzip', 'gzip'])).rejects.toThrow('grows too much')
    const limits = { freeBytes: 1_000, ratio: 4 }
    const plain = Buffer.from(Array.from({ length: 3_000 }, (_, i) => `${i * 7919}`).join())
    expect((await through([gzipSync(plain)], ['gzip'], limits)).equals(plain)).toBe(true)
  })

  it('waits for its reader', async () => {
    const big = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `${i * 7919}`).join())
    const bytes = gzipSync(big)
    let [at, paused] = [0, false]
    const source: Body = new Body({
      pause: () => {
        paused = true
      },
      resume: () => {
        paused = false
        setImmediate(feed)
      },
      cancel() {},
    })
    function feed(): void {
      while (!paused && at < bytes.length) {
        source.push(bytes.subarray(at, at + 16_384))
        at += 16_384
      }
      if (at >= bytes.length) source.finish()
    }
    const body = decodeContent(source, ['gzip'])
    const chunks: Uint8Array[] = []
    for await (const chunk of body) {
      chunks.push(chunk)
      if (chunks.length === 1) {
        await new Promise(resolve => setTimeout(resolve, 20))
        expect(at).toBeLessThan(bytes.length / 2)
      }
    }
    expect(Buffer.concat(chunks).equals(big)).toBe(true)
  })

  it('lets go of its source when nobody wants the rest', async () => {
    let cancelled = false
    const source = new Body({ ...STILL, cancel: () => (cancelled = true) })
    source.push(gzipSync(text).subarray(0, 20))
    const body = decodeContent(source, ['gzip'])
    body.read({ data: () => true, end() {}, fail() {} })
    body.cancel(new Error('gone'))
    expect(cancelled).toBe(true)
    source.push(Buffer.from('x'))
  })
})

describe('the codings that a head names', () => {
  const of = (...values: string[]) =>
    contentCodings(Fields.of(...values.map(value => ['content-encoding', value] as const)))

  it('are taken off when they are known, and few', () => {
    expect(of()).toEqual([])
    expect(of('identity')).toEqual([])
    expect(of('X-GZip')).toEqual(['gzip'])
    expect(of('gzip, br')).toEqual(['gzip', 'br'])
    expect(of('gzip', 'zstd')).toEqual(['gzip', 'zstd'])
    for (const unknown of ['compress', 'dcb', 'constructor', 'gzip;q=1', 'gzip, gzip, gzip'])
      expect(of(unknown), unknown).toBeUndefined()
  })
})
