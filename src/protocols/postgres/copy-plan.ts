// What is done with each column of a COPY TO STDOUT: there is no RowDescription, so the columns come from the
// statement and the catalog. Where they do not fit what the upstream announces, every column is of unknown origin.

import { RowPlan } from '#engines/masking'
import { type CopyShape, fitting } from '#engines/sql'
import type { Permit, ResultColumn } from '#gateway'
import type { Lineage } from '#model'
import type { Catalog } from './catalog-types.ts'
import { CopyOut } from './copy-out.ts'
import type { Exchange } from './exchange.ts'
import { changesScope, type Scope } from './scope.ts'
import { formOf, isHarmless, originsOf } from './shape.ts'

interface Parts {
  readonly catalog: Catalog
  readonly scope: Scope
  readonly messageBytes: number
}

/** One for each statement of the text that is a COPY TO STDOUT. `suspect` as in `Shape.plans`; `doubts`: asked when it is answered. */
export function copyOutsOf(
  exchange: Exchange,
  parts: Parts,
  suspect: boolean,
  doubts: () => boolean,
): readonly (CopyOut | undefined)[] {
  const { permit } = exchange
  const { statements } = exchange.analysis
  // An earlier statement of the text may make the name another table.
  const moving =
    suspect ||
    (statements.length > 1 &&
      statements.some(each => changesScope(each) || each.changesCatalog || each.transaction))
  return statements.map(({ copy }, index) => {
    if (permit === undefined || copy?.direction !== 'out' || copy.to !== 'stdout') return undefined
    const { outputs } = permit.statement.lineage?.[index] ?? {}
    const named = moving ? undefined : namedColumns(copy, outputs, parts)
    return new CopyOut(
      copy,
      width =>
        doubts()
          ? planOf(permit, undefined, undefined, width)
          : planOf(permit, outputs, named, width),
      named?.length ?? 1,
      parts.messageBytes,
    )
  })
}

function namedColumns(
  copy: CopyShape,
  outputs: Lineage['outputs'] | undefined,
  { catalog, scope }: Parts,
): readonly ResultColumn[] | undefined {
  if (copy.relation === undefined) return undefined
  const candidates = catalog.resolve(copy.relation, scope.path)
  const only = candidates[0]
  if (candidates.length !== 1 || only === undefined) return undefined
  const columns: ResultColumn[] = []
  for (const name of copy.columns ?? only.columns) {
    const column = catalog.columnOf(only.object, name)
    if (column === undefined) return undefined
    columns.push({
      name,
      ...originsOf(column),
      ...formOf(catalog.textForm(column.typeOid)),
      format: 'text',
      harmless: false,
    })
  }
  const lineage = fitting(
    outputs,
    columns.map(({ origin }) => (origin === 'unknown' ? undefined : origin)),
  )
  if (lineage === undefined) return columns
  return columns.map((column, index) => {
    const own = lineage[index]
    return own === undefined ? column : { ...column, lineage: own }
  })
}

function planOf(
  permit: Permit,
  outputs: Lineage['outputs'] | undefined,
  named: readonly ResultColumn[] | undefined,
  width: number,
): RowPlan {
  if (named?.length === width) return new RowPlan(permit.results(named))
  const lineage = fitting(
    outputs,
    Array.from({ length: width }, () => undefined),
  )
  // In a text format a mask can stand for a value of any type.
  const columns = Array.from({ length: width }, (_, index): ResultColumn => {
    const own = lineage?.[index]
    return {
      name: `column ${index + 1}`,
      origin: 'unknown',
      textual: true,
      format: 'text',
      harmless: isHarmless(own),
      ...(own === undefined ? {} : { lineage: own }),
    }
  })
  return new RowPlan(permit.results(columns))
}
