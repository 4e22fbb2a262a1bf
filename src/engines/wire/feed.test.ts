import { expect, test } from 'vitest'
import { fc } from '../../../test/property.ts'
import { Feed, typedFrames } from './index.ts'

const HEADER = typedFrames.headerBytes

/** Reads whole frames; blocks before, or after, every frame whose first payload byte says so. */
class Collector {
  readonly frames: string[] = []
  readonly feed = new Feed(this, typedFrames)
  #passed = false

  read(bytes: Buffer, at: number, end: number): number {
    while (end - at >= HEADER && typedFrames.frameBytes(bytes, at) <= end - at) {
      const next = at + typedFrames.frameBytes(bytes, at)
      const mark = bytes[at + HEADER]
      if (mark === 1 && !this.#passed) {
        this.#passed = true
        this.feed.blocked = true
        return at
      }
      this.#passed = false
      this.frames.push(bytes.toString('hex', at, next))
      at = next
      if (mark === 2) {
        this.feed.blocked = true
        return at
      }
    }
    return at
  }
}

test('frames come out whole and in order, however they are cut and whenever the reader blocks', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }),
      fc.array(fc.nat(400), { maxLength: 20 }),
      fc.array(fc.boolean(), { maxLength: 40 }),
      (payloads, cuts, resumes) => {
        const frames = payloads.map(payload => {
          const frame = Buffer.alloc(HEADER + payload.length)
          frame[0] = 0x41
          frame.writeUInt32BE(4 + payload.length, 1)
          frame.set(payload, HEADER)
          return frame
        })
        const all = Buffer.concat(frames)
        const collector = new Collector()
        const places = [
          ...new Set([0, all.length, ...cuts.map(cut => cut % (all.length + 1))]),
        ].sort((a, b) => a - b)
        places.slice(1).forEach((to, index) => {
          collector.feed.push(Buffer.from(all.subarray(places[index], to)))
          if (collector.feed.blocked && resumes[index] === true) collector.feed.resume()
        })
        for (let i = 0; i < payloads.length * 2 + 2 && collector.feed.blocked; i++)
          collector.feed.resume()
        expect(collector.frames).toEqual(frames.map(frame => frame.toString('hex')))
        expect(collector.feed.empty).toBe(true)
      },
    ),
    { numRuns: 500 },
  )
})

test('what was not read is given back in its order, and nothing is kept', () => {
  const frame = (mark: number, text: string) =>
    Buffer.concat([Buffer.from([0x41, 0, 0, 0, 5 + text.length, mark]), Buffer.from(text)])
  const read = frame(3, 'read')
  const held = frame(1, 'held')
  const all = Buffer.concat([read, held, frame(3, 'behind'), frame(3, 'cut').subarray(0, 3)])
  for (let first = 0; first <= all.length; first++) {
    const collector = new Collector()
    for (const part of [all.subarray(0, first), all.subarray(first)])
      collector.feed.push(Buffer.from(part))
    expect(collector.frames).toEqual([read.toString('hex')])
    expect(collector.feed.detach().toString('hex')).toBe(all.subarray(read.length).toString('hex'))
    expect(collector.feed.empty).toBe(true)
  }
})
