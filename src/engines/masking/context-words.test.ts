import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { contextWords, nextCell, wordNear } from './context-words.ts'

const names = ['phone', 'cell', 'tax id', 'call', 'ssn']
/** The rule, said another way: a word of these, whole or in the plural, where camel case may begin and end it. */
function begins(text: string, at: number): boolean {
  const letter = (i: number) => /[A-Za-z]/.test(text[i] ?? '')
  const hump = (i: number) => /[A-Z]/.test(text[i] ?? '') && /[a-z]/.test(text[i - 1] ?? '')
  const ends = (i: number) => !letter(i) || hump(i)
  if (!letter(at) || (letter(at - 1) && !hump(at))) return false
  return names.some(name => {
    const after = at + name.length
    if (text.slice(at, after).toLowerCase() !== name) return false
    return ends(after) || (/s/i.test(text[after] ?? '') && ends(after + 1))
  })
}

const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(...names, 'Phone', 'CELLS', 'homePhone', 'calling', 'Tax ID', 's', '1', ' '),
      fc.string({ unit: fc.constantFrom('a', 'S', ' ', '7', '-'), maxLength: 3 }),
    ),
    { maxLength: 12 },
  )
  .map(parts => parts.join(''))

describe('words that explain a number', () => {
  it('are found near each number of a cell as if it were the only one', () => {
    const words = contextWords(names)
    // One buffer for all cells, as answers have it.
    const src = Buffer.alloc(4096)
    fc.assert(
      fc.property(
        texts,
        fc.array(fc.nat(120), { maxLength: 6 }),
        fc.nat(20),
        (text, ats, within) => {
          nextCell()
          const end = src.write(text, 0, 'latin1')
          for (const at of ats.sort((a, b) => a - b)) {
            const [from, to] = [Math.min(at, end), Math.min(at + 2, end)]
            const near = Array.from({ length: end }, (_, i) => i).some(
              i =>
                begins(text, i) &&
                ((i >= from - within && i < from) || (i >= to && i < to + within)),
            )
            expect(wordNear(src, 0, end, from, to, words, within)).toBe(near)
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
