// Refuses a statement that carries masks of ours: whoever was shown one would write it over the value behind it.
import type { Statement } from '#model'
import type { View } from './sight.ts'
import { markRefused, type UseRefusal } from './use-refusals.ts'

/** Undefined: nothing forbids it. */
export function refuseUse(statement: Statement, view: View): UseRefusal | undefined {
  return carriesMark(statement, view)
    ? { error: markRefused(), columns: [], classes: [] }
    : undefined
}

/** Hash tokens count where something is stored: to join by one is what they are for. */
function carriesMark({ text, parameters, operations }: Statement, { masks }: View): boolean {
  const { marks } = masks
  const stores = operations.some(({ action }) => action === 'write')
  if (marks.inText(text, stores)) return true
  return parameters?.some(({ value }) => value !== null && marks.inBytes(value, stores)) === true
}
