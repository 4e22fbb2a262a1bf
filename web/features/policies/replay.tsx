// What would change: past sessions, decided again by what is in force and by what is typed.
import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type PolicyReplayed, paths } from '#contract'
import { call } from '../../data/gateway.ts'
import { useMay } from '../../data/who.ts'
import { Button, Empty, Failure, Mark, Time, Verbatim } from '../../ui/parts.tsx'
import { count, many, plain } from '../../ui/text.ts'
import type { Draft } from './draft.ts'

const SESSIONS = 100
type Differs = NonNullable<PolicyReplayed['replay']>['differs'][number]

export function Replay({ draft }: { draft: Draft }) {
  const may = useMay('console:audit')
  const changes = JSON.stringify(draft.changes)
  const ask = useMutation({
    mutationFn: async (asked: string) => ({
      of: asked,
      answer: await call<PolicyReplayed>(paths.policyReplay, {
        method: 'POST',
        body: { changes: JSON.parse(asked), sessions: SESSIONS },
      }),
    }),
  })
  if (!may) {
    return (
      <p className="m-0 text-soft">
        Past sessions are what others asked: to look at them needs <code>console:audit</code>.
      </p>
    )
  }
  const { answer, of } = ask.data ?? {}
  return (
    <>
      <p className="m-0 flex flex-wrap gap-3 items-center">
        <Button
          disabled={draft.changes.length === 0 || ask.isPending}
          onClick={() => ask.mutate(changes)}
        >
          Decide the last {SESSIONS} sessions again
        </Button>
        <span className="text-soft">
          {draft.changes.length === 0
            ? 'Nothing is changed, so nothing would be.'
            : 'It runs nothing. Each recording that it reads is on record.'}
        </span>
        {ask.isPending && <span className="text-soft">deciding …</span>}
      </p>
      {ask.error && <Failure error={ask.error} />}
      {answer !== undefined && of !== changes && (
        <p className="m-0 mt-1 text-soft">Of what was typed before; it may be otherwise now.</p>
      )}
      {answer !== undefined && <Found answer={answer} />}
    </>
  )
}

function Found({ answer: { replay } }: { answer: PolicyReplayed }) {
  if (replay === undefined) return <p>These policies do not check: see the problems.</p>
  const { differs, sessions, statements, skipped, unread, cut } = replay
  const notes = [
    unread > 0 ? `${count(unread)} cannot be read` : '',
    skipped > 0
      ? `${many(skipped, 'session')} skipped: recorded before this version, erased, or of a resource that is gone`
      : '',
    cut ? 'there is more than was looked at' : '',
  ].filter(each => each !== '')
  return (
    <div aria-live="polite">
      <p className="my-1">
        {many(statements, 'statement')} of {many(sessions, 'session')}: {count(differs.length)}{' '}
        would come out otherwise. <span className="text-soft">{notes.join('; ')}</span>
      </p>
      {differs.length === 0 && (
        <Empty title="Nothing that was asked would have been decided otherwise." />
      )}
      <ul className="m-0 p-0 list-none">
        {differs.map(each => (
          <li
            key={`${each.session} ${each.principal} ${each.resource} ${each.text}`}
            className="border-t border-line py-1"
          >
            <Verdict of={each.before} /> <span aria-hidden="true">→</span>
            <span className="sr-only">would be</span> <Verdict of={each.after} />{' '}
            <span className="text-soft">
              {plain(each.principal)} on {plain(each.resource)}, {count(each.count)}×, last{' '}
              <Link to="/sessions/$id" params={{ id: each.session }}>
                <Time at={each.at} />
              </Link>
            </span>
            <div className="pl-5">
              <Verbatim text={each.text} />
            </div>
            {each.after.policies.length > 0 && (
              <div className="pl-5 text-soft">
                by{' '}
                {each.after.policies.map(id => (
                  <code key={id} className="mr-2">
                    {plain(id)}
                  </code>
                ))}
              </div>
            )}
          </li>
        ))}
      </ul>
    </div>
  )
}

function Verdict({ of: { effect, masked } }: { of: Differs['after'] }) {
  const shown =
    effect === 'deny' ? (
      <Mark tone="denied" glyph="✕">
        denied
      </Mark>
    ) : effect === 'held' ? (
      <Mark tone="held" glyph="◔">
        held
      </Mark>
    ) : (
      <Mark tone="plain" glyph="✓">
        permitted
      </Mark>
    )
  return (
    <>
      {shown}
      {masked.length > 0 && (
        <>
          {' '}
          <Mark tone="masked" glyph="▒">
            {masked.map(plain).join(', ')}
          </Mark>
        </>
      )}
    </>
  )
}
