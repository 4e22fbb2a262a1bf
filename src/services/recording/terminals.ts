// Recordings of terminals, as others read them. A session may hold many; the first is the one that is meant when nobody
// says which. Read from the recording one event at a time: it may be larger than memory.
import {
  bytesOf,
  CastWriter,
  type Keyframe,
  type Shown,
  type TerminalSize,
} from '#engines/terminal'
import { InvalidRequest } from '#model'
import type { RecordedEvent } from './events.ts'

/** A statement whose output was recorded. */
export interface Terminal {
  readonly entry: number
  readonly at: number
  readonly text: string
  /** Undefined: output without a terminal. */
  readonly size: TerminalSize | undefined
}

/** Where to begin in a recording: with the screen that was there, before what comes next. */
export interface Beginning {
  readonly terminal: Terminal
  /** Unix ms; what comes before is told as if it came then. */
  readonly at: number
  readonly frame: Keyframe | undefined
}

/** The lines of an asciicast v3. `shown` and `typed` are what comes behind the beginning. */
export async function* castOf(
  { terminal, at, frame }: Beginning,
  shown: AsyncIterable<Shown>,
  typed?: AsyncIterable<RecordedEvent>,
): AsyncGenerator<string> {
  const size = frame === undefined ? terminal.size : { ...terminal.size, ...sizeOf(frame) }
  const cast = new CastWriter(at, size)
  yield cast.header(terminal.text)
  if (frame !== undefined) yield cast.write(screenOf(frame))
  let last = at
  const input = typed === undefined ? undefined : typedOn(typed, terminal, at)
  for await (const each of input === undefined ? shown : inOrder(shown, input)) {
    last = each.at
    const line = cast.write(each)
    if (line !== '') yield line
  }
  const rest = cast.end(last)
  if (rest !== '') yield rest
}

/** A screen as something that is shown. */
export function screenOf({ at, text, number }: Keyframe): Shown & { kind: 'output' } {
  return { kind: 'output', at, stream: 'output', bytes: Buffer.from(text, 'utf8'), number }
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
  events: AsyncIterable<{ readonly number: number; readonly event: RecordedEvent }>,
  { entry, at }: Terminal,
): AsyncGenerator<Shown> {
  for await (const { number, event } of events) {
    if (event.kind === 'note') {
      if (event.at >= at) yield event
    } else if (!('entry' in event) || event.entry !== entry) {
    } else if (event.kind === 'output') {
      const { stream } = event
      yield { kind: 'output', at: event.at, stream, bytes: bytesOf(event), number }
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
  from: number,
): AsyncGenerator<Shown> {
  for await (const event of events)
    if (event.kind === 'input' && event.entry === entry && event.at >= from)
      yield { kind: 'input', at: event.at, text: event.text }
}

/** What was typed comes before what was shown at the same time; behind the end comes nothing. */
async function* inOrder(
  shown: AsyncIterable<Shown>,
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

function sizeOf({ columns, rows, type }: TerminalSize): TerminalSize {
  return { columns, rows, ...(type === undefined ? {} : { type }) }
}

function statusOf({ status, errorCode }: RecordedEvent & { kind: 'outcome' }): number | undefined {
  if (status === 'completed') return 0
  return errorCode !== undefined && /^\d{1,3}$/.test(errorCode) ? Number(errorCode) : undefined
}
