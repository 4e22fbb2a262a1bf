// A decision that unfolds: operations, the policies that determined each, and what was in the way of the others.
import type { WhyView } from '#contract'
import { Empty, Mark, Verbatim } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'
import { lengthOf } from '../requests/words.ts'

type Operation = WhyView['operations'][number]

/** `old`: it could not be asked anew. */
export function Answer({ answer, old }: { answer: WhyView; old: boolean }) {
  const held = answer.effect === 'permit' && answer.obligations.some(waits)
  return (
    <section
      aria-label="the decision"
      aria-live="polite"
      className="mt-4 border-t border-line pt-3"
    >
      <h2 className="text-base font-semibold m-0">
        <Effect effect={answer.effect} held={held} />
      </h2>
      {old && <p className="m-0 text-soft">As it was before; it may be another one now.</p>}
      <p className="my-1">
        <Verbatim text={answer.message} /> <span className="text-soft">[{plain(answer.code)}]</span>
      </p>
      {answer.obligations.length > 0 && (
        <>
          <h3 className="font-semibold mt-3 mb-1">On condition</h3>
          <ul className="m-0 pl-5">
            {answer.obligations.map(each => (
              <li key={JSON.stringify(each)}>
                {plain(each.kind)} <Details of={each} />
              </li>
            ))}
          </ul>
        </>
      )}
      <h3 className="font-semibold mt-3 mb-1">What it does</h3>
      {answer.operations.length === 0 && (
        <Empty title="It does nothing that a policy is asked about." />
      )}
      {answer.operations.map((each, index) => (
        <One
          // biome-ignore lint/suspicious/noArrayIndexKey: an operation's place is its name
          key={index}
          operation={each}
          open={each.effect === 'deny' || answer.operations.length === 1}
        />
      ))}
    </section>
  )
}

const waits = ({ kind }: { kind: string }): boolean => kind === 'approve'

function Effect({ effect, held = false }: { effect: 'permit' | 'deny'; held?: boolean }) {
  if (held) {
    return (
      <Mark tone="held" glyph="◔">
        held until a person says yes
      </Mark>
    )
  }
  return effect === 'deny' ? (
    <Mark tone="denied" glyph="✕">
      denied
    </Mark>
  ) : (
    <Mark tone="plain" glyph="✓">
      permitted
    </Mark>
  )
}

function Details({ of }: { of: WhyView['obligations'][number] }) {
  const { kind: _, ...rest } = of
  return (
    <span className="text-soft">
      {Object.entries(rest)
        .map(([name, value]) => said(name, value))
        .join('; ')}
    </span>
  )
}

/** What an obligation says of itself, whatever kind it is: lists and times as people write them. */
function said(name: string, value: unknown): string {
  if (typeof value === 'number' && name.endsWith('Ms'))
    return `${plain(name.slice(0, -2))} ${lengthOf(value / 1_000)}`
  if (Array.isArray(value) && value.every(each => typeof each === 'string'))
    return `${plain(name)}: ${value.length === 0 ? 'none' : value.map(plain).join(', ')}`
  return `${plain(name)}: ${plain(typeof value === 'string' ? value : JSON.stringify(value))}`
}

function One({ operation, open }: { operation: Operation; open: boolean }) {
  return (
    <details open={open} className="border-t border-line py-1.5">
      <summary>
        <Effect effect={operation.effect} /> {plain(operation.action)}{' '}
        <code>{plain(operation.verb)}</code> <Verbatim text={operation.object} />
      </summary>
      <div className="pl-5">
        <p className="m-0">
          {operation.policies.length === 0 ? (
            'No policy permits it.'
          ) : (
            <>
              <span className="text-soft">determined by</span>{' '}
              {operation.policies.map(each => (
                <code key={each} className="mr-2">
                  {plain(each)}
                </code>
              ))}
            </>
          )}
        </p>
        {operation.near.length > 0 && (
          <>
            <p className="m-0 mt-1 text-soft">came near, and what was in the way:</p>
            <ul className="m-0 pl-5">
              {operation.near.map(({ policy, condition }) => (
                <li key={`${policy} ${condition}`}>
                  <code>{plain(policy)}</code>: <Verbatim text={condition} />
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </details>
  )
}
