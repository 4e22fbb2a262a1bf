// Parts of forms. They know no API, and keep nothing: what was typed is the caller's.
import type { ReactNode } from 'react'
import { plain } from './text.ts'

/** How a control looks that takes the width of its field. */
export const FIELD = 'border border-line bg-transparent text-ink px-2 py-1 w-full'

export function Field({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children
    <label className="grid gap-1">
      <span className="text-soft">{label}</span>
      {children}
    </label>
  )
}

/** Any of a few words; those that are chosen stay in the order of `of`. */
export function Choices<Word extends string>({
  legend,
  of,
  chosen,
  onChange,
}: {
  legend: string
  of: readonly Word[]
  chosen: readonly string[]
  onChange: (chosen: readonly Word[]) => void
}) {
  return (
    <fieldset className="m-0 p-0 border-0">
      <legend className="text-soft p-0">{legend}</legend>
      <div className="flex flex-wrap gap-x-4 gap-y-1">
        {of.map(each => (
          <label key={each}>
            <input
              type="checkbox"
              checked={chosen.includes(each)}
              onChange={event =>
                onChange(
                  of.filter(one => (one === each ? event.target.checked : chosen.includes(one))),
                )
              }
            />{' '}
            {plain(each)}
          </label>
        ))}
      </div>
    </fieldset>
  )
}
