// The bound on how many rows an approved statement may change: counted from the server's own tags, and undone
// when there were more. Knows tags and operations; the pumps keep the order.
import type { SqlStatement } from '#engines/sql'
import { AccessDenied } from '#model'

export class RowGuard {
  readonly #most: number
  rows = 0
  /** True when the transaction around the statement is ours. */
  readonly own: boolean
  /** CommandComplete, kept back until the rows are counted and the transaction has ended well. */
  kept: Buffer | undefined

  constructor(most: number, own: boolean) {
    this.#most = most
    this.own = own
  }

  get exceeded(): boolean {
    return this.rows > this.#most
  }

  /** The refusal, once `exceeded`. */
  error(): AccessDenied {
    return new AccessDenied(
      'rows_exceeded',
      `the statement would have changed ${this.rows} rows; ${this.#most} were approved. Nothing was changed.`,
      { hint: 'Narrow it, or run it again to ask anew: whoever approves can allow more rows.' },
    )
  }
}

const COUNTED: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE'])

/**
 * Whether the rows that the text changes can be counted by its tag: `none` changes nothing, `countable` can be
 * guarded, `uncountable` cannot and must not run under a bound (several statements, writes in a WITH, functions of
 * users, statements that are only named).
 */
export function countability(
  statements: readonly SqlStatement[],
): 'none' | 'countable' | 'uncountable' {
  if (statements.every(onlyReads)) return 'none'
  const only = statements[0]
  if (statements.length > 1 || only === undefined) return 'uncountable'
  // A WITH that writes has a tag that does not count it. INSERT ... ON CONFLICT and MERGE write in several ways, all counted.
  const counted = COUNTED.has(only.verb)
    ? only.modifications === 1
    : only.verb === 'COPY' && only.copy?.direction === 'in'
  return counted ? 'countable' : 'uncountable'
}

function onlyReads({ operations, executes }: SqlStatement): boolean {
  return (
    executes === undefined &&
    operations.every(({ action }) => action === 'read' || action === 'connect')
  )
}

/** The row count of a command tag: its last word, when that is a number (`INSERT 0 5`, `SELECT 5`). */
export function rowsOfTag(bytes: Buffer, start: number, end: number): number {
  let at = end - 1
  if (bytes[at] === 0) at -= 1
  let rows = 0
  let scale = 1
  let digits = 0
  for (; at >= start; at--) {
    const digit = (bytes[at] as number) - 0x30
    if (digit < 0 || digit > 9) break
    rows += digit * scale
    scale *= 10
    digits += 1
  }
  return digits > 0 && at >= start && bytes[at] === 0x20 ? rows : 0
}
