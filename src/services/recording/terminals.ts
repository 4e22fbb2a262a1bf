// Recordings of terminals, as others read them. A session may hold many; the first is the one that is meant when nobody
// says which. Read from the recording one event at a time: it may be larger than memory.
import { bytesOf, CastWriter, type Shown, type TerminalSize } from '#engines/terminal'
import { InvalidRequest } from '#model'
import type { RecordedEvent } from './events.ts'

/** A statement whose output was recorded. */
interface Terminal {
  readonly entry: number
  readonly at: number
  readonly text: string
  /** Undefined: output without a terminal. */
  readonly size: TerminalSize | undefined
}

type Events = () => AsyncIterable<RecordedEvent>

/**
 * The lines of an asciicast v3, with what was typed where that is given. Throws InvalidRequest before the first line when
 * there is no such terminal.
 */
export async function* castOf(
  events: Events,
  entry?: number,
  input?: Events,
): AsyncGenerator<string> {
  const terminal = await terminalOf(events(), entry)
  const cast = new CastWriter(terminal.at, terminal.size)
  yield cast.header(terminal.text)
  let last = terminal.at
  const all = shownOn(events(), terminal)
  for await (const shown of input === undefined ? all : inOrder(all, typedOn(input(), terminal))) {
    last = shown.at
    const line = cast.write(shown)
    if (line !== '') yield line
  }
  const rest = cast.end(last)
  if (rest !== '') yield rest
}

/** The one with that entry, or the first that had a terminal, or the first with output. */
export async function terminalOf(
  events: AsyncIterable<RecordedEvent>,
  entry?: number,
): Promise<Terminal> {
  /** Statements that have shown nothing yet. */
  const asked = new Map<number, { readonly at: number; readonly text: string }>()
  let first: Terminal | undefined
  for await (const event of events) {
    if (event.kind === 'statement') asked.set(event.entry, event)
    if (event.kind === 'outcome') asked.delete(event.entry)
    if (event.kind !== 'size' && event.kind !== 'output') continue
    const statement = asked.get(event.entry)
    if (statement === undefined || (entry !== undefined && event.entry !== entry)) continue
    asked.delete(event.entry)
    const { at, text } = statement
    const size = event.kind === 'size' ? sizeOf(event) : undefined
    first ??= { entry: event.entry, at, text, size }
    if (size !== undefined || entry !== undefined) return { entry: event.entry, at, text, size }
  }
  if (first === undefined)
    throw new InvalidRequest(
      'request_conflict',
      entry === undefined
        ? 'Nothing of this session was shown on a terminal.'
        : `Entry ${entry} of this session has nothing that was shown on a terminal.`,
    )
  return first
}

/** What it showed, until it ended or the recording does. */
export async function* shownOn(
  events: AsyncIterable<RecordedEvent>,
  { entry, at }: Terminal,
): AsyncGenerator<Shown> {
  for await (const event of events) {
    if (event.kind === 'note') {
      if (event.at >= at) yield event
    } else if (!('entry' in event) || event.entry !== entry) {
    } else if (event.kind === 'output') {
      yield { kind: 'output', at: event.at, stream: event.stream, bytes: bytesOf(event) }
    } else if (event.kind === 'size') {
      yield { kind: 'size', at: event.at, size: sizeOf(event) }
    } else if (event.kind === 'outcome') {
      yield { kind: 'end', at: event.at, status: statusOf(event) }
      return
    }
  }
}

async function* typedOn(
  events: AsyncIterable<RecordedEvent>,
  { entry }: Terminal,
): AsyncGenerator<Shown> {
  for await (const event of events)
    if (event.kind === 'input' && event.entry === entry)
      yield { kind: 'input', at: event.at, text: event.text }
}

/** What was typed comes before what was shown at the same time; behind the end comes nothing. */
async function* inOrder(
  shown: AsyncGenerator<Shown>,
  typed: AsyncGenerator<Shown>,
): AsyncGenerator<Shown> {
  let next = await typed.next()
  for await (const each of shown) {
    while (next.done !== true && (next.value.at <= each.at || each.kind === 'end')) {
      yield next.value
      next = await typed.next()
    }
    yield each
  }
  for (; next.done !== true; next = await typed.next()) yield next.value
}

function sizeOf({ columns, rows, type }: RecordedEvent & { kind: 'size' }): TerminalSize {
  return { columns, rows, ...(type === undefined ? {} : { type }) }
}

function statusOf({ status, errorCode }: RecordedEvent & { kind: 'outcome' }): number | undefined {
  if (status === 'completed') return 0
  return errorCode !== undefined && /^\d{1,3}$/.test(errorCode) ? Number(errorCode) : undefined
}
