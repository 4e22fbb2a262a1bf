import { AuthorizationResponseError } from 'openid-client'
import { describe, expect, it } from 'vitest'
import { refusal } from './sign-in-failure.ts'

const answered = (error: string) =>
  new AuthorizationResponseError('refused', {
    cause: new URLSearchParams({ error, error_description: 'secret words' }),
  })

describe('what an issuer answers, for the log', () => {
  it('is said in words of ours', () => {
    expect(refusal(answered('access_denied'))).toMatchObject({
      message: 'the issuer answered access_denied: the person or the issuer said no',
    })
  })

  it.each(['<script>', 'password=1', 'constructor', '__proto__', 'toString'])(
    'is not repeated when it is %s, which anybody can have put there',
    error => {
      const cause = answered(error)
      expect(refusal(cause)).toBe(cause)
    },
  )
})
