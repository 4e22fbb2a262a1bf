// What was verified, step by step: what was done, with the hashes that it was done with; and when a step fails, what
// that means and what to do.
import type { ReactNode } from 'react'
import { Failure, Mark } from '../../ui/parts.tsx'
import { count, plain } from '../../ui/text.ts'
import type { Run } from './use-verifier.ts'
import { hex, type Outcome, type PathStep, type Step, type StepName } from './verifier/index.ts'

const TITLES: Readonly<Record<StepName, string>> = {
  key: 'The public key',
  head: 'The newest head',
  signature: 'Its signature',
  tree: 'The tree under it',
  continuity: 'What was seen before',
  entries: 'Entries',
  path: 'The path',
}

const TODO: Readonly<Record<StepName, string>> = {
  key: 'Either the log was put aside by an operator and begun anew (its first entry says so), or somebody answers in its place. Ask who runs the gateway, and compare with the key that was written down.',
  head: 'The gateway, or something between it and this page, changed the head. Verify on the machine itself with the line below.',
  signature:
    'Somebody without the key made or changed this head. Do not restart the gateway; copy its data folder and verify the copy with the line below.',
  tree: 'The hashes that the gateway sends do not belong to the head that it signed. Copy its data folder and verify the copy with the line below.',
  continuity:
    'Entries that were signed are gone or were replaced: a backup that was put back, or somebody who has the key. The head that this browser saw is kept; save it and verify the data folder against it (--since).',
  entries:
    'What is stored is not what was signed. Copy the data folder and verify the copy with the line below: it says which file.',
  path: 'The proof does not lead to the signed head. Verify on the machine itself with the line below.',
}

/** Undefined while it runs and nothing failed. */
export function verdictOf({ steps, running, error }: Run): Outcome | undefined {
  if (steps.some(({ outcome }) => outcome === 'fails')) return 'fails'
  if (running || error !== undefined || steps.length === 0) return undefined
  return steps.some(({ outcome }) => outcome === 'unchecked') ? 'unchecked' : 'holds'
}

export function OutcomeMark({ outcome }: { outcome: Outcome }) {
  if (outcome === 'fails') {
    return (
      <Mark tone="denied" glyph="✕">
        does not hold
      </Mark>
    )
  }
  return outcome === 'holds' ? (
    <Mark tone="plain" glyph="✓">
      holds
    </Mark>
  ) : (
    <span className="text-soft">
      <Mark tone="plain" glyph="○">
        not checked
      </Mark>
    </span>
  )
}

/** Said aloud as it comes, and loud when a step fails. */
export function Steps({ run, children }: { run: Run; children?: ReactNode }) {
  const failed = run.steps.find(({ outcome }) => outcome === 'fails')
  return (
    <>
      {failed !== undefined && <Alarm step={failed}>{children}</Alarm>}
      {run.error !== undefined && <Failure error={run.error} />}
      <ol className="list-none m-0 p-0" aria-label="what was verified">
        {run.steps.map((step, at) => (
          <li
            key={step.name}
            className="border-t border-line py-2 grid grid-cols-[12rem_1fr] max-sm:grid-cols-1 gap-x-4"
          >
            <span>
              <span className="text-soft tabular-nums">{at + 1}. </span>
              <span className="font-semibold">{TITLES[step.name]}</span>
              <br />
              <OutcomeMark outcome={step.outcome} />
            </span>
            <div className="min-w-0">
              <p className="m-0 max-w-3xl">{step.said}</p>
              <Seen step={step} />
            </div>
          </li>
        ))}
      </ol>
      {run.running && (
        <p className="m-0 text-soft">
          verifying …{run.read !== undefined && ` ${count(run.read)} entries read`}
        </p>
      )}
    </>
  )
}

/** What failed, what it means, what to do. */
export function Alarm({ step, children }: { step: Step; children?: ReactNode }) {
  return (
    <div role="alert" className="border-2 border-denied px-4 py-3 my-3 max-w-4xl">
      <p className="m-0 font-semibold text-denied">
        <span aria-hidden="true">✕ </span>
        {TITLES[step.name]}: {step.said}
      </p>
      <p className="m-0 mt-1">{TODO[step.name]}</p>
      {children}
    </div>
  )
}

function Seen({ step: { facts, path } }: { step: Step }) {
  return (
    <>
      {facts.length > 0 && (
        <dl className="m-0 mt-1 grid grid-cols-[max-content_1fr] gap-x-3 font-mono text-[0.75rem]">
          {facts.map(([name, value], at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: facts have no other name, and never move
            <div key={at} className="contents">
              <dt className="text-soft">{name}</dt>
              <dd className="m-0 wrap-anywhere">{plain(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      {path !== undefined && path.length > 0 && <Path steps={path} />}
    </>
  )
}

/** From the leaf up: what stands beside it, and what both make. */
function Path({ steps }: { steps: readonly PathStep[] }) {
  return (
    <ol
      aria-label="from the leaf to the root"
      className="list-none m-0 mt-1 p-0 font-mono text-[0.75rem]"
    >
      {steps.map(({ from, to, side, sibling, result }) => (
        <li key={`${from} ${to}`} className="py-0.5">
          <span className="text-soft">
            {side === 'left' ? 'on its left ' : 'on its right'}{' '}
            {to - from === 1 ? `entry ${from}` : `entries ${from} to ${to - 1}`}
          </span>
          <br />
          <span className="wrap-anywhere">{hex(sibling)}</span>
          <br />
          <span className="text-soft">make </span>
          <span className="wrap-anywhere">{hex(result)}</span>
        </li>
      ))}
    </ol>
  )
}
