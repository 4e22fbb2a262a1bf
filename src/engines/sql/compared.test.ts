// What a statement says itself where it compares columns for equality: read from the text when somebody asks.
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type Analyser,
  comparedValues,
  createPostgresAnalyser,
  type SqlStatement,
} from './index.ts'
import { names } from './lineage.testing.ts'

let analyser: Analyser
beforeAll(async () => {
  analyser = await createPostgresAnalyser()
})

function read(text: string): readonly SqlStatement[] {
  const analysis = analyser.analyseWithValues(text)
  if (!analysis.readable) throw new Error(analysis.message)
  return analysis.statements
}

/** `column=text` or `column=$0`, joined. */
function compared(text: string, prepared?: string): string {
  const found = comparedValues({ readable: true, statements: read(text) }, names, {
    text,
    phase: 'execute',
    prepared: () => (prepared === undefined ? undefined : read(prepared)[0]?.prepares?.statement),
  })
  if (found === 'unknown') return found
  return found
    .map(({ columns, value }) => {
      const said = 'text' in value ? value.text : `$${value.parameter}`
      return `${columns.map(each => each.column).join('+')}=${said}`
    })
    .join(' ')
}

describe('the values that columns are compared with', () => {
  it.each([
    ["select name from customers where ssn = '111-22'", 'ssn=111-22'],
    [
      "select name from customers where 'it''s' = ssn and id = 12345678901",
      "ssn=it's id=12345678901",
    ],
    ["select name from customers where ssn in ('a', 'b') or ssn = $2", 'ssn=a ssn=b ssn=$1'],
    ["select name from customers where (ssn, id) = ('a', 1.50)", 'ssn=a id=1.50'],
    ["select name from customers where ssn = 'a'::text", 'ssn=a'],
    ["select name from (select ssn s, name from customers) q where s = 'a'", 'ssn=a'],
    ["select ssn from customers union select note from orders where note = 'b'", 'note=b'],
    ["explain select 1 from customers where ssn = 'a'", 'ssn=a'],
    ["copy (select 1 from customers where ssn = 'a') to stdout", 'ssn=a'],
    ["prepare q as select 1 from customers where ssn = $1 and name = 'x'", 'ssn=$0 name=x'],
    [
      "delete from customers where ssn = 'a'; select 1 from customers where ssn = 'b'",
      'ssn=a ssn=b',
    ],
    ["select 1 from customers where ssn like 'a'", ''],
    ['select 1', ''],
  ])('of %s', (text, expected) => {
    expect(compared(text)).toBe(expected)
  })

  it('are the arguments of EXECUTE', () => {
    const prepared = "prepare q as select 1 from customers where ssn = $2 and name = 'x'"
    expect(compared("execute q ('a', 'b')", prepared)).toBe('ssn=b name=x')
    expect(compared('execute q ($1, $2)', prepared)).toBe('ssn=$1 name=x')
    expect(compared("execute q ('a', lower('B'))", prepared)).toBe('unknown')
    expect(compared("execute q ('a')", prepared)).toBe('unknown')
    expect(compared("execute q ('a', 'b')")).toBe('unknown')
  })

  it('are unknown where the text is too long to be read twice', () => {
    const text = `select 1 from customers where ssn in (${Array(9000).fill("'a'").join(',')})`
    const analysis = analyser.analyseWithValues(text)
    expect(analysis).toMatchObject({ readable: false, code: 'statement_too_large' })
  })
})
