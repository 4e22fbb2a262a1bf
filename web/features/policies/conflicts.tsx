// Somebody else changed a file in which one typed. Both texts are there; a person decides, file by file.
import { useState } from 'react'
import { Button, Mark } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'
import { Diff } from './diff.tsx'
import type { Draft } from './draft.ts'

export function Conflicts({ draft }: { draft: Draft }) {
  const [shown, setShown] = useState<string>()
  return (
    <section
      role="alert"
      aria-label="conflicts"
      className="flex-none px-4 py-2 border-b border-line max-h-[40dvh] overflow-auto"
    >
      <p className="m-0">
        <Mark tone="plain" glyph="!">
          changed by somebody else, too
        </Mark>
      </p>
      {draft.conflicts.map(name => {
        const mine = draft.changes.find(each => each.name === name)?.text ?? null
        return (
          <div key={name} className="mt-1">
            <div className="flex flex-wrap gap-2 items-center">
              <code className="font-mono wrap-anywhere">{plain(name)}</code>
              <Button onClick={() => setShown(shown === name ? undefined : name)}>
                {shown === name ? 'Hide the difference' : 'Show the difference'}
              </Button>
              <Button onClick={() => draft.keep(name)}>Go on with mine</Button>
              <Button onClick={() => draft.drop(name)}>Take theirs</Button>
            </div>
            {shown === name && (
              <>
                <p className="m-0 text-soft">From what is there now to what you typed:</p>
                <Diff name={name} before={draft.original(name)} after={mine} />
              </>
            )}
          </div>
        )
      })}
    </section>
  )
}
