import { describe, expect, it } from 'vitest'
import { alike, foldedName } from './alike.ts'

describe('names', () => {
  it.each([
    ['SSN', 'ssn'],
    ['GRÖSSE', 'grösse'],
    ['ИМЯ', 'имя'],
    ['ΟΔΟΣ', 'οδοσ'],
  ])('%s is %s on every server', (one, other) => {
    expect(foldedName(one)).toBe(foldedName(other))
  })

  it.each([
    // What JavaScript makes one by more rules than servers have.
    ...[
      ['ẞ', 'ß'],
      ['ΟΔΟΣ', 'οδος'],
      ['\u212a', 'k'],
      ['Ა', 'ა'],
    ],
    // What a collation makes one.
    ...[
      ['σ', 'ς'],
      ['µ', 'μ'],
      ['β', 'ϐ'],
      ['s', 'ſ'],
      ['ß', 's'],
      ['i', 'İ'],
      ['ı', 'I'],
      ['e', 'é'],
      ['и', 'й'],
      ['\u212b', 'å'],
      ['ｓ', 'S'],
    ],
  ])('%s may be %s on one server and not on another', (one, other) => {
    expect(foldedName(one)).not.toBe(foldedName(other))
    expect(alike(one, other)).toBe(true)
    expect(alike(`a${other}b`, `A${one}B`)).toBe(true)
  })

  it.each([
    ['name', 'note'],
    ['ssn', 'ss'],
    ['имя', 'код'],
    ['姓名', '电话'],
    ['größe', 'gross'],
    ['ä', 'ж'],
    ['a', '1'],
  ])('%s is never %s', (one, other) => {
    expect(alike(one, other)).toBe(false)
  })
})
