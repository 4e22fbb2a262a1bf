import { describe, expect, test } from 'vitest'
import { AskedValues } from './asked-values.ts'

const HOUR = 3_600_000
const account = { principal: 'ana', resource: 'shop', dataClass: 'ssn' }
const values = (...texts: string[]) => texts.map(text => new TextEncoder().encode(text))

describe('values that were asked for', () => {
  test('count once each, however often and in however many statements', () => {
    const asked = new AskedValues()
    expect(asked.take(account, values('a', 'a', 'b'), 2, 0)).toBe(true)
    expect(asked.take(account, values('b'), 2, 1)).toBe(true)
    expect(asked.take(account, values('c'), 2, 2)).toBe(false)
    expect(asked.take(account, values('a'), 2, 3)).toBe(true)
  })

  test('are taken all or none, so that a long list tells nothing', () => {
    const asked = new AskedValues()
    expect(asked.take(account, values('a', 'b', 'c'), 2, 0)).toBe(false)
    expect(asked.take(account, values('a', 'b'), 2, 0)).toBe(true)
  })

  test('are forgotten an hour after they were last asked for', () => {
    const asked = new AskedValues()
    asked.take(account, values('a'), 2, 0)
    asked.take(account, values('b'), 2, 10)
    asked.take(account, values('a'), 2, 20)
    expect(asked.take(account, values('c'), 2, HOUR + 5)).toBe(false)
    expect(asked.take(account, values('c'), 2, HOUR + 10)).toBe(true)
    expect(asked.take(account, values('d'), 2, HOUR + 15)).toBe(false)
    expect(asked.take(account, values('d'), 2, HOUR + 20)).toBe(true)
  })

  test('count for each principal, resource and class by themselves', () => {
    const asked = new AskedValues()
    asked.take(account, values('a'), 1, 0)
    for (const other of [{ principal: 'bob' }, { resource: 'crm' }, { dataClass: 'email' }])
      expect(asked.take({ ...account, ...other }, values('b'), 1, 0)).toBe(true)
    expect(asked.take(account, values('b'), 1, 0)).toBe(false)
  })

  test('are refused when there is no room to remember them, until others are forgotten', () => {
    const asked = new AskedValues(2)
    asked.take(account, values('a', 'b'), 10, 0)
    const other = { ...account, principal: 'bob' }
    expect(asked.take(other, values('c'), 10, 1)).toBe(false)
    expect(asked.take(other, values('c'), 10, HOUR)).toBe(true)
  })

  test('that nobody may ask for are none', () => {
    expect(new AskedValues().take(account, values('a'), 0, 0)).toBe(false)
    expect(new AskedValues().take(account, [], 0, 0)).toBe(true)
  })
})
