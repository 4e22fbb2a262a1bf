// How a statement would be decided by what is typed. Runs nothing, and is in force for nobody.
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type PolicyWhyAnswer, paths, type ResourceView } from '#contract'
import { call } from '../../data/gateway.ts'
import { useMay } from '../../data/who.ts'
import { Button, Failure } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'
import { Answer } from '../why/answer.tsx'
import type { Draft } from './draft.ts'

const FIELD = 'border border-line bg-paper text-ink px-2 py-1 font-mono min-w-0'

export function ProposedWhy({ draft }: { draft: Draft }) {
  const mayAskOfOthers = useMay('console:audit')
  const [resource, setResource] = useState('')
  const [statement, setStatement] = useState('')
  const [principal, setPrincipal] = useState('')
  const [kind, setKind] = useState<'user' | 'agent'>('agent')
  const [groups, setGroups] = useState('')
  const resources = useQuery({
    queryKey: ['resources'],
    queryFn: ({ signal }) => call<ResourceView[]>(paths.resources, { signal }),
  })
  const changes = JSON.stringify(draft.changes)
  const ask = useMutation({
    mutationFn: async (asked: string) => ({
      of: asked,
      answer: await call<PolicyWhyAnswer>(paths.policyWhy, {
        method: 'POST',
        body: {
          changes: JSON.parse(asked),
          question: {
            resource,
            statement,
            ...(principal === ''
              ? {}
              : {
                  principal: {
                    kind,
                    id: principal,
                    groups: groups.split(/[\s,]+/).filter(Boolean),
                  },
                }),
          },
        },
      }),
    }),
  })
  const whole = resource !== '' && statement !== ''
  const { answer, of } = ask.data ?? {}
  return (
    <>
      <form
        className="flex flex-wrap gap-x-3 gap-y-2 items-end"
        onSubmit={event => {
          event.preventDefault()
          if (whole) ask.mutate(changes)
        }}
      >
        <label className="grid gap-1">
          <span className="text-soft">resource</span>
          <input
            value={resource}
            list="policy-resources"
            autoComplete="off"
            spellCheck={false}
            className={`${FIELD} w-36`}
            onChange={event => setResource(event.target.value)}
          />
          <datalist id="policy-resources">
            {resources.data?.map(each => (
              <option key={each.name} value={each.name}>
                {plain(each.label ?? each.protocol)}
              </option>
            ))}
          </datalist>
        </label>
        <label className="grid gap-1 flex-1 min-w-56">
          <span className="text-soft">statement</span>
          <input
            value={statement}
            autoComplete="off"
            spellCheck={false}
            className={FIELD}
            onChange={event => setStatement(event.target.value)}
          />
        </label>
        {mayAskOfOthers && (
          <>
            <label className="grid gap-1">
              <span className="text-soft">principal; empty: you</span>
              <input
                value={principal}
                autoComplete="off"
                spellCheck={false}
                className={`${FIELD} w-36`}
                onChange={event => setPrincipal(event.target.value)}
              />
            </label>
            <label className="grid gap-1">
              <span className="text-soft">is</span>
              <select
                value={kind}
                className={FIELD}
                onChange={event => setKind(event.target.value === 'agent' ? 'agent' : 'user')}
              >
                <option value="agent">an agent</option>
                <option value="user">a person</option>
              </select>
            </label>
            <label className="grid gap-1">
              <span className="text-soft">of the groups</span>
              <input
                value={groups}
                autoComplete="off"
                spellCheck={false}
                placeholder="agents, dba"
                className={`${FIELD} w-36`}
                onChange={event => setGroups(event.target.value)}
              />
            </label>
          </>
        )}
        <Button type="submit" disabled={!whole || ask.isPending}>
          Ask
        </Button>
      </form>
      {ask.error && <Failure error={ask.error} />}
      {answer !== undefined && answer.why === undefined && (
        <p className="text-soft">These policies do not check: nothing can be said.</p>
      )}
      {answer?.why !== undefined && <Answer answer={answer.why} old={of !== changes} />}
    </>
  )
}
