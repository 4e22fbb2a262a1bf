import { expect, it } from 'vitest'
import { reasonCodes, UpstreamError } from '#model'
import { denial, nativeCodes } from './denial.ts'

it('has a code of the server’s own for each reason: clients take their own for a broken packet', () => {
  for (const reason of reasonCodes) {
    const [code, state] = nativeCodes[reason]
    expect(code < 2000 || code >= 3000, reason).toBe(true)
    expect(state, reason).toMatch(/^[0-9A-Z]{5}$/)
  }
})

it('keeps the reason where the words are too long for the wire', () => {
  const bytes = denial(new UpstreamError('upstream_lost', 'é'.repeat(600)))
  expect(bytes.length).toBeLessThanOrEqual(9 + 511)
  expect(Buffer.from(bytes).toString()).toMatch(/é\.\.\.; reason: upstream_lost$/)
})

it('joins sentences as one line has them', () => {
  const error = new UpstreamError('upstream_lost', 'It went away.', {
    hint: 'Look whether it ran.',
  })
  expect(Buffer.from(denial(error)).toString()).toMatch(
    /It went away; Look whether it ran; reason: upstream_lost$/,
  )
})
