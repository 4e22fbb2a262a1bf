// How somebody is named, wherever they stand.
import type { KnownPrincipalView } from '#contract'
import { plain } from '../../ui/text.ts'

const words = { user: 'person', agent: 'agent', unknown: 'never seen' } as const

export function kindOf({ kind }: Pick<KnownPrincipalView, 'kind'>): string {
  return words[kind]
}

/** The id, which decides; and the name, which is said. */
export function Named({ id, name }: Pick<KnownPrincipalView, 'id' | 'name'>) {
  return (
    <>
      {plain(id)}
      {name !== id && <span className="text-soft"> {plain(name)}</span>}
    </>
  )
}
