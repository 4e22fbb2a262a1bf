import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { readViewColumns } from './view-columns.ts'

const entry = (
  expression: string,
  resno: number,
  name: string,
  oid: number,
  attnum: number,
  junk = false,
) =>
  `{TARGETENTRY :expr ${expression} :resno ${resno} :resname ${name} :ressortgroupref 0 :resorigtbl ${oid} :resorigcol ${attnum} :resjunk ${junk}}`
const rule = (targets: string, rtable = '<>') =>
  `({QUERY :commandType 1 :rtable ${rtable} :jointree {FROMEXPR :fromlist <> :quals <>} :targetList (${targets}) :override 0})`
const variable = '{VAR :varno 1 :varattno 2 :vartype 25}'
const read = (tree: string) => readViewColumns(tree, oid => oid >= 16384)

describe('readViewColumns', () => {
  it('reads plain, computed and constant columns of the outermost query', () => {
    const inner = `({RTE :subquery {QUERY :targetList (${entry(variable, 1, 'x', 999, 9)})}})`
    const tree = rule(
      [
        entry(variable, 1, 'id', 100, 1),
        entry(`{FUNCEXPR :funcid 871 :args (${variable})}`, 2, 'up', 0, 0),
        entry('{CONST :consttype 23}', 3, 'one', 0, 0),
        entry(variable, 4, 'sorted', 100, 3, true),
      ].join(' '),
      inner,
    )
    expect(read(tree)).toEqual({
      columns: new Map<number, unknown>([
        [1, { kind: 'plain', oid: 100, attnum: 1 }],
        [2, { kind: 'computed' }],
        [3, { kind: 'constant' }],
      ]),
      wholeRow: false,
      opaque: false,
    })
  })

  it('is not misled by names that look like the tree', () => {
    const name = String.raw`x\}\ :resorigtbl\ 1\ :resorigcol\ 1\ \{`
    expect(read(rule(entry(variable, 1, name, 100, 2)))?.columns.get(1)).toEqual({
      kind: 'plain',
      oid: 100,
      attnum: 2,
    })
  })

  it('sees whole rows and functions that may read anything', () => {
    expect(
      read(rule(entry('{VAR :varno 1 :varattno 0 :vartype 2249}', 1, 'r', 0, 0)))?.wholeRow,
    ).toBe(true)
    const opaque = read(rule(entry('{FUNCEXPR :funcid 20000 :args <>}', 1, 'f', 0, 0)))
    expect(opaque).toMatchObject({ opaque: true })
    expect(opaque?.columns.get(1)).toEqual({ kind: 'computed' })
  })

  it('answers nothing for what it does not recognise, and never throws', () => {
    const tree = rule(entry(variable, 1, 'id', 100, 1))
    for (const other of ['', '<>', '({QUERY }', '({INSERT })']) expect(read(other)).toBeUndefined()
    for (let length = 0; length < tree.length - 20; length += 1) {
      expect(read(tree.slice(0, length))).toBeUndefined()
    }
    fc.assert(fc.property(fc.string(), text => void read(`({QUERY :targetList (${text}`)))
  })
})
