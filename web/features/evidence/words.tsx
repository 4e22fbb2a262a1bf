// What of an entry fits on one line. An entry is JSON of any kind: nothing is taken for granted.
import type { AuditRecordView } from '#contract'
import { Mark } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'

/** The families of kinds that the page filters by. */
export const FAMILIES = [
  'statement',
  'session',
  'request',
  'grant',
  'credential',
  'login',
  'recording',
  'policies',
  'resources',
  'operator',
  'log',
] as const

export function part(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function word(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? plain(String(value)) : ''
}

export function whoOf(entry: AuditRecordView): string {
  return word(part(entry['principal'])['id'])
}

export function whatOf(entry: AuditRecordView): string {
  const [target, action] = [part(entry['target']), part(entry['action'])]
  const list = (value: unknown): string => (Array.isArray(value) ? value.map(word).join(', ') : '')
  return [list(action['verbs']), list(action['objects']), word(target['resource'])]
    .filter(each => each !== '')
    .join(' · ')
}

export function Effect({ entry }: { entry: AuditRecordView }) {
  const effect = part(entry['decision'])['effect']
  if (effect === 'deny') {
    return (
      <Mark tone="denied" glyph="✕">
        denied
      </Mark>
    )
  }
  // What is held is permitted as soon as a person says yes: nothing is, yet.
  if (effect === 'held' || entry.kind === 'statement.held') {
    return (
      <Mark tone="held" glyph="◔">
        held
      </Mark>
    )
  }
  return effect === 'permit' ? (
    <Mark tone="plain" glyph="✓">
      permitted
    </Mark>
  ) : (
    <span>{word(effect)}</span>
  )
}
