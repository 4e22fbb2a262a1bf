import { describe, expect, it } from 'vitest'
import { expand } from './executable-comments.ts'
import { tokenize } from './lexer.ts'

const mariadb = { flavour: 'mariadb', version: 101_119, database: undefined } as const
const mysql = { flavour: 'mysql', version: 80_042, database: undefined } as const
const words = (text: string) => tokenize(text).map(each => each.text)

describe('executable comments', () => {
  // What MariaDB 10.11.19 answered.
  it.each([
    ['select 1 /*!50000 ,2 */', 'select 1   ,2  '],
    ['select 1 /*!50000,2*/', 'select 1  ,2 '],
    ['select 1 /*!050000 ,2 */', 'select 1   ,2  '],
    ['select 1 /*!50699 ,2 */', 'select 1   ,2  '],
    ['select 1 /*!50700 ,2 */', 'select 1  '],
    ['select 1 /*!99999 ,2 */', 'select 1  '],
    ['select 1 /*!100000 ,2 */', 'select 1   ,2  '],
    ['select 1 /*!101119 ,2 */', 'select 1   ,2  '],
    ['select 1 /*!101120 ,2 */', 'select 1  '],
    ['select 1 /*!500000 ,2 */', 'select 1  '],
    ['select 1 /*M!50700 ,2 */', 'select 1   ,2  '],
    ['select 1 /*M!101120 ,2 */', 'select 1  '],
    ['select 1 /*M! ,2 */', 'select 1   ,2  '],
    ['select 1 /*m! ,2 */', 'select 1 /*m! ,2 */'],
    ["select 1 /*! ,'*/' */", "select 1   ,'*/'  "],
    ['select 1 /*!50000 ,2 /* x */ ,3 */', 'select 1   ,2 /* x */ ,3  '],
    ["select 1 /*!99999 ,'*/ ,2", 'select 1   ,2'],
    ['select 1 /*!99999 -- */ ,2', 'select 1   ,2'],
    ['select 1 /*!50000 -- */ ,2\n*/ ,3', 'select 1   -- */ ,2\n  ,3'],
    [
      "select '/*! x */', `/*! y */`, 1 -- /*! z */",
      "select '/*! x */', `/*! y */`, 1 -- /*! z */",
    ],
  ])('reads %j as MariaDB does', (text, expected) => {
    expect(expand(text, mariadb)).toBe(expected)
  })

  it('leaves out for MySQL what MariaDB alone runs', () => {
    expect(expand('select 1 /*M! ,2 */ /*!80042 ,3 */ /*!80043 ,4 */', mysql)).toBe(
      'select 1     ,3    ',
    )
  })

  it('gives the very same text when there is none', () => {
    const text = 'select 1 /* x */'
    expect(expand(text, mariadb)).toBe(text)
  })

  it.each([
    'select 1 /*! ,2',
    'select 1 /*!99999 ,2',
    'select 1 /*! ,2 /*! ,3 */ */',
    'select 1 /*!99999 ,2 /* x */ ,3 */',
    'select 1 /*!99999 ,2 /* x /* y */ */ ,3 */ ,4',
  ])('refuses %j', text => {
    expect(() => expand(text, mariadb)).toThrow()
  })
})

describe('words', () => {
  it('takes `--` for a comment only before a blank or the end', () => {
    expect(words('5 --2')).toEqual(['5', '-', '-', '2'])
    expect(words('5 -- 2\n+1')).toEqual(['5', '+', '1'])
    expect(words('5 --')).toEqual(['5'])
    expect(words('5 # 2')).toEqual(['5'])
  })

  it('reads strings with escapes and doubled quotes, and joins those side by side', () => {
    expect(words(`'a\\'b' "c""d" 'e''f'`)).toEqual([`a'bc"de'f`])
    expect(words("n'x', _utf8mb4 'y'")).toEqual(['x', ',', 'y'])
  })

  it('reads variables', () => {
    expect(words("@a.b := 1, @'x y', @`q`, @@global.sql_mode")).toEqual([
      'a.b',
      ':=',
      '1',
      ',',
      'x y',
      ',',
      'q',
      ',',
      'global',
      '.',
      'sql_mode',
    ])
  })

  it('reads numbers and names that begin with digits', () => {
    expect(words('1e5, 1e, .5, 1., 0x1F, 0x1g, t.1a, `a``b`')).toEqual([
      '1e5',
      ',',
      '1e',
      ',',
      '.5',
      ',',
      '1.',
      ',',
      '0x1F',
      ',',
      '0x1g',
      ',',
      't',
      '.',
      '1a',
      ',',
      'a`b',
    ])
  })

  it.each([
    "select 'a",
    'select `a',
    'select /* a',
    'select 1e5a',
    'select 1.5a',
    'select @',
    "select _gbk'a'",
    "select _sjis 'a'",
    'select \u0000',
    'select a\u{1F600}',
    'select `a\u{1F600}`',
    'select /*+ SET_VAR(sql_mode="ANSI_QUOTES") */ 1',
    'select ``',
  ])('refuses %j', text => {
    expect(() => tokenize(text)).toThrow()
  })

  it('does not take other letters for those of key words', () => {
    expect(words('\u212Aill 1')).toEqual(['\u212Aill', '1'])
  })
})
