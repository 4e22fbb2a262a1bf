import { Buffer } from 'node:buffer'
import { expect, it } from 'vitest'
import { createMessageMasker } from './messages.ts'
import { rulesOf } from './rules.testing.ts'

const masker = createMessageMasker(rulesOf({ 'secret-name': { names: ['name'] } }))
const masked = (text: string) => Buffer.from(masker.mask(Buffer.from(text))).toString()

it('masks a message as JSON when it is JSON, else as a text', () => {
  expect(masked('{"name":"Ann","c":4111111111111111}')).toBe('{"name":"⟦m:secret-name⟧","c":null}')
  expect(masked('card 4111111111111111')).toBe('card ⟦m:card⟧')
  expect(masked('[DONE]')).toBe('[DONE]')
  expect(masked('')).toBe('')
  expect(() => masked('{"name":"Ann"')).toThrow('JSON')
  expect(Object.fromEntries(masker.found)).toEqual({ 'secret-name': 1, card: 2 })
  masker.close()
  masker.close()
})

it('leaves a message as it is when nothing is hidden in it', () => {
  const message = Buffer.from('{ "n" : 1.0 }')
  expect(masker.mask(message)).toBe(message)
})
