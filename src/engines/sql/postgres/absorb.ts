// What a statement that holds another one (EXPLAIN, PREPARE, COPY (query), ...) takes over from it.
import type { RawOperation, SqlStatement } from '../analysis.ts'
import type { Draft } from './draft.ts'

/** Adds the inner statement's operations, as `change` makes them, and all that they rest on. */
export function absorb(
  inner: SqlStatement,
  draft: Draft,
  change: (operation: RawOperation) => RawOperation = operation => operation,
): void {
  for (const each of inner.operations) {
    const operation = change(each)
    draft.operations.push({
      action: operation.action,
      verb: operation.verb,
      relation: operation.relation,
      object: operation.object,
      columns: [...operation.columns],
      qualified: [...operation.qualified],
      star: operation.star,
      flags: [...operation.flags],
    })
  }
  draft.functions.push(...inner.functions)
  draft.presumedBuiltIn.push(...inner.presumedBuiltIn)
  draft.castsTo.push(...inner.castsTo)
  draft.attributes.push(...inner.attributes)
  if (inner.columnNames === 'all') draft.allColumns = true
  else draft.columnNames.push(...inner.columnNames)
}

/** The same, for what runs now: its settings change now. */
export function absorbRunning(
  inner: SqlStatement,
  draft: Draft,
  change?: (operation: RawOperation) => RawOperation,
): void {
  absorb(inner, draft, change)
  draft.settings.push(...inner.settings)
  draft.shadows.push(...inner.shadows)
}
