import { describe, expect, it } from 'vitest'
import { ConfigurationError, type DataClass } from '#model'
import { createMasking } from './index.ts'

const tokenKey = new Uint8Array(32)
const masking = (...patterns: readonly string[]) => {
  const classes: DataClass[] = [{ name: 'x', columns: patterns, mask: 'redact' }]
  return createMasking({ classes, tokenKey })
}
const hits = (pattern: string, object: string, column: string) =>
  masking(pattern).classOf({ object, column }) !== undefined

describe('a column pattern', () => {
  it.each([
    ['email', 'public.users', 'email', true],
    ['*.email', 'public.users', 'email', true],
    ['users.email', 'public.users', 'email', true],
    ['public.users.email', 'public.users', 'email', true],
    ['*.*.email', 'public.users', 'email', true],
    ['public.*.e*', 'public.users', 'email', true],
    ['*mail*', 'public.users', 'email_address', true],
    ['*a*b*c', 'public.users', 'xaybzc', true],
    ['sales.users.email', 'public.users', 'email', false],
    ['orders.email', 'public.users', 'email', false],
    ['email', 'public.users', 'Email', true],
    ['Users.*MAIL*', 'public.users', 'email', true],
    ['"SSN"', 'public.users', 'ssn', true],
    // (As the catalogs of servers fold it.)
    ['*.ΑΣ', 'public.users', 'ασ', true],
    ['"ΑΣ"', 'public.users', 'ΑΣ', true],
    ['email', 'public.users', 'email2', false],
    ['a*a', 'public.users', 'a', false],
    ['*ab*ab', 'public.users', 'ab', false],
  ])('%s on %s.%s: %s', (pattern, object, column, expected) => {
    expect(hits(pattern, object, column)).toBe(expected)
  })

  it('matches names that hold dots however they part', () => {
    expect(hits('"my.table".ssn', 'public.my.table', 'ssn')).toBe(true)
    expect(hits('public."my.table".ssn', 'public.my.table', 'ssn')).toBe(true)
    expect(hits('"a.b".t.ssn', 'a.b.t', 'ssn')).toBe(true)
    expect(hits('"a*b".ssn', 'public.axb', 'ssn')).toBe(false)
    expect(hits('"s""n"', 'public.t', 's"n')).toBe(true)
  })

  it.each(['', '.', 'a..b', 'a.b.c.d', 'a.', '"a', 'a"b'])('is refused when it is %j', pattern => {
    expect(() => masking(pattern)).toThrow(ConfigurationError)
  })

  it('gives the most sensitive of several classes', () => {
    const classes: DataClass[] = [
      { name: 'contact', columns: ['*.email'], detect: 'email', mask: 'partial' },
      { name: 'secret', columns: ['users.*'], mask: 'redact' },
    ]
    const both = createMasking({ classes, tokenKey })
    expect(both.classOf({ object: 'public.users', column: 'email' })?.name).toBe('secret')
    expect(both.classOf({ object: 'public.orders', column: 'email' })?.name).toBe('contact')
  })

  it('answers the same after more columns than it remembers', () => {
    const one = masking('c7')
    for (let i = 0; i < 45_000; i++) one.classOf({ object: `public.t${i % 30}`, column: `c${i}` })
    expect(one.classOf({ object: 'public.t7', column: 'c7' })?.name).toBe('x')
    expect(one.classOf({ object: 'public.t7', column: 'c8' })).toBeUndefined()
  })
})
