// Gives somebody else a right for a time. What was typed stays when the gateway refuses.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type GrantView, grantable, paths, type ResourceView } from '#contract'
import { call } from '../../data/gateway.ts'
import { Choices, FIELD, Field } from '../../ui/form.tsx'
import { Button, Failure } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'

const route = getRouteApi('/grants/give')
const TIMES = [
  ['15 minutes', 900],
  ['1 hour', 3_600],
  ['2 hours', 7_200],
  ['4 hours', 14_400],
  ['8 hours', 28_800],
] as const

export function Give() {
  const search = route.useSearch()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [principal, setPrincipal] = useState(search.principal ?? '')
  const [resource, setResource] = useState(search.resource ?? '')
  const [actions, setActions] = useState<readonly string[]>(['connect', 'read'])
  const [seconds, setSeconds] = useState<number>(3_600)
  const [reason, setReason] = useState('')
  const resources = useQuery({
    queryKey: ['resources'],
    queryFn: ({ signal }) => call<ResourceView[]>(paths.resources, { signal }),
  })
  const give = useMutation({
    mutationFn: () =>
      call<GrantView>(paths.grants, {
        method: 'POST',
        body: { principal, resource, actions, seconds, reason },
      }),
    onSuccess: async ({ id }) => {
      await client.invalidateQueries({ queryKey: ['grants'] })
      void navigate({ to: '/grants/$id', params: { id } })
    },
  })
  const whole = principal !== '' && resource !== '' && actions.length > 0 && reason.trim() !== ''
  return (
    <form
      className="overflow-auto p-4 max-w-xl w-full grid gap-3 content-start"
      onSubmit={event => {
        event.preventDefault()
        if (whole && !give.isPending) give.mutate()
      }}
    >
      <p className="m-0 text-soft">
        <Link to="/grants">Grants</Link> / give
      </p>
      <h1 className="text-lg font-semibold m-0">Give a right for a time</h1>
      <Field label="principal: the id of a person or an agent, as the sessions name it">
        <input
          value={principal}
          maxLength={256}
          required
          autoComplete="off"
          spellCheck={false}
          onChange={event => setPrincipal(event.target.value)}
          className={`${FIELD} font-mono`}
        />
      </Field>
      <Field label="resource">
        <input
          value={resource}
          list="resources"
          required
          autoComplete="off"
          spellCheck={false}
          onChange={event => setResource(event.target.value)}
          className={`${FIELD} font-mono`}
        />
        <datalist id="resources">
          {resources.data?.map(each => (
            <option key={each.name} value={each.name}>
              {plain(each.label ?? each.protocol)}
            </option>
          ))}
        </datalist>
      </Field>
      <Choices legend="actions" of={grantable} chosen={actions} onChange={setActions} />
      <Field label="for">
        <select
          value={seconds}
          onChange={event => setSeconds(Number(event.target.value))}
          className={`${FIELD} bg-paper`}
        >
          {TIMES.map(([name, value]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </Field>
      <Field label="reason, kept with the right">
        <textarea
          value={reason}
          maxLength={2_000}
          required
          rows={3}
          onChange={event => setReason(event.target.value)}
          className={FIELD}
        />
      </Field>
      {give.error && <Failure error={give.error} />}
      <p className="m-0 flex gap-3 items-center">
        <Button look="yes" type="submit" disabled={!whole || give.isPending}>
          Give it
        </Button>
        <span className="text-soft">
          It needs <code>approve</code> on the resource, and is on record.
        </span>
      </p>
    </form>
  )
}
