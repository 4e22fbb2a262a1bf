// The log as a whole: its tree, its newest signed head, and its verification, which runs here, in this browser.
import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { type LogView, paths } from '#contract'
import { call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'
import { Button, Copy, Facts, Failure, Time, Verbatim } from '../../ui/parts.tsx'
import { count, many } from '../../ui/text.ts'
import { Heads } from './heads.tsx'
import { forgetHead, seenHead } from './memory.ts'
import { Save } from './save.tsx'
import { OutcomeMark, Steps, verdictOf } from './steps.tsx'
import { Tree } from './tree.tsx'
import { type Run, useVerifier, type Verifier } from './use-verifier.ts'
import { partsOf } from './verifier/index.ts'

const ANY = (): boolean => true
const SIGNED_WITHIN_MS = 1_200
const MOST_TIMES = 5

export function TreePage() {
  useFresh('audit-log', ANY)
  const log = useQuery({
    queryKey: ['audit-log'],
    queryFn: ({ signal }) => call<LogView>(paths.auditLog, { signal }),
  })
  useSigned(log)
  const verifier = useVerifier()
  const { start } = verifier
  useEffect(() => start({}), [start])
  return (
    <article className="overflow-auto p-4 w-full">
      <div className="flex flex-wrap gap-x-4 gap-y-1 items-baseline mb-2">
        <h1 className="text-lg font-semibold m-0">Evidence</h1>
        <Link to="/evidence" className="text-soft">
          entries
        </Link>
        <span aria-current="true">tree and heads</span>
      </div>
      {log.error && <Failure error={log.error} again={() => void log.refetch()} />}
      {log.data !== undefined && (
        <>
          <Tree size={log.data.head.size} total={log.data.size} />
          <State log={log.data} />
          <Verification verifier={verifier} />
          <Heads newest={log.data.head.size} />
        </>
      )}
    </article>
  )
}

/** Entries that no head covers yet have one within a second: it is asked for then, ever later, and then no more. */
function useSigned({ data, dataUpdatedAt, refetch }: UseQueryResult<LogView>): void {
  const asked = useRef({ size: 0, times: 0 })
  // biome-ignore lint/correctness/useExhaustiveDependencies: each answer counts, also one that is like the last
  useEffect(() => {
    if (data === undefined || data.head.size >= data.size) return
    const times = asked.current.size === data.size ? asked.current.times + 1 : 0
    asked.current = { size: data.size, times }
    if (times >= MOST_TIMES) return
    const timer = setTimeout(() => void refetch(), SIGNED_WITHIN_MS * 2 ** times)
    return () => clearTimeout(timer)
  }, [dataUpdatedAt, refetch])
}

function State({ log }: { log: LogView }) {
  const { root, keyId } = partsOf(log.head.note)
  return (
    <Facts
      rows={[
        ['log', <Verbatim key="o" text={log.origin} />],
        [
          'size',
          log.size === log.head.size
            ? `${many(log.size, 'entry', 'entries')}, all under the newest head`
            : `${many(log.size, 'entry', 'entries')}, ${count(log.size - log.head.size)} of them not signed yet`,
        ],
        [
          'newest head',
          <span key="h" className="flex flex-wrap gap-x-3 items-baseline">
            <Verbatim text={root} />
            {log.head.at !== undefined && <Time at={log.head.at} />}
          </span>,
        ],
        [
          'signed by',
          <span key="k">
            key <Verbatim text={keyId} /> <Copy text={log.vkey} label="copy the public key" />
          </span>,
        ],
        [
          'export',
          log.sinks.length === 0
            ? 'none: this gateway sends its log nowhere by itself. Copy the data folder, and keep heads elsewhere.'
            : log.sinks
                .map(({ name, behind }) => `${name}: ${many(behind, 'entry', 'entries')} behind`)
                .join(', '),
        ],
      ]}
    />
  )
}

function Verification({ verifier }: { verifier: Verifier }) {
  const { run, start, stop } = verifier
  const [trusted, setTrusted] = useState('')
  const verdict = run === undefined ? undefined : verdictOf(run)
  const wish = trusted.trim() === '' ? {} : { trusted: trusted.trim() }
  return (
    <section aria-labelledby="verification" className="mt-6">
      <div className="flex flex-wrap gap-3 items-center">
        <h2 id="verification" className="text-base font-semibold m-0">
          Verification in this page
        </h2>
        <span aria-live="polite">{verdict !== undefined && <OutcomeMark outcome={verdict} />}</span>
        <Button
          look="yes"
          disabled={run?.running}
          onClick={() => start({ ...wish, entry: 'newest' })}
        >
          Verify
        </Button>
        {run?.running === true ? (
          <Button onClick={stop}>Stop</Button>
        ) : (
          <Button onClick={() => start({ ...wish, every: true })}>Verify every entry</Button>
        )}
      </div>
      <label className="block mt-2 max-w-4xl">
        <span className="text-soft">the public key that you wrote down, if you have it</span>
        <input
          value={trusted}
          onChange={event => setTrusted(event.target.value)}
          spellCheck={false}
          className="block w-full border border-line bg-paper text-ink px-2 py-1 font-mono"
        />
      </label>
      <p className="text-soft max-w-4xl my-2">
        This browser hashes, computes and checks the signature by itself, and remembers the head.
        But this page came from the same gateway: whoever doubts that, verifies{' '}
        <Link to="/evidence" hash="offline">
          without it
        </Link>
        . Entries that are read for it are on record.
      </p>
      {run !== undefined && (
        <Steps run={run}>
          <Kept run={run} again={() => start(wish)} />
        </Steps>
      )}
    </section>
  )
}

/** When something fails: the head that was seen is evidence, and goes only when a person lets it. */
function Kept({ run, again }: { run: Run; again: () => void }) {
  const seen = seenHead()
  if (seen === undefined) return null
  return (
    <div className="flex flex-wrap gap-3 items-center mt-2">
      <Save name="checkpoint-seen" text={seen.note} label="Save the head that was seen" />
      {run.log !== undefined && (
        <Save name="checkpoint-now" text={run.log.head.note} label="Save the newest head" />
      )}
      <Button
        onClick={() => {
          forgetHead()
          again()
        }}
      >
        Forget the head that was seen
      </Button>
    </div>
  )
}
