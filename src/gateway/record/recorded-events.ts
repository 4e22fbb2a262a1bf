// How what happens in a session looks in its recording. (In the log: evidence.ts.)
import type { Decision, Statement } from '#model'
import type { RecordedEvent } from '#services/recording'
import type { Outcome, OutputStream, RecordedAnswer } from '../protocol/index.ts'
import { view } from './evidence.ts'

/** Of a bound value. */
const MOST_CHARACTERS = 1_000

interface PutOff<Kind extends string> {
  readonly kind: Kind
  readonly at: number
  readonly entry: number
}

interface LatePermit extends PutOff<'permit'> {
  readonly statement: Statement
  readonly policies: readonly string[]
}

interface LateAnswer extends PutOff<'answer'> {
  readonly answer: RecordedAnswer
}

interface LateOutput extends PutOff<'output'> {
  readonly stream: OutputStream
  readonly bytes: Uint8Array
}

interface LateOutcome extends PutOff<'outcome'> {
  readonly outcome: Outcome
  /** What values were masked of. */
  readonly statement: Statement | undefined
  readonly disagreed: ReadonlySet<string> | undefined
}

/** What goes into the recording when there is time for it. */
export type Later = LatePermit | LateAnswer | LateOutput | LateOutcome

type Recorded<Kind extends RecordedEvent['kind']> = Extract<RecordedEvent, { readonly kind: Kind }>

export function permitEvent({ at, entry, statement, policies }: LatePermit): Recorded<'statement'> {
  return {
    kind: 'statement',
    at,
    entry,
    text: statement.text,
    parameters: valuesOf(statement),
    effect: 'permit',
    code: 'permitted',
    policies,
  }
}

export interface Stopped extends Pick<Decision, 'policies'> {
  readonly effect: 'deny' | 'held'
  readonly code: string
  readonly message: string
}

/** What did not run, or does not yet. */
export function stoppedEvent(
  at: number,
  entry: number,
  statement: Pick<Statement, 'text' | 'parameters'>,
  { effect, code, policies, message }: Stopped,
): Recorded<'statement'> {
  const { text } = statement
  const parameters = valuesOf(statement)
  return { kind: 'statement', at, entry, text, parameters, effect, code, policies, message }
}

export function answerEvent({ at, entry, answer }: LateAnswer): Recorded<'answer'> {
  const { columns, rows, truncated } = answer
  return { kind: 'answer', at, entry, columns, rows, truncated }
}

export function outcomeEvent({ at, entry, outcome, statement }: LateOutcome): Recorded<'outcome'> {
  const { status, rows, bytes, errorCode, sent } = outcome
  const masked = statement === undefined ? undefined : Object.fromEntries(outcome.masked ?? [])
  return { kind: 'outcome', at, entry, status, rows, bytes, sent, errorCode, masked }
}

function valuesOf({ parameters }: Pick<Statement, 'parameters'>): (string | null)[] | undefined {
  if (parameters === undefined || parameters.length === 0) return undefined
  return parameters.map(({ value, format }) =>
    value === null
      ? null
      : view(value)
          .toString(format === 'text' ? 'utf8' : 'hex')
          .slice(0, MOST_CHARACTERS),
  )
}
