import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { Rates, STEP_MS, STEPS } from './rates.ts'
import { MarksOfSession } from './session-marks.ts'

const NOW = 1_800_000_000_000

describe('rates', () => {
  it('are counted by step, and what is older than the ring is gone', () => {
    const rates = new Rates()
    rates.count('permit', NOW - STEP_MS)
    rates.count('permit', NOW)
    rates.count('permit', NOW)
    rates.count('deny', NOW)
    const seen = rates.read(NOW)
    expect(seen.permitted.slice(-2)).toEqual([1, 2])
    expect(seen.denied.at(-1)).toBe(1)
    expect(seen.permitted).toHaveLength(STEPS)
    expect(seen.from + (STEPS - 1) * STEP_MS).toBeLessThanOrEqual(NOW)
    expect(rates.read(NOW + STEPS * STEP_MS).permitted.every(each => each === 0)).toBe(true)
    rates.count('held', NOW + STEPS * STEP_MS)
    expect(rates.read(NOW + STEPS * STEP_MS).permitted.at(-1)).toBe(0)
    expect(rates.read(NOW + STEPS * STEP_MS, 1).held).toEqual([1])
  })
})

describe('the marks of a session', () => {
  it('lose none, stay in order and stay few, however long it lives', () => {
    const what = fc.constantFrom('permit', 'held', 'deny', 'masked')
    const happened = fc.array(fc.tuple(what, fc.nat(40 * 86_400_000)), { maxLength: 400 })
    fc.assert(
      fc.property(happened, all => {
        const marks = new MarksOfSession(NOW)
        for (const [kind, after] of all) marks.add(kind as 'permit', NOW + after)
        const seen = marks.read()
        const total = (at: number): number => seen.marks.reduce((sum, each) => sum + each[at]!, 0)
        expect(total(1)).toBe(all.filter(([kind]) => kind === 'permit').length)
        expect(total(3)).toBe(all.filter(([kind]) => kind === 'deny').length)
        expect(seen.marks.length).toBeLessThanOrEqual(256)
        const last = Math.max(0, ...all.map(([, after]) => after))
        expect(seen.marks.at(-1)?.[0] ?? 0).toBe(
          all.length === 0 ? 0 : Math.floor(last / seen.stepMs),
        )
      }),
      { numRuns: 60 },
    )
  })

  it('count what a clock that was set back brings at the start', () => {
    const marks = new MarksOfSession(NOW)
    marks.add('deny', NOW - 5_000)
    expect(marks.read().marks).toEqual([[0, 0, 0, 1, 0]])
  })
})
