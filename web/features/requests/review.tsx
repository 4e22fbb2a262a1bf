// Somebody broke the glass: what was taken, why, what was done with it, and how another person closes the review.
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { type AccessRequestView, paths } from '#contract'
import { Button, Failure, Time, Verbatim } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'
import { Around } from './around.tsx'
import { useAct } from './decide.tsx'

export function Review({ request }: { request: AccessRequestView }) {
  const { principal, resource, until, grant } = request
  return (
    <Around request={request} title="broke the glass on">
      <div className="border border-line p-3 text-[0.9375rem] leading-6">
        <p className="m-0">
          Everything that a right can give was taken <Time at={request.createdAt} />
          {until !== undefined && (
            <>
              ; it ends, or ended, <Time at={until} />
            </>
          )}
        </p>
        <p className="m-0 mt-1 flex flex-wrap gap-x-4">
          <Link to="/sessions" search={{ principal, resource }}>
            what was done: the sessions of {plain(principal)} on {plain(resource)}
          </Link>
          {grant !== undefined && (
            <Link to="/grants/$id" params={{ id: grant }}>
              <code>{plain(grant)}</code>
            </Link>
          )}
        </p>
      </div>
      {request.reason !== undefined && (
        <p className="my-3 border-l-2 border-line pl-3">
          <span className="text-soft">in their words, unverified: </span>
          <Verbatim text={request.reason} />
        </p>
      )}
      <Close request={request} />
    </Around>
  )
}

function Close({ request }: { request: AccessRequestView }) {
  const [note, setNote] = useState('')
  const act = useAct(request)
  if (request.state !== 'pending') return null
  if (!request.mayVote)
    return <p className="text-soft my-3">Another person looks at it, and says what they found.</p>
  return (
    <form
      className="my-4 grid gap-2 max-w-xl"
      onSubmit={event => {
        event.preventDefault()
        if (note.trim() !== '' && !act.isPending) act.mutate([paths.review, { note }])
      }}
    >
      <label className="grid gap-1">
        <span className="text-soft">what you found; it is kept with the review</span>
        <textarea
          value={note}
          rows={3}
          maxLength={2_000}
          required
          onChange={event => setNote(event.target.value)}
          className="border border-line bg-transparent text-ink px-2 py-1 w-full"
        />
      </label>
      <p className="m-0">
        <Button look="yes" type="submit" disabled={note.trim() === '' || act.isPending}>
          I have looked at it
        </Button>
      </p>
      {act.error && <Failure error={act.error} />}
    </form>
  )
}
