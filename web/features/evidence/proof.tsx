// The proof that one entry is in the log: made and checked in this browser, and handed out as a file that
// `sallyport audit prove --check` accepts.
import { useEffect, useState } from 'react'
import type { AuditRecordView } from '#contract'
import { Button, Mark, Verbatim } from '../../ui/parts.tsx'
import { count } from '../../ui/text.ts'
import { Save } from './save.tsx'
import { OutcomeMark, Steps, verdictOf } from './steps.tsx'
import { useVerifier } from './use-verifier.ts'

/** `now`: as soon as it is open. */
export function Proof({
  index,
  entry,
  now,
}: {
  index: number
  entry: AuditRecordView
  now: boolean
}) {
  const { run, start } = useVerifier()
  const [asked, setAsked] = useState(now)
  useEffect(() => {
    if (asked) start({ entry: index })
  }, [asked, index, start])
  const verdict = run === undefined ? undefined : verdictOf(run)
  const proof = run?.proof
  return (
    <section aria-labelledby="proof" className="mt-4">
      <div className="flex flex-wrap gap-3 items-center mb-2">
        <h2 id="proof" className="text-base font-semibold m-0">
          Its proof
        </h2>
        <span aria-live="polite">
          {verdict !== undefined && run?.early !== true && <OutcomeMark outcome={verdict} />}
        </span>
        <Button
          disabled={run?.running}
          onClick={() => (asked ? start({ entry: index }) : setAsked(true))}
        >
          Prove that it is in the log
        </Button>
        {proof !== undefined && (
          <Save
            name={`entry-${index}.json`}
            text={`${JSON.stringify(proof, null, 2)}\n`}
            label="Save the proof"
          />
        )}
      </div>
      {run?.early === true && (
        <p>
          No head is signed over entry {count(index)} yet: one is signed each second. Try again.
        </p>
      )}
      {proof !== undefined && (
        <>
          <Same record={proof.record} entry={entry} />
          <p className="m-0 mb-2 text-soft">
            Whoever has the file and the public key checks it without the log:{' '}
            <Verbatim text={`sallyport audit prove --check entry-${index}.json --vkey KEY`} />
          </p>
        </>
      )}
      {run !== undefined && <Steps run={run} />}
    </section>
  )
}

/** What the page shows came as JSON; what is proved are bytes. */
function Same({ record, entry }: { record: string; entry: AuditRecordView }) {
  return JSON.stringify(sorted(JSON.parse(record))) === JSON.stringify(sorted(entry)) ? (
    <p className="m-0 mb-1">The entry shown here is the one that is proved.</p>
  ) : (
    <div role="alert" className="border-2 border-denied px-4 py-3 my-3">
      <Mark tone="denied" glyph="✕">
        What is shown here is not the entry that is in the log. In the log stands:
      </Mark>
      <Verbatim block text={record} />
    </div>
  )
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  )
}
