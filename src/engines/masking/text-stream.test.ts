import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { createMasking } from './masking.ts'
import { clearStream, createTextStream, type TextStream } from './text-stream.ts'

const masking = createMasking({
  classes: [
    { name: 'email', columns: [], detect: 'email', mask: 'redact' },
    { name: 'key', columns: [], detect: 'private-key', mask: 'redact' },
    { name: 'card', columns: [], detect: 'card', mask: 'redact' },
  ],
  tokenKey: new Uint8Array(32),
})
const stream = (): TextStream => {
  const scan = masking.scanner(['email', 'key', 'card'])
  if (scan === undefined) throw new Error('no detector')
  return createTextStream(scan)
}

/** All that comes out when the pieces go in. */
function through(pieces: readonly string[], text = stream()): string {
  const out = pieces.map(piece => Buffer.from(text.write(Buffer.from(piece))).toString())
  return out.join('') + Buffer.from(text.flush()).toString()
}

describe('a stream of text', () => {
  it('hides a value wherever it is cut', () => {
    const said = 'to: someone@example.com, card 4111 1111 1111 1111\nbye\n'
    const hidden = through([said])
    expect(hidden).not.toContain('someone')
    expect(hidden).not.toContain('4111')
    for (let at = 1; at < said.length; at += 1)
      expect(through([said.slice(0, at), said.slice(at)]), `cut at ${at}`).toBe(hidden)
    expect(through([...said])).toBe(hidden)
  })

  it('keeps the lines of a private key together', () => {
    const body = Array.from(
      { length: 12 },
      () => 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ',
    )
    const key = `-----BEGIN PRIVATE KEY-----\n${body.join('\n')}\n-----END PRIVATE KEY-----\n`
    const lines = key.split(/(?<=\n)/)
    expect(through(['before\n', ...lines, 'behind\n'])).not.toContain('MIIEvQ')
    expect(through(['before\n', ...lines, 'behind\n'])).toMatch(/^before\n[^\n]*\nbehind\n$/)
  })

  it('gives what waits when nothing more comes for now, and goes on', () => {
    const text = stream()
    expect(Buffer.from(text.write(Buffer.from('password: '))).toString()).toBe('')
    expect(text.held).toBe(10)
    expect(Buffer.from(text.flush()).toString()).toBe('password: ')
    expect(text.held).toBe(0)
    expect(through(['a@example.com\n'], text)).not.toContain('a@example.com')
  })

  it('holds no more than a long line, and hides what stands in it', () => {
    const text = stream()
    let out = ''
    for (let n = 0; n < 3_000; n += 1) {
      out += Buffer.from(text.write(Buffer.from(`word${n} someone${n}@example.com `))).toString()
      expect(text.held).toBeLessThan(20_000)
    }
    out += Buffer.from(text.flush()).toString()
    expect(out).not.toMatch(/someone\d/)
    expect(out).toContain('word2999')
  })

  it('changes no byte where nothing is found', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), pieces => {
        const scan = masking.scanner(['key'])
        const text = scan === undefined ? clearStream : createTextStream(scan)
        const out = pieces.map(piece => Buffer.from(text.write(piece)))
        out.push(Buffer.from(text.flush()))
        expect(Buffer.concat(out)).toEqual(Buffer.concat(pieces))
      }),
    )
  })
})
