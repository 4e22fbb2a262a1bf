// One request: what will happen, to what, for whom, how much, why it is held, and the two buttons.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { type AccessRequestView, type LiveEvent, paths } from '#contract'
import { at, call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'
import {
  Button,
  Copy,
  Countdown,
  Facts,
  Failure,
  Key,
  Mark,
  Time,
  Verbatim,
} from '../../ui/parts.tsx'
import { count, many, plain } from '../../ui/text.ts'
import { Needs } from './around.tsx'
import { Changes } from './changes.tsx'
import { TakeBack } from './decide.tsx'
import { Explained } from './explained.tsx'
import { Precedents } from './precedents.tsx'
import { Review } from './review.tsx'
import { RequestState, whence, who } from './state.tsx'
import { TimeRequest } from './time.tsx'

const route = getRouteApi('/requests/$id')
const touches = (event: LiveEvent): boolean => event.request !== undefined
/** Longer statements are opened first: a yes is for what was read. */
const LONG = 4_000

export function RequestPage() {
  const { id } = route.useParams()
  useFresh('request', touches)
  const found = useQuery({
    queryKey: ['request', id],
    queryFn: ({ signal }) => call<AccessRequestView>(at(paths.request, { id }), { signal }),
    placeholderData: () => undefined,
  })
  if (found.error) return <Failure error={found.error} again={() => void found.refetch()} />
  if (found.data === undefined) return null
  if (found.data.kind === 'time') return <TimeRequest key={id} request={found.data} />
  if (found.data.kind === 'review') return <Review key={id} request={found.data} />
  return <Request key={id} request={found.data} />
}

function Request({ request }: { request: AccessRequestView }) {
  const [open, setOpen] = useState(request.statement.length <= LONG)
  return (
    <article className="overflow-auto p-4 max-w-4xl w-full">
      <p className="m-0 text-soft">
        <Link to="/requests">Requests</Link> / <code>{request.id}</code>
      </p>
      <div className="flex gap-4 items-baseline my-2">
        <h1 className="text-lg font-semibold m-0">
          {plain(who(request))} on {plain(request.resource)}
        </h1>
        <RequestState state={request.state} />
        {request.state === 'pending' && <Countdown until={request.expiresAt} />}
      </div>
      <p className="mt-0 mb-2 text-soft wrap-anywhere">{plain(whence(request))}</p>
      <div className="border border-line p-3 text-[0.9375rem] leading-6">
        <Verbatim block text={open ? request.statement : request.statement.slice(0, LONG)} />
        {!open && (
          <Button look="no" className="mt-2" onClick={() => setOpen(true)}>
            {count(request.statement.length - LONG)} more characters: open all of it to decide
          </Button>
        )}
      </div>
      {request.parameters.length > 0 && (
        <ol className="font-mono my-2 pl-8 list-decimal">
          {request.parameters.map((value, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a parameter's name is its number
            <li key={index}>{value === null ? <em>NULL</em> : <Verbatim text={value} />}</li>
          ))}
        </ol>
      )}
      <p className="my-3">
        <Mark tone="held" glyph="◔">
          held
        </Mark>{' '}
        {plain(request.message)}{' '}
        <span className="text-soft">({request.policies.map(plain).join(', ')})</span>
      </p>
      {request.reason !== undefined && (
        <p className="my-3 border-l-2 border-line pl-3">
          <span className="text-soft">the asker says, unverified: </span>
          <Verbatim text={request.reason} />
        </p>
      )}
      <Vote request={request} ready={open} />
      <Needs request={request} />
      {request.flags.includes('compound') && <Explained id={request.id} />}
      <Preview request={request} />
      {request.state === 'pending' && request.mayVote && <Precedents id={request.id} />}
      <Facts
        rows={[
          ['does', request.verbs.map(plain).join(', ')],
          ['to', request.objects.map(plain).join(', ') || '–'],
          request.flags.length > 0 ? ['note', request.flags.map(plain).join(', ')] : undefined,
          ['who may decide', request.approvers.map(plain).join(', ') || 'whom the policies permit'],
          ['asked', <Time key="t" at={request.createdAt} />],
          request.session === undefined
            ? undefined
            : [
                'session',
                <Link key="s" to="/sessions/$id" params={{ id: request.session }}>
                  <code>{request.session}</code>
                </Link>,
              ],
          [
            'digest',
            <span key="d">
              <code className="break-all">{request.digest}</code> <Copy text={request.digest} />
            </span>,
          ],
        ]}
      />
      {request.votes.length > 0 && (
        <ul className="my-3 p-0 list-none">
          {request.votes.map(vote => (
            <li key={`${vote.approver} ${vote.at}`}>
              {vote.vote === 'approve' ? '✓' : '✕'} {plain(vote.approver)}{' '}
              {vote.vote === 'approve' ? 'approved' : 'denied'} <Time at={vote.at} />
              {vote.reason !== undefined && (
                <>
                  : <Verbatim text={vote.reason} />
                </>
              )}
            </li>
          ))}
        </ul>
      )}
    </article>
  )
}

function Vote({ request, ready }: { request: AccessRequestView; ready: boolean }) {
  const client = useQueryClient()
  const [reason, setReason] = useState('')
  const [rows, setRows] = useState('')
  const vote = useMutation({
    mutationFn: (path: string) =>
      call<AccessRequestView>(at(path, { id: request.id }), {
        method: 'POST',
        body: {
          ...(reason === '' ? {} : { reason }),
          ...(rows === '' || path === paths.deny ? {} : { maxRows: Number(rows) }),
        },
      }),
    onSuccess: after => {
      client.setQueryData(['request', request.id], after)
      // What became of it may have come before this answer did: asked for once more.
      void client.invalidateQueries({ queryKey: ['request', request.id] })
      void client.invalidateQueries({ queryKey: ['requests'] })
    },
  })
  const can = request.state === 'pending' && request.mayVote && !vote.isPending
  const { mutate } = vote
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLElement && event.target.matches('input, textarea')
      if (typing || !can || event.metaKey || event.ctrlKey || event.altKey || event.repeat) return
      if (event.key === 'a' && ready) mutate(paths.approve)
      if (event.key === 'd') mutate(paths.deny)
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [can, ready, mutate])
  if (request.state !== 'pending') return null
  if (!request.mayVote) {
    return <TakeBack request={request} />
  }
  return (
    <form
      className="my-4 flex flex-wrap gap-3 items-end"
      onSubmit={event => {
        event.preventDefault()
      }}
    >
      <Button look="yes" disabled={!can || !ready} onClick={() => mutate(paths.approve)}>
        Approve
        <Key>a</Key>
      </Button>
      <Button look="no" disabled={!can} onClick={() => mutate(paths.deny)}>
        Deny
        <Key>d</Key>
      </Button>
      <label className="flex flex-col text-soft">
        reason, returned to the asker
        <input
          value={reason}
          maxLength={2_000}
          onChange={event => setReason(event.target.value)}
          className="border border-line bg-transparent text-ink px-2 py-1 w-64"
        />
      </label>
      {request.defaultMaxRows !== undefined && (
        <label className="flex flex-col text-soft">
          at most so many rows changed
          <input
            value={rows}
            inputMode="numeric"
            pattern="[0-9]*"
            placeholder={String(request.defaultMaxRows)}
            onChange={event => setRows(event.target.value.replace(/\D/g, ''))}
            className="border border-line bg-transparent text-ink px-2 py-1 w-28 text-right"
          />
        </label>
      )}
      {request.quorum > 1 && (
        <span className="text-soft">{request.quorum} people must say yes</span>
      )}
      {vote.error && <Failure error={vote.error} />}
    </form>
  )
}

/** What it would do, as far as the system behind can tell. */
function Preview({ request: { preview } }: { request: AccessRequestView }) {
  if (preview === undefined) return null
  const { tables, estimate, plan, changes, unavailable, notes } = preview
  return (
    <section className="my-4">
      {estimate !== undefined && (
        <p className="m-0 font-semibold">
          {estimate.effect === 'changes' ? 'changes' : 'returns'} about {many(estimate.rows, 'row')}
        </p>
      )}
      <ul className="m-0 p-0 list-none">
        {tables.map(table => (
          <li key={table.name}>
            <code>{plain(table.name)}</code>{' '}
            <span className="text-soft">
              {table.kind}
              {table.rows !== undefined &&
                `, ${table.exact ? '' : 'about '}${many(table.rows, 'row')}`}
              {table.dependents !== undefined && `, ${count(table.dependents)} rest on it`}
            </span>
          </li>
        ))}
        {notes.map(note => (
          <li key={note} className="text-soft">
            {plain(note)}
          </li>
        ))}
      </ul>
      {changes !== undefined && <Changes text={changes} />}
      {plan !== undefined && (
        <details className="my-2">
          <summary>plan</summary>
          <Verbatim block text={plan} />
        </details>
      )}
      {unavailable !== undefined && (
        <p className="text-soft m-0">No preview: {plain(unavailable)}</p>
      )}
    </section>
  )
}
