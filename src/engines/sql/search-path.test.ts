import { describe, expect, it } from 'vitest'
import { createPostgresAnalyser, searchPathOf } from './index.ts'

const analyser = await createPostgresAnalyser()
const longest = 'n'.repeat(63)

describe('a search path', () => {
  it.each([
    ['"$user", public', ['$user', 'public']],
    ['A,"B""c" , d', ['a', 'B"c', 'd']],
    ['', []],
    [' \t\n', []],
    ['""', ['']],
    ['"a, b",c"d', ['a, b', 'c"d']],
    ['"É"', ['É']],
    [longest, [longest]],
  ])('%j is split as the server splits it', (text, schemas) => {
    expect(searchPathOf(text)).toEqual(schemas)
  })

  it.each([
    ...['a b', 'a,', '"a', ',a', 'a,,b', '"a"b'],
    // What servers read in different ways, by their encoding or version.
    ...['É, public', 'public, é', '\u212Apublic', 'public\u00a0', '\u00a0public', 'a\v, b'],
    // What they cut.
    ...[`${longest}n, public`, `"${longest}n"`, `"${'n'.repeat(62)}é"`],
  ])('%j is not known', text => {
    expect(searchPathOf(text)).toBeUndefined()
  })

  it.each([
    ...['public, pg_catalog', '"PG_CATALOG", public, pg_catalog', '"public", "pg_catalog"'],
    ...['pg_catalog\u00a0, public, pg_catalog', '\u00a0pg_catalog, public, pg_catalog'],
    ...['Pg_CaTaLoG\u00a0', 'É, pg_catalog', `${longest}n, pg_catalog`],
  ])('%j may put another schema before pg_catalog: that takes an administrator', path => {
    const analysis = analyser.analyse(`select set_config('search_path', '${path}', false)`)
    const actions = analysis.readable
      ? analysis.statements.flatMap(({ operations }) => operations.map(({ action }) => action))
      : []
    expect(actions).toContain('administer')
  })
})
