// What a statement that holds another one (EXPLAIN, PREPARE, COPY (query), ...) takes over from it.
import type { RawOperation, SqlStatement } from '../analysis.ts'
import type { Draft } from '../draft.ts'

/** Adds the inner statement's operations, as `change` makes them (undefined: not), and all that they rest on. */
export function absorb(
  inner: SqlStatement,
  draft: Draft,
  change: (operation: RawOperation) => RawOperation | undefined = operation => operation,
): void {
  for (const each of inner.operations) {
    const operation = change(each)
    if (operation === undefined) continue
    draft.operations.push({
      action: operation.action,
      verb: operation.verb,
      relation: operation.relation,
      object: operation.object,
      columns: [...operation.columns],
      qualified: [...operation.qualified],
      star: operation.star,
      flags: [...operation.flags],
      category: operation.category,
    })
  }
  for (const each of inner.functions) draft.functions.push(each)
  for (const each of inner.presumedBuiltIn) draft.presumedBuiltIn.push(each)
  for (const each of inner.castsTo) draft.castsTo.push(each)
  for (const each of inner.operators) draft.operators.push(each)
  for (const each of inner.attributes) draft.attributes.push(each)
  draft.modifications += inner.modifications
  if (inner.columnNames === 'all') draft.allColumns = true
  else for (const name of inner.columnNames) draft.columnNames.push(name)
}

/** The same, for what runs now: its settings change now. */
export function absorbRunning(
  inner: SqlStatement,
  draft: Draft,
  change?: (operation: RawOperation) => RawOperation | undefined,
): void {
  absorb(inner, draft, change)
  for (const each of inner.settings) draft.settings.push(each)
  for (const each of inner.shadows) draft.shadows.push(each)
}
