import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { createMarks, createMasking } from './index.ts'

const classes = [
  { name: 'email', columns: ['*.email'], mask: 'hash-token' },
  { name: 'ssn', columns: ['*.ssn'], mask: 'redact' },
] as const
const marks = createMarks(classes)
const masking = createMasking({ classes, tokenKey: new Uint8Array(32) })

function masked(dataClass: string): string {
  const value = Buffer.from('ann@example.com')
  const out = Buffer.alloc(200)
  return out.toString('utf8', 0, masking.masker(dataClass)(value, 0, value.length, out, 0))
}

describe('a mask on its way back', () => {
  it('is recognised as it was written', () => {
    expect(marks.inText(`update t set x = '${masked('ssn')}'`, false)).toBe(true)
    expect(marks.inText(`update t set x = '${masked('email')}'`, true)).toBe(true)
    expect(marks.inBytes(Buffer.from(`a\t${masked('ssn')}\n`), false)).toBe(true)
    expect(marks.inBytes(Buffer.from(`a\t${masked('email')}\n`), true)).toBe(true)
  })

  it('is no hash token where nothing is stored, and none of a class that writes none', () => {
    expect(marks.inText(`select '${masked('email')}'`, false)).toBe(false)
    expect(marks.inText("insert into t values ('tok_ssn_abcdefghijklmnop')", true)).toBe(false)
    expect(marks.inText("insert into t values ('tok_email_short')", true)).toBe(false)
    expect(createMarks([]).inText('tok_email_abcdefghijklmnop', true)).toBe(false)
  })

  it.each(['ssn', 'email'])('is found in data however it is cut: %s', dataClass => {
    const data = Buffer.from(`${'x'.repeat(70)}${masked(dataClass)}${'y'.repeat(70)}`)
    for (let size = 1; size < data.length; size++) {
      const watch = marks.watch()
      let found = false
      for (let at = 0; at < data.length; at += size) {
        found = watch(data, at, Math.min(data.length, at + size)) || found
      }
      expect(found, `pieces of ${size}`).toBe(true)
    }
  })

  it('is not made up from pieces that were not next to each other', () => {
    const watch = marks.watch()
    const piece = (text: string) => watch(Buffer.from(text), 0, Buffer.byteLength(text))
    expect([piece('⟦'), piece('x'), piece('m:')]).toEqual([false, false, false])
    expect([piece('a⟦'), piece('m'), piece(':')]).toEqual([false, false, true])
  })
})
