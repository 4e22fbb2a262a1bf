import { expect, it } from 'vitest'
import { compareCompiled, compareSessions, newTally } from './oracle.testing.ts'
// The same draws each time.
import '../../../test/property.ts'

it('compiled policies decide any program as Cedar does, with its reasons and errors', () => {
  const tally = newTally()
  compareCompiled(400, tally)
  expect(tally.asked).toBeGreaterThanOrEqual(400)
  for (const kind of ['allowed', 'forbidden', 'failed'] as const) {
    expect(tally[kind], kind).toBeGreaterThan(5)
  }
})

it('a session decides as Cedar does, and offers only duties that lift the denial', () => {
  const tally = newTally()
  compareSessions(300, tally)
  expect(tally.refusedByCheck).toBeLessThan(100)
  for (const kind of ['allowed', 'forbidden', 'lifted'] as const) {
    expect(tally[kind], kind).toBeGreaterThan(2)
  }
})
