// How requests like this one were decided before: what helps to decide, and no more than that.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type PrecedentView, paths } from '#contract'
import { at, call } from '../../data/gateway.ts'
import { Time, Verbatim } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'
import { RequestState } from './state.tsx'

const WORDS: Readonly<Record<PrecedentView['likeness'], string>> = {
  same: 'exactly this, by the same',
  text: 'the same words',
  alike: 'the same done to the same',
}

export function Precedents({ id }: { id: string }) {
  const found = useQuery({
    queryKey: ['precedents', id],
    queryFn: ({ signal }) => call<PrecedentView[]>(at(paths.precedents, { id }), { signal }),
    // Past decisions do not change while one decides.
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (found.error) {
    return (
      <p className="my-3 text-soft">
        What was decided before cannot be shown: {plain(found.error.message)}
      </p>
    )
  }
  if (found.data === undefined) return null
  if (found.data.length === 0)
    return <p className="my-3 text-soft">Nothing like this was decided here before.</p>
  return (
    <section className="my-4" aria-label="decided before">
      <h2 className="text-base font-semibold m-0">decided before</h2>
      <ul className="m-0 p-0 list-none">
        {found.data.map(each => (
          <li key={each.id} className="my-1">
            <RequestState state={each.state} />{' '}
            <Link to="/requests/$id" params={{ id: each.id }}>
              {WORDS[each.likeness]}
            </Link>
            <span className="text-soft">
              , {plain(each.principal)}, <Time at={each.createdAt} />
              {each.votes.length > 0 &&
                `, by ${each.votes.map(({ approver }) => plain(approver)).join(', ')}`}
            </span>
            {each.likeness === 'alike' && (
              <div className="text-soft">
                <Verbatim text={each.statement} />
              </div>
            )}
            {each.votes.map(
              ({ approver, reason }) =>
                reason !== undefined && (
                  <div key={approver} className="text-soft">
                    {plain(approver)}: <Verbatim text={reason} />
                  </div>
                ),
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}
