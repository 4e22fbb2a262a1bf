import { loadModule, scanSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { tokensOf } from './tokens.ts'

const pieces = [
  ...["'", "''", '"', '""', '\\', '$', '$$', '$a$', '$1', 'E', 'e', 'U&', 'u&', 'B', 'x', 'N', 'n'],
  ...['--', '/*', '*/', '-', '/', '*', '\n', '\r', ' ', '\t', '\f', '\v', '(', ')', ',', ';', '::'],
  ...[
    'a',
    'a1',
    '_',
    'é',
    '1',
    '1.5',
    '.5',
    '1..2',
    '1e5',
    '0x1f',
    '1_000',
    '=',
    '<=',
    '@',
    '#',
    '?',
  ],
  ...[
    'select',
    "E'\\''",
    "'a'\n'b'",
    "e'a'\n'\\'b'",
    "U&'\\'",
    '$é$',
    'a$b$c',
    '[',
    ']',
    ':',
    '.',
    '%',
  ],
]

/** The same sequence in every run. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function scanned(text: string): number | undefined {
  try {
    return scanSync(text).tokens.filter(({ tokenName }) => !tokenName.endsWith('COMMENT')).length
  } catch {
    // The scanner itself refuses the text, and so does the parser.
    return undefined
  }
}

describe('the words of a text', () => {
  beforeAll(() => loadModule())

  it('are never fewer than those that the grammar sees', () => {
    const next = numbers(7)
    let compared = 0
    for (let round = 0; round < 20_000; round++) {
      const length = 1 + Math.floor(next() * 14)
      const text = Array.from({ length }, () => pieces[Math.floor(next() * pieces.length)]).join('')
      const tokens = tokensOf(text)
      const expected = scanned(text)
      if (tokens === undefined || expected === undefined) continue
      compared++
      expect(tokens.count, JSON.stringify(text)).toBeGreaterThanOrEqual(expected)
    }
    expect(compared).toBeGreaterThan(5_000)
  })

  it.each([
    ["select 'a''b', E'it\\'s', $$ x ' y $$, $t$ $$ $t$", 8],
    ['select 1 -- one, two\n /* a /* b */ c */ + 2', 4],
    ['select a$1$b from "x y" where z = $12', 8],
    ["select U&'d\\0061t', b'01', X'1F', n'x'", 9],
    ['a+--b\n<=c', 5],
  ])('are told apart as the server does: %s', (text, count) => {
    expect(tokensOf(text)?.count).toBe(count)
    expect(scanned(text)).toBeLessThanOrEqual(count + 2)
  })

  it('cannot be told where a string with escapes goes on in another line', () => {
    expect(tokensOf("select E'a'\n'b\\'c'")).toBeUndefined()
  })
})
