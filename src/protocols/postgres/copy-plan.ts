// What is done with each column of a COPY TO STDOUT: there is no RowDescription, so the columns come from the
// statement and the catalog. Where they do not fit what the upstream announces, every column is of unknown origin.
import type { CopyShape, SqlStatement } from '#engines/sql'
import type { Permit, ResultColumn } from '#gateway'
import type { DataClass } from '#model'
import type { Catalog } from './catalog-types.ts'
import { CopyOut } from './copy-out.ts'
import type { Exchange } from './exchange.ts'
import { RowPlan } from './row-plan.ts'
import type { Scope } from './scope.ts'
import { originOf, plansFor } from './shape.ts'

interface Parts {
  readonly catalog: Catalog
  readonly scope: Scope
  readonly session: { readonly dataClasses: readonly DataClass[] }
  readonly messageBytes: number
}

/** One for each statement of the text that is a COPY TO STDOUT. `suspect` as in `Shape.plans`. */
export function copyOutsOf(
  exchange: Exchange,
  parts: Parts,
  suspect: boolean,
): readonly (CopyOut | undefined)[] {
  const { permit } = exchange
  return exchange.analysis.statements.map(statement => {
    const { copy } = statement
    if (permit === undefined || copy?.direction !== 'out' || copy.to !== 'stdout') return undefined
    const named = suspect ? undefined : namedColumns(copy, parts)
    return new CopyOut(
      copy,
      width => planOf(permit, statement, named, width, copy),
      named?.length ?? 1,
      parts.messageBytes,
    )
  })
}

interface CopyColumn {
  readonly column: ResultColumn
  readonly scannable: boolean
}

function namedColumns(
  copy: CopyShape,
  { catalog, scope, session }: Parts,
): readonly CopyColumn[] | undefined {
  if (copy.relation === undefined) return undefined
  const candidates = catalog.resolve(copy.relation, scope.path)
  const only = candidates[0]
  if (candidates.length !== 1 || only === undefined) return undefined
  const columns: CopyColumn[] = []
  for (const name of copy.columns ?? only.columns) {
    const column = catalog.columnOf(only.object, name)
    if (column === undefined) return undefined
    const form = catalog.textForm(column.typeOid)
    columns.push({
      column: {
        name,
        origin: originOf(column, session.dataClasses),
        textual: form === 'whole',
        format: 'text',
        harmless: false,
      },
      scannable: form === 'within',
    })
  }
  return columns
}

function planOf(
  permit: Permit,
  statement: SqlStatement,
  named: readonly CopyColumn[] | undefined,
  width: number,
  copy: CopyShape,
): RowPlan {
  if (named?.length === width) {
    return new RowPlan(
      plansFor(
        permit,
        named.map(({ column }) => column),
        named.map(({ scannable }) => scannable),
      ),
    )
  }
  const { outputs } = statement
  const fits = copy.query && outputs !== 'unknown' && outputs.length === width
  // In a text format a mask can stand for a value of any type.
  const columns = Array.from(
    { length: width },
    (_, index): ResultColumn => ({
      name: `column ${index + 1}`,
      origin: 'unknown',
      textual: true,
      format: 'text',
      harmless: fits && outputs[index]?.harmless === true,
    }),
  )
  return new RowPlan(permit.results(columns))
}
