// One line over the entries: whether the newest head holds and continues what this browser saw. Loud when it does not.
import { Link } from '@tanstack/react-router'
import { useEffect } from 'react'
import { Time } from '../../ui/parts.tsx'
import { many } from '../../ui/text.ts'
import { Alarm, OutcomeMark, verdictOf } from './steps.tsx'
import { useVerifier } from './use-verifier.ts'

export function HeadLine() {
  const { run, start } = useVerifier()
  useEffect(() => start({}), [start])
  const verdict = run === undefined ? undefined : verdictOf(run)
  // Who may not read the log is told so by the list.
  if (run?.log === undefined || verdict === undefined) return null
  const failed = run.steps.find(({ outcome }) => outcome === 'fails')
  if (failed !== undefined) {
    return (
      <div className="px-4">
        <Alarm step={failed}>
          <Link to="/evidence/tree">See each step</Link>
        </Alarm>
      </div>
    )
  }
  return (
    <p className="m-0 px-4 pb-2 flex flex-wrap gap-x-3">
      <span>
        The signed head over {many(run.log.head.size, 'entry', 'entries')}, checked in this browser:
      </span>
      {verdict === 'holds' ? (
        <OutcomeMark outcome="holds" />
      ) : (
        <span className="text-soft">
          seen for the first time, <Link to="/evidence/tree">not everything could be compared</Link>
        </span>
      )}
      {run.seen !== undefined && (
        <span className="text-soft">
          it continues what was seen <Time at={run.seen.at} />
        </span>
      )}
    </p>
  )
}
