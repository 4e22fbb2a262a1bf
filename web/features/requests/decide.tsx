// The two buttons of a right for a time; for whoever asked, the one that takes it back.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useState } from 'react'
import { type AccessRequestView, paths } from '#contract'
import { at, call } from '../../data/gateway.ts'
import { useWho } from '../../data/who.ts'
import { Button, Failure, Key } from '../../ui/parts.tsx'

export function Decide({
  request,
  ready,
  terms,
  children,
}: {
  request: AccessRequestView
  ready: boolean
  terms: () => object
  children: ReactNode
}) {
  const [reason, setReason] = useState('')
  const act = useAct(request)
  const { mutate, isPending } = act
  const can = request.state === 'pending' && request.mayVote && !isPending
  const approve = (): void => mutate([paths.approve, { ...said(reason), ...terms() }])
  const deny = (): void => mutate([paths.deny, said(reason)])
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const typing =
        event.target instanceof HTMLElement && event.target.matches('input, textarea, select')
      if (typing || !can || event.metaKey || event.ctrlKey || event.altKey || event.repeat) return
      if (event.key === 'a' && ready) approve()
      if (event.key === 'd') deny()
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  })
  if (request.state !== 'pending') return null
  if (!request.mayVote) return <TakeBack request={request} />
  return (
    <form
      className="my-4 flex flex-wrap gap-3 items-end"
      onSubmit={event => event.preventDefault()}
    >
      <Button look="yes" disabled={!can || !ready} onClick={approve}>
        Approve
        <Key>a</Key>
      </Button>
      <Button look="no" disabled={!can} onClick={deny}>
        Deny
        <Key>d</Key>
      </Button>
      {children}
      <label className="flex flex-col text-soft">
        reason, returned to the asker
        <input
          value={reason}
          maxLength={2_000}
          onChange={event => setReason(event.target.value)}
          className="border border-line bg-transparent text-ink px-2 py-1 w-64 max-w-full"
        />
      </label>
      {request.quorum > 1 && (
        <span className="text-soft">{request.quorum} people must say yes</span>
      )}
      {act.error && <Failure error={act.error} />}
    </form>
  )
}

/** For whoever asked; anybody else may only look. */
export function TakeBack({ request }: { request: AccessRequestView }) {
  const me = useWho().data
  const act = useAct(request)
  const own =
    me !== undefined && me.id === request.principal && (me.actor ?? '') === (request.actor ?? '')
  if (!own || request.state !== 'pending')
    return request.mayVote ? null : (
      <p className="text-soft my-3">
        {request.votes.some(({ approver }) => approver === me?.id)
          ? 'You have said yes; others have to as well.'
          : 'You may see this request, and not decide it.'}
      </p>
    )
  return (
    <div className="my-4 flex flex-wrap gap-3 items-center">
      <Button disabled={act.isPending} onClick={() => act.mutate([paths.cancel, undefined])}>
        Take it back
      </Button>
      <span className="text-soft">You asked for it: somebody else decides.</span>
      {act.error && <Failure error={act.error} />}
    </div>
  )
}

export function useAct(request: AccessRequestView) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ([path, body]: readonly [string, unknown]) =>
      call<AccessRequestView>(at(path, { id: request.id }), { method: 'POST', body }),
    onSuccess: after => {
      client.setQueryData(['request', request.id], after)
      void client.invalidateQueries({ queryKey: ['requests'] })
      void client.invalidateQueries({ queryKey: ['grants'] })
    },
  })
}

function said(reason: string): object {
  return reason === '' ? {} : { reason }
}
