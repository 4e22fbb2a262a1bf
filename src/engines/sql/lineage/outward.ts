// Names as MySQL and MariaDB look for them: level by level outwards until one has such a column (`NameRules.outward`).
// What hangs on the server (whether `A` is `a`, which database is the default one) counts either way.
import type { RelationName } from '../analysis.ts'
import { alike } from './alike.ts'
import type { Row } from './row.ts'
import type { Item, Scope } from './scope.ts'
import { either, type Fuel, UNKNOWN, type Value } from './value.ts'

type Fit = 'surely' | 'perhaps' | 'no'

/** What a path of names means. */
export function lookOutward(
  path: readonly string[],
  scope: Scope | undefined,
  fuel: Fuel,
  outputsByName: boolean,
): Value {
  const name = path.at(-1) ?? ''
  const possible: Value[] = []
  for (let level = scope; level !== undefined; level = level.outer) {
    fuel.spend(1 + level.items.length / 8)
    const certain: Value[] = []
    const open: Value[] = []
    for (const item of level.items) {
      const fit = path.length === 1 ? (item.plain ? 'surely' : 'no') : fits(item, path)
      if (fit === 'no') continue
      const { row } = item
      const found = row.find(name, fuel)
      if (found !== undefined && row.others === undefined && fit === 'surely') certain.push(found)
      else {
        const other = found ?? row.findByText(fuel) ?? row.findAlike(name, fuel)
        open.push(...[other, row.others].filter(isThere))
      }
    }
    const output = outputsByName && path.length === 1 ? level.outputs?.find(name, fuel) : undefined
    if (output !== undefined) possible.push(output)
    // Two relations with the same column: the server refuses the name.
    if (certain.length > 0) return either([...certain, ...possible], fuel)
    possible.push(...open)
  }
  return either(possible, fuel, UNKNOWN)
}

/** The row of `a.*` and `db.a.*`: of this level only. */
export function rowOutward(path: readonly string[], scope: Scope | undefined): Row | undefined {
  const items = scope?.items ?? []
  const sure = items.filter(item => fits(item, path) === 'surely')
  const found = sure.length > 0 ? sure : items.filter(item => fits(item, path) !== 'no')
  return found.length === 1 ? found[0]?.row : undefined
}

/** `path`: of a column, or of a star, of which the last part is left out of account. */
function fits({ alias, relation }: Item, path: readonly string[]): Fit {
  const wanted = path.at(-2)
  if (alias === undefined || wanted === undefined) return 'no'
  const schema = path.at(-3)
  const named = sameOrAlike(alias, wanted)
  if (schema === undefined || named === 'no') return named
  if (relation === undefined) return 'no'
  return worse(named, ofSchema(relation, schema))
}

function ofSchema(relation: RelationName, schema: string): Fit {
  return relation.schema === undefined ? 'perhaps' : sameOrAlike(relation.schema, schema)
}

function sameOrAlike(one: string, other: string): Fit {
  if (one === other) return 'surely'
  return alike(one, other) ? 'perhaps' : 'no'
}

function worse(one: Fit, other: Fit): Fit {
  if (one === 'no' || other === 'no') return 'no'
  return one === 'perhaps' ? one : other
}

function isThere(value: Value | undefined): value is Value {
  return value !== undefined
}
