// What the checker and the cases say of what is typed.
import type { PoliciesView, PolicyProblem, PolicyTried } from '#contract'
import { Empty, Mark, Verbatim } from '../../ui/parts.tsx'
import { many, plain } from '../../ui/text.ts'
import type { Trial } from './data.ts'

export function Problems({
  trial,
  onGo,
}: {
  trial: Trial
  onGo: (place: Pick<PolicyProblem, 'file' | 'line' | 'column'>) => void
}) {
  const found = trial.last
  if (found === undefined) return <p className="text-soft m-0">checking …</p>
  if (found.problems.length === 0) return <Empty title="Nothing is wrong, and nothing looks odd." />
  return (
    <ul className={`m-0 p-0 list-none ${trial.tried === undefined ? 'opacity-60' : ''}`}>
      {found.problems.map(each => (
        <li key={JSON.stringify(each)}>
          <button
            type="button"
            className="w-full text-left py-1 hover:bg-raised"
            onClick={() => onGo(each)}
          >
            <Mark
              tone={each.severity === 'error' ? 'denied' : 'plain'}
              glyph={each.severity === 'error' ? '✕' : '!'}
            >
              {each.severity === 'error' ? 'wrong' : 'odd'}
            </Mark>{' '}
            <code className="font-mono wrap-anywhere text-soft">
              {plain(each.file)}:{each.line}:{each.column}
            </code>{' '}
            {each.policy !== undefined && <code className="font-mono">{plain(each.policy)} </code>}
            <Verbatim text={each.message} />
          </button>
        </li>
      ))}
    </ul>
  )
}

export function Cases({ view, trial }: { view: PoliciesView; trial: Trial }) {
  if (view.tests.length === 0) {
    return (
      <Empty title="There are no cases.">
        Write what you expect into a file <code>NAME.test.yaml</code> beside the policies: a
        principal, a resource, a statement, and the effect.
      </Empty>
    )
  }
  const found = trial.last
  if (found === undefined) return <p className="text-soft m-0">running …</p>
  if (found.cases === undefined)
    return <p className="text-soft m-0">The cases run once the policies check.</p>
  return <CaseList cases={found.cases} old={trial.tried === undefined} />
}

function CaseList({ cases, old }: { cases: NonNullable<PolicyTried['cases']>; old: boolean }) {
  const failed = cases.filter(({ passed }) => !passed)
  return (
    <div className={old ? 'opacity-60' : ''}>
      <p className="m-0 mb-1" aria-live="polite">
        {many(cases.length - failed.length, 'case')} passed, {failed.length} failed
      </p>
      <ul className="m-0 p-0 list-none">
        {[...failed, ...cases.filter(({ passed }) => passed)].map((each, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two cases may have one name
          <li key={at} className="py-0.5 border-t border-line">
            <Mark tone={each.passed ? 'plain' : 'denied'} glyph={each.passed ? '✓' : '✕'}>
              {each.passed ? 'passed' : 'failed'}
            </Mark>{' '}
            <span className="wrap-anywhere">{plain(each.name)}</span>{' '}
            <code className="text-soft wrap-anywhere">{plain(each.file)}</code>
            {each.differences.map(difference => (
              <div key={difference} className="pl-5">
                <Verbatim text={difference} />
              </div>
            ))}
          </li>
        ))}
      </ul>
    </div>
  )
}
