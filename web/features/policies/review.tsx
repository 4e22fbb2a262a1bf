// What a save would change, why, and the button. A refusal leaves everything as it was typed.
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { type PoliciesView, paths } from '#contract'
import { call } from '../../data/gateway.ts'
import { Button, Empty, Failure, Mark } from '../../ui/parts.tsx'
import { type Trial, useForget } from './data.ts'
import { Diff } from './diff.tsx'
import type { Draft } from './draft.ts'

export function Review({ view, draft, trial }: { view: PoliciesView; draft: Draft; trial: Trial }) {
  const [note, setNote] = useState('')
  const forget = useForget()
  const save = useMutation({
    mutationFn: () =>
      call(paths.policies, {
        method: 'POST',
        body: { opened: view.revision, changes: draft.changes, note },
      }),
    onSuccess: () => {
      draft.clear()
      setNote('')
    },
    // Also when it was refused: what is there now may be another thing.
    onSettled: forget,
  })
  const { tried } = trial
  if (draft.changes.length === 0) {
    return (
      <>
        {save.isSuccess && (
          <p role="status" className="m-0">
            <Mark tone="plain" glyph="✓">
              Saved and in force, for every live session too.
            </Mark>
          </p>
        )}
        <Empty title="Nothing is changed." />
      </>
    )
  }
  const locksOut = tried?.ok === true && tried.rights?.includes('console:administer') === false
  const why = whyNot(draft, trial, note, locksOut)
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        if (why === undefined && !save.isPending) save.mutate()
      }}
    >
      {draft.changes.map(({ name, text }) => (
        <Diff key={name} name={name} before={draft.original(name)} after={text} />
      ))}
      <label className="grid gap-1 max-w-2xl">
        <span className="text-soft">why, kept with this version</span>
        <textarea
          value={note}
          rows={2}
          maxLength={2_000}
          onChange={event => setNote(event.target.value)}
          className="border border-line bg-paper text-ink px-2 py-1"
        />
      </label>
      {locksOut && (
        <p className="m-0 mt-2">
          <Mark tone="denied" glyph="✕">
            With these policies you could not change them any more.
          </Mark>
        </p>
      )}
      {save.error && <Failure error={save.error} />}
      <p className="m-0 mt-2 flex flex-wrap gap-3 items-center">
        <Button look="yes" type="submit" disabled={why !== undefined || save.isPending}>
          Put in force
        </Button>
        <span className="text-soft">{why ?? 'It is on record first, under your name.'}</span>
      </p>
    </form>
  )
}

function whyNot(
  draft: Draft,
  { tried, error }: Trial,
  note: string,
  locksOut: boolean,
): string | undefined {
  if (draft.conflicts.length > 0) return 'First decide about what somebody else changed.'
  if (error !== null) return 'It could not be checked.'
  if (tried === undefined) return 'It is being checked.'
  if (!tried.ok) return 'It does not check: see the problems.'
  if (locksOut) return 'Somebody who means this does it in the files.'
  return note.trim() === '' ? 'Say why.' : undefined
}
