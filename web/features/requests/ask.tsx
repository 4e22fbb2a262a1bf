// Asks for a right for a time. What was typed stays when the gateway refuses.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type AccessRequestView, grantable, paths } from '#contract'
import { call } from '../../data/gateway.ts'
import { Choices, FIELD, Field } from '../../ui/form.tsx'
import { Button, Failure } from '../../ui/parts.tsx'
import { lengthOf } from './words.ts'

const route = getRouteApi('/requests/ask')
const LENGTHS = [900, 1_800, 3_600, 7_200, 14_400, 28_800] as const
/** A class of data is revealed by policy alone. */
const ACTIONS = grantable.filter(each => each !== 'reveal')

export function Ask() {
  const search = route.useSearch()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [resource, setResource] = useState(search.resource ?? '')
  const [actions, setActions] = useState<readonly string[]>(['connect', 'read'])
  const [seconds, setSeconds] = useState<number>(3_600)
  const [uses, setUses] = useState('')
  const [reason, setReason] = useState('')
  const ask = useMutation({
    mutationFn: () =>
      call<AccessRequestView>(paths.requests, {
        method: 'POST',
        body: {
          resource,
          actions,
          seconds,
          reason,
          ...(uses === '' ? {} : { uses: Number(uses) }),
        },
      }),
    onSuccess: async ({ id }) => {
      await client.invalidateQueries({ queryKey: ['requests'] })
      void navigate({ to: '/requests/$id', params: { id } })
    },
  })
  const whole = resource !== '' && actions.length > 0 && reason.trim() !== ''
  return (
    <form
      className="overflow-auto p-4 max-w-xl w-full grid grid-cols-[minmax(0,1fr)] gap-3 content-start"
      onSubmit={event => {
        event.preventDefault()
        if (whole && !ask.isPending) ask.mutate()
      }}
    >
      <p className="m-0 text-soft">
        <Link to="/requests">Requests</Link> / ask
      </p>
      <h1 className="text-lg font-semibold m-0">Ask for a right for a time</h1>
      <Field label="resource, by its name">
        <input
          value={resource}
          required
          maxLength={64}
          autoComplete="off"
          spellCheck={false}
          onChange={event => setResource(event.target.value)}
          className={`${FIELD} font-mono`}
        />
      </Field>
      <Choices legend="actions" of={ACTIONS} chosen={actions} onChange={setActions} />
      <Field label="for">
        <select
          value={seconds}
          onChange={event => setSeconds(Number(event.target.value))}
          className={`${FIELD} bg-paper`}
        >
          {LENGTHS.map(each => (
            <option key={each} value={each}>
              {lengthOf(each)}
            </option>
          ))}
        </select>
      </Field>
      <Field label="for so many sessions at most; empty: any number">
        <input
          value={uses}
          inputMode="numeric"
          pattern="[0-9]*"
          onChange={event => setUses(event.target.value.replace(/\D/g, '').slice(0, 3))}
          className={FIELD}
        />
      </Field>
      <Field label="reason, for whoever decides">
        <textarea
          value={reason}
          maxLength={2_000}
          required
          rows={3}
          onChange={event => setReason(event.target.value)}
          className={FIELD}
        />
      </Field>
      {ask.error && <Failure error={ask.error} />}
      <p className="m-0 flex flex-wrap gap-3 items-center">
        <Button look="yes" type="submit" disabled={!whole || ask.isPending}>
          Ask
        </Button>
        <span className="text-soft">You may take it back while it waits. It is on record.</span>
      </p>
    </form>
  )
}
