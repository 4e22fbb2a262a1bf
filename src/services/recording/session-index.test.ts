import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import type { Operation } from '#model'
import { fc } from '../../../test/property.ts'
import { RecentTexts } from './recent-texts.ts'
import { SessionIndex } from './session-index.ts'
import { VALUES, Wording } from './wording.ts'

/** What a program's statements of one kind share. */
const reading: readonly Operation[] = [
  {
    action: 'read',
    verb: 'SELECT',
    object: { name: 'public.t', kind: 'table' },
    columns: [],
    flags: [],
  },
]

const lookup = (id: number | string): string => `select a from t where id = ${id} and b = 'x${id}'`

function taken(index: SessionIndex): string[] {
  return index.take().texts.flatMap(({ text }) => text.split('\u001f'))
}

describe('texts that differ in their values alone', () => {
  it('are kept whole at first, and then by their values', () => {
    const index = new SessionIndex()
    for (let id = 0; id < 1_000; id++) index.statement(lookup(id), 'permit', reading)
    const texts = taken(index)
    expect(texts).toHaveLength(1_000)
    expect(texts.filter(text => text.startsWith('select'))).toHaveLength(64)
    expect(texts.slice(64)).toEqual(
      Array.from({ length: 936 }, (_, at) => `${at + 64} 'x${at + 64}'`),
    )
  })

  it('go in once while they come again and again', () => {
    const index = new SessionIndex()
    for (let id = 0; id < 100; id++) index.statement(lookup(id), 'permit', reading)
    taken(index)
    const again = Array.from({ length: 5_000 }, (_, at) => lookup(at % 100))
    for (const text of again) index.statement(text, 'permit', reading)
    // Those that are there as a whole come by their values too; one or the other is forgotten for another.
    expect(taken(index).length).toBeLessThan(150)
  })

  it('are told apart by their decision and by what they are about', () => {
    const index = new SessionIndex()
    for (let id = 0; id < 200; id++) index.statement(lookup(id), 'permit', reading)
    taken(index)
    const other = [{ ...(reading[0] as Operation), object: { name: 'public.u', kind: 'table' } }]
    expect(index.statement(lookup(199), 'deny', reading)).toBeDefined()
    expect(index.statement(lookup(500), 'permit', other)?.objects).toEqual(['public.u'])
    const { facts, texts } = index.take()
    expect(new Set(facts.map(({ value }) => value))).toEqual(
      new Set(['deny', 't', 'public.t', 'permit', 'u', 'public.u']),
    )
    expect(new Set(texts.map(({ shape }) => shape)).size).toBe(2)
  })

  it('are found by the classes that were masked in an answer', () => {
    const index = new SessionIndex()
    for (let id = 0; id < 200; id++) index.statement(lookup(id), 'permit', reading)
    index.take()
    index.masked(lookup(199), ['email'])
    expect(index.take().facts).toEqual([{ kind: 'class', value: 'email', shape: 0 }])
  })

  it('hide no text of other words that comes between them', () => {
    const index = new SessionIndex()
    const others = [
      (id: number) => `select b from t where id = ${id}`,
      (id: number) => `select a from t where id = ${id} and b = 'x' || ${id}`,
      (id: number) => `select a from t where id = ${id} and b = 'it''s ${id}' -- why`,
    ]
    const words = new Set<string>()
    for (let id = 0; id < 400; id++) {
      index.statement(lookup(id), 'permit', reading)
      const other = others[id % 3]?.(id) ?? ''
      index.statement(other, 'permit', reading)
      words.add(other.replace(VALUES, '?'))
    }
    index.statement("select a from t where id = 7 and c = 'secret plan'", 'permit', reading)
    const texts = taken(index)
    expect(texts).toContain("select a from t where id = 7 and c = 'secret plan'")
    for (const each of words)
      expect(texts.some(text => text.replace(VALUES, '?') === each)).toBe(true)
    for (let id = 0; id < 400; id++) {
      expect(texts.some(text => text.includes(`x${id}'`))).toBe(true)
      expect(texts.some(text => new RegExp(`\\b${id}\\b`).test(text))).toBe(true)
    }
  })

  it('are not kept for being known when they are long', () => {
    const index = new SessionIndex()
    for (let id = 0; id < 200; id++) index.statement(lookup(id), 'permit', reading)
    taken(index)
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    collectGarbage()
    const before = process.memoryUsage().heapUsed
    for (let id = 0; id < 300; id++) {
      const long = `${id}${'x'.repeat(200_000)}`
      index.statement(`select a from t where id = 1 and b = '${long}'`, 'permit', reading)
      taken(index)
    }
    collectGarbage()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(10e6)
    expect(index.isEmpty).toBe(true)
  })

  it('are stored as the store can take them', () => {
    const index = new SessionIndex()
    for (let id = 0; id < 200; id++) index.statement(lookup(id), 'permit', reading)
    taken(index)
    index.statement(lookup('7').replace('x7', 'a\0b\ud800'), 'permit', reading)
    expect(taken(index)).toEqual(["7 'a\ufffdb\ufffd'"])
  })
})

describe('the words of a text', () => {
  const value = fc.oneof(
    fc.integer({ min: 0, max: 1e6 }).map(String),
    fc.stringMatching(/^[a-z' ]{0,6}$/).map(text => `'${text.replaceAll("'", "''")}'`),
  )
  const words = fc.array(
    fc.constantFrom(
      'select ',
      'a1 ',
      'b, ',
      'where c = ',
      ' and ',
      '(',
      ') ',
      '"d 5" ',
      '= ',
      '.x ',
    ),
    { minLength: 1, maxLength: 4 },
  )

  it('are those of every text with other values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(words, value, value), { maxLength: 5 }),
        words,
        (parts, end) => {
          const text = (which: 1 | 2): string =>
            `${parts.map(part => `${part[0].join('')}${part[which]} `).join('')}${end.join('')}`
          const values = text(2).match(VALUES)
          expect(new Wording(text(1)).valuesOf(text(2))).toBe(values?.join(' ') ?? '')
        },
      ),
    )
  })

  it("are no text's that has others, and nothing of a text is lost", () => {
    const part = fc.oneof(value, fc.constantFrom("'", '.', 'a', ' ', '1', '-', '"', 'é', '\ud800'))
    const text = fc.array(part, { maxLength: 8 }).map(parts => parts.join(''))
    fc.assert(
      fc.property(text, text, (one, other) => {
        const values = new Wording(one).valuesOf(other)
        if (values === undefined) {
          // (An open quote is cut elsewhere: then a text is looked at as a whole, which is right of any.)
          if (!isOpen(other)) expect(other.split(VALUES)).not.toEqual(one.split(VALUES))
          return
        }
        const spaces = Math.max(0, one.split(VALUES).length - 2)
        const kept = one.split(VALUES).join('').length + values.length - spaces
        expect(kept).toBe(other.length)
      }),
      { numRuns: 2_000 },
    )
  })

  function isOpen(text: string): boolean {
    return text.replace(/'(?:[^']|'')*'/g, '').includes("'")
  }
})

describe('texts that came lately', () => {
  it('are known, and no others are', () => {
    const recent = new RecentTexts()
    const seen = new Set<string>()
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), text => {
        expect(recent.came(text) && !seen.has(text)).toBe(false)
        seen.add(text)
        expect(recent.came(text)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  it('mostly stay known while two hundred take turns', () => {
    const recent = new RecentTexts()
    let fresh = 0
    for (let at = 0; at < 20_000; at++) if (!recent.came(`${(at % 200) * 977}`)) fresh += 1
    expect(fresh).toBeLessThan(2_500)
  })
})
