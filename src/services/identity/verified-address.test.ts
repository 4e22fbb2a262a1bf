import { describe, expect, it } from 'vitest'
import { verifiedAddress } from './browser-sign-in.ts'

describe('the address of a sign-in', () => {
  it('counts when the issuer says itself that it is verified', () => {
    expect(verifiedAddress({ email: 'dora@example.com', email_verified: true })).toBe(
      'dora@example.com',
    )
  })

  it('counts in no other case', () => {
    for (const claims of [
      { email: 'dora@example.com' },
      { email: 'dora@example.com', email_verified: false },
      { email: 'dora@example.com', email_verified: 'true' },
      { email: 'dora@example.com', email_verified: 1 },
      { email_verified: true },
      { email: '', email_verified: true },
      { email: ['dora@example.com'], email_verified: true },
      { email: 'dora', email_verified: true },
      { email: 'dora@example.com, eve@example.com', email_verified: true },
      { email: `${'d'.repeat(65)}@example.com`, email_verified: true },
      { email: `d@${'x'.repeat(256)}`, email_verified: true },
    ])
      expect(verifiedAddress(claims), JSON.stringify(claims)).toBeUndefined()
  })
})
