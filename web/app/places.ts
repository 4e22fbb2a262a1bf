// Where one can go: the order of the navigation, and the letter behind `g`. `right`: only for those who have it.
import type { Right } from '../data/who.ts'

export interface Place {
  readonly to:
    | '/now'
    | '/people'
    | '/requests'
    | '/sessions'
    | '/resources'
    | '/grants'
    | '/channels'
    | '/evidence'
    | '/why'
    | '/policies'
    | '/data-classes'
  readonly label: string
  readonly key: string
  readonly right?: Right
}

export const places: readonly Place[] = [
  { to: '/now', label: 'Now', key: 'n', right: 'console:read' },
  { to: '/requests', label: 'Requests', key: 'r' },
  { to: '/sessions', label: 'Sessions', key: 's' },
  { to: '/resources', label: 'Resources', key: 'c' },
  { to: '/people', label: 'People', key: 'o', right: 'console:read' },
  { to: '/grants', label: 'Grants', key: 'g' },
  { to: '/channels', label: 'Channels', key: 'l', right: 'console:read' },
  { to: '/evidence', label: 'Evidence', key: 'e', right: 'console:audit' },
  { to: '/why', label: 'Why', key: 'w' },
  { to: '/policies', label: 'Policies', key: 'p', right: 'console:read' },
  { to: '/data-classes', label: 'Data classes', key: 'd', right: 'console:read' },
]

/** The places of somebody with these rights. */
export function placesOf(rights: readonly Right[]): readonly Place[] {
  return places.filter(({ right }) => right === undefined || rights.includes(right))
}
