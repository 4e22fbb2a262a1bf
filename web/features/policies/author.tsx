// Who made a version, as it is said everywhere.
import type { PolicyVersionView } from '#contract'
import { plain } from '../../ui/text.ts'

export function authorOf({ principal }: PolicyVersionView) {
  return principal === undefined ? (
    <span className="text-soft">changed in the files</span>
  ) : (
    plain(principal)
  )
}
