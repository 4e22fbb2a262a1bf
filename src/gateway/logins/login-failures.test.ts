import { describe, expect, it } from 'vitest'
import { LoginFailures } from './login-failures.ts'

const times = (count: number, work: (at: number) => boolean) =>
  Array.from({ length: count }, (_, at) => work(at)).filter(Boolean).length

describe('failed logins', () => {
  it('are written down one by one up to a bound for each address, then counted', () => {
    const failures = new LoginFailures()
    expect(times(250, () => failures.admit('192.0.2.1', 1_000))).toBe(100)
    expect(times(3, () => failures.admit('192.0.2.2', 1_000))).toBe(3)
    expect(failures.takePassedOver(60_999)).toEqual([])
    expect(failures.takePassedOver(61_000)).toEqual([{ ip: '192.0.2.1', failures: 150 }])
    expect(failures.takePassedOver(61_000)).toEqual([])
    expect(failures.admit('192.0.2.1', 61_001)).toBe(true)
  })

  it('of more addresses than are told apart share one place, and are bounded all the same', () => {
    const failures = new LoginFailures()
    expect(times(20_000, at => failures.admit(`ip-${at}`, 0))).toBe(10_100)
    expect(failures.takePassedOver(Number.POSITIVE_INFINITY)).toEqual([{ ip: '', failures: 9_900 }])
  })

  it('do not wait for a clock that was set back', () => {
    const failures = new LoginFailures()
    times(101, () => failures.admit('192.0.2.1', 1_000_000))
    expect(failures.takePassedOver(5)).toEqual([{ ip: '192.0.2.1', failures: 1 }])
  })
})
