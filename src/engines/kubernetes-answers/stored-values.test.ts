import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { createMarks } from '#engines/masking'
import { hiddenAs, MASK, MASK_64 } from './rules.testing.ts'
import { storedValues } from './stored-values.ts'

const marks = createMarks([{ name: 'joined', columns: [], mask: 'hash-token' }])
const carries = (body: string | Uint8Array): boolean =>
  [...storedValues(Buffer.from(body))].some(each => marks.inBytes(each, true))

describe('a body that would store a mask', () => {
  it('is told whether the mask is a text or in base64, in JSON and in YAML', () => {
    for (const body of [
      `{"data":{"a":"${MASK_64}"}}`,
      `data:\n  a: ${MASK_64}\n`,
      `data: {a: ${MASK_64}}`,
      `{"stringData":{"a":"${MASK}"}}`,
    ])
      expect(carries(body)).toBe(true)
  })

  it('is told when JSON writes the base64 with escapes, or holds it in a text', () => {
    const escaped = MASK_64.replaceAll('+', '\\u002b').replace('4', '\\u0034')
    expect(carries(`{"data":{"a":"${escaped}"}}`)).toBe(true)
    expect(carries(JSON.stringify({ last: JSON.stringify({ data: { a: MASK_64 } }) }))).toBe(true)
  })

  it('is told when it holds a token that stands for a value', () => {
    const out = Buffer.alloc(256)
    const { write } = hiddenAs('joined') as { write: (...all: unknown[]) => number }
    const token = out.subarray(0, write(Buffer.from('x'), 0, 1, out, 0))
    expect(carries(`{"data":{"a":"${token.toString('base64')}"}}`)).toBe(true)
  })

  it('is none when its values are others', () => {
    expect(
      carries(`{"data":{"a":"${Buffer.from('m:kubernetes-secret and more').toString('base64')}"}}`),
    ).toBe(false)
    expect(carries(Buffer.from([0xff, 0x00, 0x41]))).toBe(false)
  })

  it('is read in time that grows with it', () => {
    const body = Buffer.from(`{"data":{"a":"${'A\\/'.repeat(1_000_000)}"}}`)
    const before = process.cpuUsage().user
    expect(carries(body)).toBe(false)
    expect(process.cpuUsage().user - before).toBeLessThan(3_000_000)
  })
})
