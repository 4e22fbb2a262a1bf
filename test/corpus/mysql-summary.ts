// What an analysis says, on one line.
import type { MysqlAnalysis, RawOperation, Unreadable } from '../../src/engines/sql/index.ts'

export function summary(result: MysqlAnalysis | Unreadable): string {
  if (!result.readable) return `refused: ${result.code}`
  if (result.statements.length === 0) return 'nothing'
  return result.statements.map(each => each.operations.map(one).join(', ')).join('; ')
}

function one({
  action,
  verb,
  relation,
  object,
  columns,
  qualified,
  star,
  flags,
  category,
}: RawOperation): string {
  const schema = relation?.schema === undefined ? '' : `${relation.schema}.`
  const on = relation === undefined ? object?.name : `${schema}${relation.name}`
  const names = star ? ['*'] : [...qualified, ...columns]
  const parts = [action, verb, on ?? '', names.length === 0 ? '' : `(${names.join(' ')})`]
  return [...parts.filter(Boolean), `[${[category, ...flags].join(' ')}]`].join(' ')
}
