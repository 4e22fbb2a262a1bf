// `@limit_rows` and `@limit_bytes`: how much of an answer a permitted statement may give.
import type { Obligation } from '#model'
import type { OperationVerdict } from './judge.ts'
import type { Verdict } from './narrow.ts'
import type { Rule } from './rule.ts'

type Limit = (rule: Rule) => number | undefined

interface Bound {
  readonly value: number
  readonly policies: readonly string[]
}

/** For one operation the most generous permit counts; across operations and parties the strictest of these. */
export function limitOf(operations: readonly OperationVerdict[]): readonly Obligation[] {
  if (!operations.some(isLimited)) return UNLIMITED
  const verdicts = operations.flatMap(operation => operation.verdicts)
  const rows = strictest(verdicts, rule => rule.annotations.limitRows)
  const bytes = strictest(verdicts, rule => rule.annotations.limitBytes)
  if (rows === undefined && bytes === undefined) return []
  const policies = new Set([...(rows?.policies ?? []), ...(bytes?.policies ?? [])])
  return [
    {
      kind: 'limit',
      ...(rows === undefined ? {} : { rows: rows.value }),
      ...(bytes === undefined ? {} : { bytes: bytes.value }),
      policies: [...policies],
    },
  ]
}

const UNLIMITED: readonly Obligation[] = []

function isLimited({ verdicts }: OperationVerdict): boolean {
  for (const { permits } of verdicts) {
    for (const { annotations } of permits) {
      if (annotations.limitRows !== undefined || annotations.limitBytes !== undefined) return true
    }
  }
  return false
}

function strictest(verdicts: readonly Verdict[], limit: Limit): Bound | undefined {
  let found: Bound | undefined
  for (const verdict of verdicts) {
    const bound = mostGenerous(verdict.permits, limit)
    if (bound !== undefined && (found === undefined || bound.value < found.value)) found = bound
  }
  return found
}

/** A permit without a limit is the most generous of all. */
function mostGenerous(permits: readonly Rule[], limit: Limit): Bound | undefined {
  let value = 0
  for (const rule of permits) {
    const own = limit(rule)
    if (own === undefined) return undefined
    value = Math.max(value, own)
  }
  if (permits.length === 0) return undefined
  return { value, policies: permits.filter(rule => limit(rule) === value).map(rule => rule.id) }
}
