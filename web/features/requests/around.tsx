// What stands around every request that is no statement: who, on what, its state, who has said what.

import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { AccessRequestView } from '#contract'
import { Copy, Countdown, Facts, Mark, Time, Verbatim } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'
import { StateOf, whence, who } from './state.tsx'

export function Around({
  request,
  title,
  children,
}: {
  request: AccessRequestView
  title: string
  children: ReactNode
}) {
  return (
    <article className="overflow-auto p-4 max-w-4xl w-full">
      <p className="m-0 text-soft">
        <Link to="/requests">Requests</Link> / <code>{request.id}</code>
      </p>
      <div className="flex flex-wrap gap-x-4 gap-y-1 items-baseline my-2">
        <h1 className="text-lg font-semibold m-0 wrap-anywhere">
          {plain(who(request))} {title} {plain(request.resource)}
        </h1>
        <StateOf request={request} />
        {request.state === 'pending' && <Countdown until={request.expiresAt} />}
      </div>
      <p className="mt-0 mb-2 text-soft wrap-anywhere">{plain(whence(request))}</p>
      {children}
      <Needs request={request} />
      <Votes request={request} />
      <Facts
        rows={[
          [request.kind === 'review' ? 'who may review' : 'who may decide', deciders(request)],
          request.kind === 'review'
            ? undefined
            : ['asked', <Time key="t" at={request.createdAt} />],
          [
            'digest',
            <span key="d">
              <code className="break-all">{request.digest}</code> <Copy text={request.digest} />
            </span>,
          ],
        ]}
      />
    </article>
  )
}

function deciders({ approvers }: AccessRequestView): string {
  return approvers.map(plain).join(', ') || 'whom the policies permit to approve'
}

/** How far each group is. */
export function Needs({ request: { needs = [], votes, state } }: { request: AccessRequestView }) {
  if (needs.length === 0 || state !== 'pending') return null
  const yes = votes.filter(({ vote }) => vote === 'approve')
  return (
    <ul className="my-3 p-0 list-none" aria-label="who has to say yes">
      {needs.map(({ groups, count }, place) => {
        const said = Math.min(count, yes.filter(each => each.counts?.includes(place)).length)
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a need's name is its place
          <li key={place}>
            <Mark tone={said === count ? 'plain' : 'held'} glyph={said === count ? '✓' : '◔'}>
              {said} of {count}
            </Mark>{' '}
            {groups.map(plain).join(' or ') || 'whoever may approve'}
          </li>
        )
      })}
    </ul>
  )
}

export function Votes({ request: { votes, kind } }: { request: AccessRequestView }) {
  if (votes.length === 0) return null
  return (
    <ul className="my-3 p-0 list-none">
      {votes.map(vote => (
        <li key={`${vote.approver} ${vote.at}`}>
          {vote.vote === 'approve' ? '✓' : '✕'} {plain(vote.approver)}{' '}
          {kind === 'review' ? 'looked at it' : vote.vote === 'approve' ? 'approved' : 'denied'}{' '}
          <Time at={vote.at} />
          {vote.reason !== undefined && (
            <>
              : <Verbatim text={vote.reason} />
            </>
          )}
        </li>
      ))}
    </ul>
  )
}
