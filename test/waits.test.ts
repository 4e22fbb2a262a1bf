import { describe, expect, it } from 'vitest'
import { type Reported, type Thrown, waitedInVain } from './waits.ts'

const late: Thrown = { message: 'waited 30000 ms in vain: the row' }
const wrong: Thrown = { message: 'expected 1 to be 2' }
const test = (...errors: Thrown[]): Reported => ({
  result: () => ({ state: errors.length > 0 ? 'failed' : 'passed', errors }),
})
const file = (moduleId: string, errors: Thrown[], ...children: Reported[]): Reported => ({
  moduleId,
  errors: () => errors,
  children,
})

describe('a file that failed', () => {
  it.each([
    ['our own', late],
    ['a bound of time', { message: 'the answer came after 3100 ms, not within 2000 ms' }],
    ["vitest's, of a test", { message: 'Test timed out in 100ms.' }],
    ["vitest's, of a condition", { message: 'Timed out in waitUntil!' }],
    ["Playwright's", { message: 'locator.waitFor: Timeout 30000ms exceeded.\nCall log: …' }],
    ["poll's", { ...wrong, cause: { message: 'Matcher did not succeed in time.' } }],
  ])('is run again when its first failure is a wait: %s', (_, error) => {
    expect(waitedInVain([file('a', [], test(), test(error)), file('b', [], test())])).toEqual(['a'])
  })

  it('is run again when a wait of its hooks failed, and whatever its tests saw after a wait', () => {
    const inner: Reported = { errors: () => [late], children: [test()] }
    expect(waitedInVain([file('a', [late], test()), file('b', [], inner)])).toEqual(['a', 'b'])
    expect(waitedInVain([file('a', [], test(late, wrong), test(wrong))])).toEqual(['a'])
  })

  it('is not when it saw something wrong, and then neither is any other', () => {
    expect(waitedInVain([file('a', [], test(wrong))])).toEqual([])
    expect(waitedInVain([file('a', [], test(wrong), test(late))])).toEqual([])
    expect(waitedInVain([file('a', [], test(late)), file('b', [wrong])])).toEqual([])
  })
})
