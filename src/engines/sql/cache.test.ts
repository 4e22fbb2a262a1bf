import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { TextCache } from './cache.ts'

describe('what is kept of texts', () => {
  it('gives back what was put in', () => {
    const cache = new TextCache<number>(10, 10_000)
    cache.set('a', 1, 10)
    expect(cache.get('a')).toBe(1)
    expect(cache.get('b')).toBeUndefined()
  })

  it('keeps what is asked for while others come and go', () => {
    const cache = new TextCache<number>(10, 1_000_000)
    cache.set('a', 1, 10)
    for (let index = 0; index < 1000; index++) {
      cache.set(`x${index}`, index, 10)
      expect(cache.get('a')).toBe(1)
    }
    expect(cache.get('x0')).toBeUndefined()
  })

  it('does not keep what is large, nor anything when it may hold nothing', () => {
    const cache = new TextCache<number>(10, 1000)
    cache.set('a', 1, 900)
    expect(cache.get('a')).toBeUndefined()
    const none = new TextCache<number>(0, 1000)
    none.set('a', 1, 1)
    expect(none.get('a')).toBeUndefined()
  })

  it('stays within its bounds', () => {
    const actions = fc.array(
      fc.record({ text: fc.string({ maxLength: 5 }), bytes: fc.nat(200), get: fc.boolean() }),
      { maxLength: 300 },
    )
    fc.assert(
      fc.property(actions, list => {
        const cache = new TextCache<number>(20, 2000)
        for (const { text, bytes, get } of list) {
          if (get) cache.get(text)
          else cache.set(text, 1, bytes)
          expect(cache.size).toBeLessThanOrEqual(20)
          expect(cache.bytes).toBeLessThanOrEqual(2000)
          expect(cache.bytes).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })
})
