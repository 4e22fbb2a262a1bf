// Which decided requests are like one that waits. Only what was asked counts, not why or when.
import type { StatementRequest } from '#model'

/** `same`: these very words, values, target and principal; `text`: the same words; `alike`: the same done to the same. */
export type Likeness = 'same' | 'text' | 'alike'

export interface Precedent {
  readonly request: StatementRequest
  readonly likeness: Likeness
}

export function likenessOf(asked: StatementRequest, other: StatementRequest): Likeness | undefined {
  if (other.digest === asked.digest) return 'same'
  if (other.statement === asked.statement) return 'text'
  return sameSet(other.verbs, asked.verbs) && sameSet(other.objects, asked.objects)
    ? 'alike'
    : undefined
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const [one, other] = [new Set(a), new Set(b)]
  return one.size === other.size && [...one].every(each => other.has(each))
}
