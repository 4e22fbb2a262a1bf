import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isGatewayError } from '#model'
import { readRequest } from './requests.ts'
import { packet, REQUEST, string, uint32 } from './wire.ts'

describe('a packet of a client', () => {
  it('is a request that is known in all its parts, or none', () => {
    const open = (pflags: number, ...attributes: number[]) =>
      readRequest(packet(REQUEST.open, string('/a'), uint32(pflags), ...attributes.map(uint32)))
    expect(open(0x1a, 4, 0o644)).toMatchObject({
      verb: 'OPEN',
      words: ['write,create,truncate', 'mode=644'],
      paths: [{ path: '/a', means: 'target' }],
    })
    expect(() => open(0x1a, 4)).toThrow('cannot be read')
    expect(() => open(0x1a, 0, 0)).toThrow('cannot be read')
    expect(() => open(0x41, 0)).toThrow('not known')
    expect(() => open(0x8, 0)).toThrow('not known')
    // To truncate is to write.
    expect(() => open(0x11, 0)).toThrow('not known')
    expect(() => open(1, 0x80000000, 1)).toThrow('extended attributes')
  })

  it('goes to the host with the paths that were judged, and everything else as it was', () => {
    const attributes = Buffer.concat([uint32(0xf), ...[1, 2, 3, 4, 5, 6, 7].map(uint32)])
    const setstat = readRequest(packet(REQUEST.setstat, string('x/../y'), attributes))
    if (setstat.kind !== 'path') throw new Error(setstat.kind)
    expect(setstat.words).toEqual(['size=4294967298', 'owner=3:4', 'mode=5', 'times=6:7'])
    expect(setstat.build(['/y'])).toEqual(packet(REQUEST.setstat, string('/y'), attributes))
    const write = packet(REQUEST.write, string('ours'), uint32(0), uint32(7), string('data'))
    const request = readRequest(write)
    if (request.kind !== 'handle') throw new Error(request.kind)
    expect(request.offset).toBe(7)
    for (const handle of ['host', 'a longer one'])
      expect(readRequest(request.build(Buffer.from(handle)))).toMatchObject({
        handle: Buffer.from(handle),
        offset: 7,
        data: Buffer.from('data'),
      })
  })

  it('of noise is refused, and nothing else happens', () => {
    const types = [...Object.values(REQUEST), 0, 2, 21, 255]
    for (let n = 0; n < 20_000; n += 1) {
      const noise = packet(types[n % types.length] ?? 0, randomBytes(n % 80))
      for (let at = 9; at + 4 < noise.length; at += 12)
        if (n % 3 > 0) noise.writeUInt32BE(n % 9, at)
      try {
        readRequest(noise)
      } catch (error) {
        if (!isGatewayError(error)) throw error
      }
    }
  })
})
