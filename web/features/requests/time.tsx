// A right for a time that somebody asks for: what it would permit, for how long, why, and the two buttons.

import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { AccessRequestView } from '#contract'
import { Choices } from '../../ui/form.tsx'
import { Mark, Time, Verbatim } from '../../ui/parts.tsx'
import { count, plain } from '../../ui/text.ts'
import { Around } from './around.tsx'
import { Decide } from './decide.tsx'
import { lengthOf } from './words.ts'

const LENGTHS = [900, 1_800, 3_600, 7_200, 14_400, 28_800] as const

const outlook = {
  permit: ['plain', '✓', 'permitted with it'],
  held: ['held', '◔', 'each time held for a person, with it too'],
  deny: ['denied', '✕', 'refused all the same'],
} as const

export function TimeRequest({ request }: { request: AccessRequestView }) {
  const { actions = [], seconds = 0, uses, approved } = request
  const shown = approved ?? { actions, seconds, uses }
  return (
    <Around request={request} title="asks for a right on">
      <div className="border border-line p-3 text-[0.9375rem] leading-6">
        <p className="m-0 text-[1.0625rem]">
          <code className="font-mono">{shown.actions.map(plain).join(', ')}</code> for{' '}
          <strong>{lengthOf(shown.seconds)}</strong>
          {shown.uses !== undefined && <>, {sessions(shown.uses)} at most</>}
        </p>
        <ul className="m-0 mt-2 p-0 list-none text-[0.8125rem]">
          {(request.outlook ?? []).map(({ action, effect }) => {
            const [tone, glyph, words] = outlook[effect]
            return (
              <li key={action} className="grid grid-cols-[6.5rem_1fr]">
                <code className="font-mono">{plain(action)}</code>
                <Mark tone={tone} glyph={glyph}>
                  <span className="whitespace-normal">{words}</span>
                </Mark>
              </li>
            )
          })}
        </ul>
      </div>
      {request.reason !== undefined && (
        <p className="my-3 border-l-2 border-line pl-3">
          <span className="text-soft">the asker says, unverified: </span>
          <Verbatim text={request.reason} />
        </p>
      )}
      {request.policies.length > 0 && (
        <p className="my-3">
          {plain(request.message)}{' '}
          <span className="text-soft">({request.policies.map(plain).join(', ')})</span>
        </p>
      )}
      <TimeVote request={request} />
      {request.grant !== undefined && (
        <p className="my-3">
          {request.state === 'approved' ? 'In force until ' : 'It was '}
          {request.state === 'approved' && <Time at={request.expiresAt} />}{' '}
          <Link to="/grants/$id" params={{ id: request.grant }}>
            <code>{plain(request.grant)}</code>
          </Link>
        </p>
      )}
    </Around>
  )
}

/** What goes with a yes: shorter or longer, fewer actions, so many sessions. */
function TimeVote({ request }: { request: AccessRequestView }) {
  const { actions = [], seconds = 0, uses } = request
  const [chosen, setChosen] = useState<readonly string[]>(actions)
  const [time, setTime] = useState(seconds)
  const [most, setMost] = useState(uses === undefined ? '' : String(uses))
  const lengths = [...new Set([seconds, ...LENGTHS])].sort((a, b) => a - b)
  return (
    <Decide
      request={request}
      ready={chosen.length > 0}
      terms={() => ({
        ...(chosen.length === actions.length ? {} : { actions: chosen }),
        ...(time === seconds ? {} : { seconds: time }),
        ...(most === '' || Number(most) === uses ? {} : { uses: Number(most) }),
      })}
    >
      <label className="flex flex-col text-soft">
        for
        <select
          value={time}
          onChange={event => setTime(Number(event.target.value))}
          className="border border-line bg-paper text-ink px-2 py-1"
        >
          {lengths.map(each => (
            <option key={each} value={each}>
              {lengthOf(each)}
              {each === seconds ? ', as asked' : ''}
            </option>
          ))}
        </select>
      </label>
      <label className="flex flex-col text-soft">
        sessions at most
        <input
          value={most}
          inputMode="numeric"
          pattern="[0-9]*"
          placeholder="any"
          onChange={event => setMost(event.target.value.replace(/\D/g, '').slice(0, 4))}
          className="border border-line bg-transparent text-ink px-2 py-1 w-28 text-right"
        />
      </label>
      {actions.length > 1 && (
        <Choices legend="only these" of={actions} chosen={chosen} onChange={setChosen} />
      )}
    </Decide>
  )
}

function sessions(uses: number): string {
  return `${count(uses)} ${uses === 1 ? 'session' : 'sessions'}`
}
