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
      ['ETag', 'W/"abc"'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ])
    expect(maskedHead([['etag', 'W/"abc"']], undefined)).toEqual([['etag', 'W/"abc"']])
  })
})
