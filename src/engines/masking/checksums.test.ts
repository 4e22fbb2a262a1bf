// Each rule on published numbers, and on every single digit changed in them.
import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { checkOf } from './checksums.ts'

const holds = (rule: keyof typeof checkOf, text: string) => {
  const bytes = Buffer.from(text)
  return checkOf[rule](bytes, 0, bytes.length)
}

const published = [
  ['luhn', '79927398713', 'the example of ISO/IEC 7812-1’s description'],
  ['luhn', '4111 1111 1111 1111', 'a test card of Visa'],
  ['luhn', '490154203237518', 'the IMEI of GSMA’s example'],
  ['mod97', '5493001KJTIIGC8Y1R12', 'the LEI of ISO 17442’s registrar'],
  ['mod97', '3214282912345698765432161182', 'the IBAN of ISO 13616 for a Saudi bank, rotated'],
  ['mod11-2', '0000-0002-1825-0097', 'an ORCID of its documentation'],
  ['mod11-2', '0000-0002-1694-233X', 'an ORCID that ends in X'],
  ['mod11-2', '11010519491231002X', 'the example of GB 11643-1999'],
  ['mod11-10', '86095742719', 'the example of the German Federal Central Tax Office'],
  ['mod11-10', '33392005961', 'the OIB of its description'],
  ['verhoeff', '2363', 'Verhoeff’s own example'],
  ['verhoeff', '123451', 'the example of J. Kirtland'],
  ['damm', '5724', 'Damm’s own example'],
] as const

describe('check digits', () => {
  it.each(published)('%s holds for %s, %s', (rule, text) => {
    expect(holds(rule, text)).toBe(true)
  })

  it.each(published)('%s notices every digit of %s that is changed', (rule, text) => {
    const missed: string[] = []
    for (let i = 0; i < text.length; i++) {
      if (!/\d/.test(text[i]!)) continue
      for (let digit = 0; digit < 10; digit++) {
        const changed = `${text.slice(0, i)}${digit}${text.slice(i + 1)}`
        if (changed !== text && holds(rule, changed)) missed.push(changed)
      }
    }
    expect(missed).toEqual([])
  })

  it.each(Object.keys(checkOf) as (keyof typeof checkOf)[])(
    '%s refuses nothing and one digit',
    rule => {
      expect(['', '-', '0', '1'].filter(text => holds(rule, text))).toEqual([])
    },
  )
})
