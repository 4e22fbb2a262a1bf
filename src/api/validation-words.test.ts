import { validatorCompiler } from 'fastify-type-provider-zod'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { validationWords } from './validation-words.ts'

const schema = z.strictObject({
  state: z.enum(['pending', 'approved', 'denied']).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).optional(),
  reason: z.string().min(1).max(10).optional(),
  actions: z
    .array(z.enum(['read']))
    .min(2)
    .optional(),
  mine: z.boolean().optional(),
  id: z.string(),
})

function words(asked: object): string | undefined {
  const check = validatorCompiler({ schema, method: 'POST', url: '/', httpPart: 'body' })
  const checked: { error?: unknown } = Object(check({ id: 'x', ...asked }))
  return validationWords({ validation: checked.error })
}

it('names the field and says what it takes', () => {
  expect(words({ state: 'waiting' })).toBe('state must be pending, approved or denied.')
  expect(words({ limit: 0 })).toBe('limit must be 1 or more.')
  expect(words({ limit: 5_000 })).toBe('limit must be 1000 or less.')
  expect(words({ reason: '' })).toBe('reason may not be empty.')
  expect(words({ reason: 'far too long' })).toBe('reason has 10 characters at most.')
  expect(words({ actions: ['read'] })).toBe('actions has 2 items at least.')
  expect(words({ actions: ['fly', 'read'] })).toBe('actions.0 must be read.')
  expect(words({ mine: 'yes' })).toBe('mine must be true or false.')
  expect(words({ id: undefined })).toBe('id is missing.')
  expect(words({ nonsense: 1 })).toBe('what is asked may not have nonsense.')
})

it('leaves other refusals alone', () => {
  expect(validationWords(new Error('too large'))).toBeUndefined()
})
