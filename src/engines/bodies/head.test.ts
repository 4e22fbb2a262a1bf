import { describe, expect, it } from 'vitest'
import { maskedHead } from './head.ts'

describe('the head of a masked answer', () => {
  it('says nothing that was true of the other bytes', () => {
    const fields = [
      ['Content-Type', 'text/plain; charset=latin1'],
      ['Content-Length', '12'],
      ['ETag', '"abc"'],
      ['Content-Digest', 'sha-256=:x:'],
      ['Content-MD5', 'x'],
      ['Accept-Ranges', 'bytes'],
      ['Content-Encoding', 'gzip'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ] as const
    expect(maskedHead(fields, 'text/plain; charset=utf-8')).toEqual([
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ])
    const services =
      'x-amz-checksum-sha256 x-goog-hash x-ms-blob-content-md5 x-checksum-sha1 x-amz-object-etag x-original-content-length x-content-crc32c'
    for (const name of services.split(' '))
      expect(maskedHead([[name, 'x']], undefined), name).toEqual([])
    const others = 'location x-request-id x-hashtag x-ratelimit-limit content-language'
    for (const name of others.split(' '))
      expect(maskedHead([[name, 'x']], undefined), name).toHaveLength(1)
  })
})
