// How the tags of a resource, and how many are connected to it, are said.
import type { ResourceView } from '#contract'
import { Mark } from '../../ui/parts.tsx'
import { count, plain } from '../../ui/text.ts'

export function tagsOf({ tags }: ResourceView): string {
  return Object.entries(tags)
    .map(([name, value]) => `${plain(name)}=${plain(value)}`)
    .join(', ')
}

export function LiveCount({ value, least }: { value: number; least: boolean }) {
  if (value === 0) return <span className="tabular-nums">{least ? 'unknown' : '0'}</span>
  return (
    <Mark tone="live" glyph="●">
      {least ? `${count(value)} or more` : count(value)}
    </Mark>
  )
}
