// The files, and the policies in each: where one is, and what was changed.
import { useState } from 'react'
import type { PoliciesView, PolicyProblem, PolicySummaryView } from '#contract'
import { Button } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'
import type { Trial } from './data.ts'
import type { Draft } from './draft.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/

export function Files({
  view,
  draft,
  trial,
  chosen,
  onChoose,
  onGo,
}: {
  view: PoliciesView
  draft: Draft
  trial: Trial
  chosen: string | undefined
  onChoose: (name: string) => void
  onGo: (place: Pick<PolicyProblem, 'file' | 'line' | 'column'>) => void
}) {
  // While what is typed does not check, its policies are those of before.
  const policies = trial.last?.ok === true ? trial.last.policies : view.policies
  const gone = draft.changes.filter(({ text }) => text === null)
  return (
    <nav
      aria-label="files"
      className="min-h-0 max-h-48 md:max-h-none overflow-auto border-b md:border-b-0 md:border-r border-line p-2"
    >
      <ul className="m-0 p-0 list-none">
        {draft.files.map(({ name }) => (
          <li key={name}>
            <button
              type="button"
              aria-current={name === chosen ? 'true' : undefined}
              className={`w-full text-left px-2 py-1 font-mono wrap-anywhere ${
                name === chosen ? 'bg-raised font-semibold' : ''
              }`}
              onClick={() => onChoose(name)}
            >
              {plain(name)}
              <FileState name={name} draft={draft} trial={trial} />
            </button>
            {name === chosen && (
              <Outline policies={policies.filter(({ file }) => file === name)} onGo={onGo} />
            )}
          </li>
        ))}
        {gone.map(({ name }) => (
          <li key={name} className="px-2 py-1 text-soft">
            <s className="font-mono wrap-anywhere">{plain(name)}</s>{' '}
            <button
              type="button"
              className="underline decoration-dotted"
              onClick={() => draft.drop(name)}
            >
              bring back
            </button>
          </li>
        ))}
      </ul>
      {view.editable && (
        <div className="mt-2 px-2 grid gap-2">
          <NewFile draft={draft} onMade={onChoose} />
          {chosen !== undefined && (
            <p className="m-0 flex flex-wrap gap-x-3">
              {draft.changes.some(({ name }) => name === chosen) && (
                <DropOnce key={chosen} onDrop={() => draft.drop(chosen)} />
              )}
              <button
                type="button"
                className="text-soft underline decoration-dotted"
                onClick={() => draft.change(chosen, null)}
              >
                take this file away
              </button>
            </p>
          )}
        </div>
      )}
    </nav>
  )
}

/** Asks once: what was typed has no other copy. */
function DropOnce({ onDrop }: { onDrop: () => void }) {
  const [asked, setAsked] = useState(false)
  return (
    <button
      type="button"
      className={`underline decoration-dotted ${asked ? 'text-denied' : 'text-soft'}`}
      onClick={() => (asked ? onDrop() : setAsked(true))}
      onBlur={() => setAsked(false)}
    >
      {asked ? 'drop what you typed?' : 'drop my changes'}
    </button>
  )
}

function FileState({ name, draft, trial }: { name: string; draft: Draft; trial: Trial }) {
  const wrong = trial.last?.problems.some(each => each.file === name && each.severity === 'error')
  const changed = draft.changes.some(each => each.name === name)
  return (
    <>
      {changed && <span className="text-soft font-sans font-normal"> · changed</span>}
      {wrong && (
        <span className="text-denied font-sans">
          {' '}
          <span aria-hidden="true">✕</span> <span className="sr-only">does not check</span>
        </span>
      )}
    </>
  )
}

function Outline({
  policies,
  onGo,
}: {
  policies: readonly PolicySummaryView[]
  onGo: (place: Pick<PolicyProblem, 'file' | 'line' | 'column'>) => void
}) {
  return (
    <ul className="m-0 mb-1 p-0 pl-2 list-none">
      {policies.map(({ id, effect, file, line, annotations }) => (
        <li key={id}>
          <button
            type="button"
            className="w-full text-left px-2 py-0.5 wrap-anywhere text-soft hover:text-ink"
            title={Object.entries(annotations)
              .filter(([name]) => name !== 'id')
              .map(([name, value]) => `@${plain(name)} ${plain(value)}`)
              .join('\n')}
            onClick={() => onGo({ file, line, column: 1 })}
          >
            <span className="font-semibold">{effect}</span> {plain(id)}
          </button>
        </li>
      ))}
    </ul>
  )
}

export function NewFile({ draft, onMade }: { draft: Draft; onMade?: (name: string) => void }) {
  const [name, setName] = useState<string>()
  if (name === undefined) {
    return (
      <button
        type="button"
        className="text-left text-soft underline decoration-dotted"
        onClick={() => setName('')}
      >
        new file
      </button>
    )
  }
  const whole = name.endsWith('.cedar') ? name : `${name}.cedar`
  const taken = draft.files.some(each => each.name === whole)
  const fits = NAME.test(name) && !taken
  return (
    <form
      className="grid gap-1"
      onSubmit={event => {
        event.preventDefault()
        if (!fits) return
        draft.change(whole, '')
        setName(undefined)
        onMade?.(whole)
      }}
    >
      <label className="grid gap-1">
        <span className="text-soft">its name{taken && ', which is taken'}</span>
        <input
          value={name}
          maxLength={100}
          autoComplete="off"
          spellCheck={false}
          placeholder="payments.cedar"
          className="border border-line bg-paper text-ink px-2 py-1 font-mono min-w-0"
          onChange={event => setName(event.target.value)}
        />
      </label>
      <span className="flex gap-2">
        <Button type="submit" disabled={!fits}>
          Make it
        </Button>
        <Button onClick={() => setName(undefined)}>Do not</Button>
      </span>
    </form>
  )
}
