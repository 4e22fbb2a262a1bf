import { describe, expect, it } from 'vitest'
import { openedCondition, sealedTag } from './entity-tags.ts'

const place = { resource: 'crm', principal: 'user:ana', path: '/customers/7' }
const HASH = '"2jmj7l5rSw0yVb/vlWAYkK/YBwk"'
const opened = (name: string, value: string, masks = true, at = place) =>
  openedCondition(name, value, at, masks)
const sealed = (value: string, hidden = true, at = place) => sealedTag(value, at, hidden) ?? ''

describe('the tag of an answer in which something may be masked', () => {
  it('says nothing of the bytes, and is the same for the same at the same place alone', () => {
    const tag = sealed(HASH)
    expect(tag).toMatch(/^"s\.[\w-]+"$/)
    expect(sealed(HASH)).toBe(tag)
    for (const other of [{ resource: 'b' }, { principal: 'user:bo' }, { path: '/customers/8' }])
      expect(sealed(HASH, true, { ...place, ...other })).not.toBe(tag)
    expect(sealed(HASH, false)).not.toBe(tag)
    expect(sealed('W/"1"')).toMatch(/^W\/"s\./)
    // Express writes the length of the body into it.
    expect(sealed('"fff-x"')).toHaveLength(sealed('"1000-x"').length)
  })

  it('is none where it is no tag, or a very long one', () => {
    for (const odd of ['abc', '"a', '"a"b"', '', `"${'x'.repeat(513)}"`])
      expect(sealedTag(odd, place, false)).toBeUndefined()
  })
})

describe('a condition', () => {
  it('reaches the upstream with its own tags, whatever was masked, where it guards a write', () => {
    const long = [63, 64, 65, 512].map(length => `"${'x'.repeat(length)}"`)
    for (const tag of [HASH, 'W/"1"', '""', '"\xe9,"', ...long])
      for (const hidden of [true, false]) expect(opened('if-match', sealed(tag, hidden))).toBe(tag)
    expect(opened('if-match', `${sealed('"a"')}, ${sealed('W/"b,c"')}`)).toBe('"a", W/"b,c"')
    expect(opened('if', `<http://[::1]/x> ([${sealed('"a"')}] <urn:x>)`)).toBe(
      '<http://[::1]/x> (["a"] <urn:x>)',
    )
    expect(opened('if-match', '*')).toBe('*')
  })

  it('fits nothing when it is a guess', () => {
    const none = opened('if-match', '"never"')
    expect(none).toMatch(/^"[\w-]{16}"$/)
    for (const name of ['if-match', 'if-none-match', 'if-range', 'x-amz-copy-source-if-match'])
      for (const guess of [HASH, `W/${HASH}`, '2jmj7l5rSw0yVb', '"a"x', '"a" "b"', "'a'", ''])
        expect(opened(name, guess), `${name}: ${guess}`).toBe(none)
    expect(opened('if-none-match', `${HASH}, "b"`)).toBe(`${none}, ${none}`)
    for (const guess of ['(["a"])', '([a])', '([W/"a"])', '(["a"', '([])'])
      expect(opened('if', guess)).toContain(`([${none}]`)
  })

  it('fits nothing when it was sealed for somebody else, or changed', () => {
    const none = opened('if-match', '"never"')
    for (const other of [{ resource: 'b' }, { principal: 'user:bo' }, { path: '/customers/8' }])
      expect(opened('if-match', sealed(HASH, true, { ...place, ...other }))).toBe(none)
    const tag = sealed(HASH)
    const flipped = `${tag.slice(0, 30)}${tag[30] === 'A' ? 'B' : 'A'}${tag.slice(31)}`
    for (const odd of [
      flipped,
      `${tag.slice(0, 20)}"`,
      '"s."',
      '"s.AAAA"',
      `"s.${'A'.repeat(1_200)}"`,
    ])
      expect(opened('if-match', odd), odd).toBe(none)
  })

  it('about a copy that was masked never says that it is still the same, also when nothing is masked any more', () => {
    const none = opened('if-match', '"never"')
    for (const name of ['if-none-match', 'if-range'])
      for (const masks of [true, false]) {
        expect(opened(name, sealed(HASH, true), masks)).toBe(none)
        expect(opened(name, sealed(HASH, false), masks)).toBe(HASH)
      }
  })

  it('goes on as it came where nothing is masked', () => {
    for (const value of [HASH, 'abc', '*', '"s.AAAA"', '"a"b'])
      expect(opened('if-match', value, false)).toBe(value)
    for (const value of ['([ "a" ])', '(["a"', '(<urn:a>)'])
      expect(opened('if', value, false)).toBe(value)
    const date = 'Sun, 22 Nov 2026 12:00:00 GMT'
    expect(opened('if-range', date, false)).toBe(date)
  })
})
