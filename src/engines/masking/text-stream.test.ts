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

  it('hides what a terminal would show, wherever pieces end: over another text, beside colours, among longer characters', () => {
    const shown = [
      'progress 10%\rprogress 20%\rsent to someone@example.com\r\n',
      '\u001b[1;32msomeone@example.com\u001b[0m \u001b]0;title\u0007\r\n',
      'für 田中 (someone@example.com) – „4111 1111 1111 1111“\r\n',
      '[####    ] someone@example.com\r[########] 4111-1111-1111-1111\r',
    ]
    for (const said of shown) {
      const bytes = Buffer.from(said)
      const hidden = through([said])
      expect(hidden).not.toMatch(/someone|4111/)
      for (let at = 1; at < bytes.length; at += 1) {
        const text = stream()
        const out = [bytes.subarray(0, at), bytes.subarray(at)].map(piece =>
          Buffer.from(text.write(piece)),
        )
        out.push(Buffer.from(text.flush()))
        expect(Buffer.concat(out).toString(), `cut at ${at}`).toBe(hidden)
      }
    }
  })

  it('does not know what a terminal does: a value with control codes inside is not found (a documented limit)', () => {
    const passes = (said: string) => expect(through([said])).toBe(said)
    // Colours, a new line or a place in the middle of it, letters that are written over others, one at a time.
    passes('someone\u001b[31m@\u001b[0mexample.com\n')
    passes('4111 1111 \u001b[1m1111 1111\u001b[0m\n')
    passes('4111 1111 1111\r\n 1111\n')
    passes('someone@exam\rsomeone@example')
    passes('someone@x\b\u001b[5C\n')
    passes('4\u001b[C1\u001b[C1\u001b[C1 1111 1111 1111\n')
  })

  it('cuts a long line between words, and not within a number that has blanks', () => {
    const text = stream()
    let out = ''
    for (let n = 0; n < 2_000; n += 1) {
      const said = `${'and '.repeat(n % 7)}some.body.${n}@example.com 4111 1111 1111 1111 `
      out += Buffer.from(text.write(Buffer.from(said))).toString()
    }
    out += Buffer.from(text.flush()).toString()
    expect(out.replaceAll('⟦m:email⟧', '').replaceAll('⟦m:card⟧', '')).toMatch(/^(?:and| )*$/)
  })

  it('lets what waited enough go on, but for as much as a value may be long', () => {
    const text = stream()
    const said = `${'word '.repeat(200)}someone@exam`
    expect(Buffer.from(text.write(Buffer.from(said))).toString()).toBe('')
    const eased = Buffer.from(text.ease()).toString()
    expect(said.startsWith(eased)).toBe(true)
    expect([eased.length > 400, text.held >= 512, text.held < 600]).toEqual([true, true, true])
    expect(Buffer.from(text.ease()).toString()).toBe('')
    expect(through(['ple.com\n'], text)).not.toContain('someone')
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
