// Whether a statement can be held to a number of rows: the server's count must be that of its changes, and all that it
// changes must be in tables that a transaction can undo. Decides from what is known; what is not known cannot.
import type { MysqlAnalysis } from '#engines/sql'
import type { Operation } from '#model'

export type Countability =
  | { readonly kind: 'none' | 'countable' }
  | { readonly kind: 'uncountable'; readonly why: string }

const COUNTED: ReadonlySet<string> = new Set(['INSERT', 'REPLACE', 'UPDATE', 'DELETE'])

export function countability(
  { statements }: Pick<MysqlAnalysis, 'statements'>,
  operations: readonly Operation[],
  /** Whether a transaction can undo what is written to that relation. */
  undoes: (object: string) => boolean,
): Countability {
  if (onlyReads(operations)) return { kind: 'none' }
  const [only] = statements
  if (only === undefined || statements.length > 1)
    return uncountable('the text holds several statements')
  if (!COUNTED.has(only.verb) || only.modifications !== 1)
    return uncountable(`the server does not count what ${only.verb} changes`)
  if (only.returnsRows) return uncountable('with RETURNING the server does not count')
  for (const { action, object, flags, verb } of operations) {
    if (flags.includes('dynamic')) return uncountable('it runs code that is not known before')
    if (action === 'write' && !undoes(object.name))
      return uncountable(`what is changed in ${object.name} is in no transaction, or not known`)
    if (action === 'define' || action === 'administer')
      return uncountable(`${verb} cannot be undone`)
  }
  return { kind: 'countable' }
}

function uncountable(why: string): Countability {
  return { kind: 'uncountable', why }
}

export function onlyReads(operations: readonly Operation[]): boolean {
  return operations.every(({ action }) => action === 'read' || action === 'connect')
}
