// What is kept of a text, as memory.
import type { Analysis, Unreadable } from './analysis.ts'

/** About what a result costs in memory. */
export function weightOf(result: Analysis | Unreadable): number {
  if (!result.readable) return 256
  let bytes = 128
  for (const each of result.statements) {
    bytes += 640 + each.operations.length * 320 + each.planNodes * 96
    if (each.columnNames !== 'all') bytes += each.columnNames.length * 24
    for (const operation of each.operations) {
      bytes += (operation.columns.length + operation.qualified.length) * 24
    }
  }
  return bytes
}
