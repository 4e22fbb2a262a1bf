// How a statement would be decided, and why. Runs nothing. Whom and what it asks about stands in the address: the
// statement behind `#`, which no browser sends to a server, so that it comes into no log.
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useLocation, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type LiveEvent, paths, type ResourceView, type WhyQuestion, type WhyView } from '#contract'
import { call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'
import { useMay } from '../../data/who.ts'
import { Button, Failure } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'
import { Answer } from './answer.tsx'

const route = getRouteApi('/why')
const FIELD = 'border border-line bg-paper text-ink px-2 py-1 font-mono'
const mayDiffer = ({ kind }: LiveEvent): boolean =>
  kind === 'policies.changed' || kind === 'resources.changed' || kind.startsWith('grant.')

/** What stands behind `#`. Not well-formed: nothing was asked. */
function statementIn(hash: string): string {
  try {
    return decodeURIComponent(hash)
  } catch {
    // Somebody typed it: the form is empty, and says so.
    return ''
  }
}

export function Why() {
  const { resource = '', principal, kind = 'user', groups = '' } = route.useSearch()
  // Said by the router when it changes; taken as the browser has it, decoded once.
  useLocation({ select: ({ hash }) => hash })
  const statement = statementIn(window.location.hash.slice(1))
  const question: WhyQuestion = {
    resource,
    statement,
    ...(principal === undefined
      ? {}
      : { principal: { kind, id: principal, groups: named(groups) } }),
  }
  const asked = resource !== '' && statement !== ''
  useFresh('why', mayDiffer)
  const answer = useQuery({
    queryKey: ['why', question],
    queryFn: ({ signal }) => call<WhyView>(paths.why, { method: 'POST', body: question, signal }),
    enabled: asked,
    // The answer to another question is none to this one.
    placeholderData: () => undefined,
  })
  return (
    <div className="overflow-auto p-4 max-w-4xl w-full">
      <h1 className="text-lg font-semibold m-0">Why</h1>
      <p className="text-soft m-0 mb-3">
        How a statement would be decided now, and by which policies. It runs nothing.
      </p>
      <Question key={JSON.stringify(question)} question={question} />
      {answer.error && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {asked && answer.isPending && <p className="text-soft">asking …</p>}
      {answer.data !== undefined && <Answer answer={answer.data} old={answer.isError} />}
    </div>
  )
}

function named(groups: string): string[] {
  return groups
    .split(',')
    .map(each => each.trim())
    .filter(each => each !== '')
}

function Question({ question }: { question: WhyQuestion }) {
  const navigate = useNavigate()
  const mayAskOfOthers = useMay('console:audit')
  const resources = useQuery({
    queryKey: ['resources'],
    queryFn: ({ signal }) => call<ResourceView[]>(paths.resources, { signal }),
  })
  const [resource, setResource] = useState(question.resource)
  const [statement, setStatement] = useState(question.statement)
  const [principal, setPrincipal] = useState(question.principal?.id ?? '')
  const [kind, setKind] = useState(question.principal?.kind ?? 'user')
  const [groups, setGroups] = useState(question.principal?.groups?.join(', ') ?? '')
  const ask = (): void => {
    if (resource === '' || statement === '') return
    void navigate({
      to: '/why',
      search: { resource, ...(principal === '' ? {} : { principal, kind, groups }) },
      hash: encodeURIComponent(statement),
    })
  }
  return (
    <form
      className="grid gap-3"
      onSubmit={event => {
        event.preventDefault()
        ask()
      }}
    >
      <label className="grid gap-1">
        <span className="text-soft">resource</span>
        <input
          value={resource}
          list="resources"
          autoComplete="off"
          spellCheck={false}
          onChange={event => setResource(event.target.value)}
          className={`${FIELD} max-w-xs`}
        />
        <datalist id="resources">
          {resources.data?.map(each => (
            <option key={each.name} value={each.name}>
              {plain(each.label ?? each.protocol)}
            </option>
          ))}
        </datalist>
      </label>
      <label className="grid gap-1">
        <span className="text-soft">statement</span>
        <textarea
          value={statement}
          rows={5}
          spellCheck={false}
          onChange={event => setStatement(event.target.value)}
          onKeyDown={event => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) ask()
          }}
          className={FIELD}
        />
      </label>
      {mayAskOfOthers || principal !== '' ? (
        <fieldset className="m-0 p-0 border-0 flex flex-wrap gap-3 items-end">
          <label className="grid gap-1">
            <span className="text-soft">principal; empty: you</span>
            <input
              value={principal}
              autoComplete="off"
              spellCheck={false}
              onChange={event => setPrincipal(event.target.value)}
              className={`${FIELD} w-48`}
            />
          </label>
          <label className="grid gap-1">
            <span className="text-soft">is</span>
            <select
              value={kind}
              onChange={event => setKind(event.target.value === 'agent' ? 'agent' : 'user')}
              className={FIELD}
            >
              <option value="user">a person</option>
              <option value="agent">an agent</option>
            </select>
          </label>
          <label className="grid gap-1">
            <span className="text-soft">of the groups</span>
            <input
              value={groups}
              autoComplete="off"
              spellCheck={false}
              placeholder="agents, dba"
              onChange={event => setGroups(event.target.value)}
              className={`${FIELD} w-48`}
            />
          </label>
        </fieldset>
      ) : (
        <p className="m-0 text-soft">
          For you. To ask about somebody else needs <code>console:audit</code>.
        </p>
      )}
      <p className="m-0">
        <Button look="yes" type="submit" disabled={resource === '' || statement === ''}>
          Ask
        </Button>
      </p>
    </form>
  )
}
