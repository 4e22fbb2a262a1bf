// A recording as the page reads it: its events grouped into statements, each with its decision, answer and outcome.
import type { RecordedEventView } from '#contract'
import type { Piece } from '../terminal/tape.ts'

export interface Answer {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | null)[])[]
  readonly truncated: boolean
}

export interface Step {
  /** The entry of the audit log; a note has none. */
  readonly entry: number | undefined
  readonly at: number
  readonly text: string
  readonly note: boolean
  readonly effect: 'permit' | 'held' | 'deny'
  readonly code: string
  readonly message: string
  readonly policies: readonly string[]
  readonly parameters: readonly (string | null)[]
  /** What it touches; as the first statement of the same text says. */
  readonly objects: readonly string[]
  /** When its outcome was there, or a held one was decided; until then it runs or waits. */
  until: number
  /** Classes of which values were masked, and how many. */
  masked: readonly (readonly [string, number])[]
  answer?: Answer
  /** What came as a stream (a command's output), the streams as they came. */
  output?: string
  /** What it showed on a terminal, in order; there is no `output` then. */
  terminal?: Piece[]
  outcome?: { at: number; status: string; rows: number; bytes: number; error: string | undefined }
}

/** Steps in order. Events of an entry that is not there (the recording begins later) are left out. */
export function stepsOf(events: readonly RecordedEventView[]): readonly Step[] {
  const steps: Step[] = []
  const byEntry = new Map<number, Step>()
  const objectsOf = new Map<string, readonly string[]>()
  /** What waits for a person, by its text. */
  const waiting = new Map<string, Step>()
  /** Characters may be cut where events are. */
  const decoders = new Map<string, TextDecoder>()
  for (const event of events) {
    const entry = number(event['entry'])
    if (event.kind === 'statement') {
      const effect = text(event['effect'])
      const step: Step = {
        entry,
        at: event.at,
        text: text(event['text']),
        note: false,
        effect: effect === 'permit' || effect === 'held' ? effect : 'deny',
        code: text(event['code']),
        message: text(event['message']),
        policies: texts(event['policies']),
        parameters: cells(event['parameters']),
        objects: objects(event, objectsOf),
        until: event.at,
        masked: [],
      }
      steps.push(step)
      const held = waiting.get(step.text)
      if (held !== undefined) held.until = event.at
      if (effect === 'held') waiting.set(step.text, step)
      else waiting.delete(step.text)
      if (entry !== undefined) byEntry.set(entry, step)
    } else if (event.kind === 'note') steps.push(noteOf(event))
    else if (event.kind === 'answer' && entry !== undefined) {
      const step = byEntry.get(entry)
      const rows = Array.isArray(event['rows']) ? event['rows'].map(cells) : []
      if (step !== undefined) {
        step.answer = {
          columns: texts(event['columns']),
          rows,
          truncated: event['truncated'] === true,
        }
      }
    } else if (event.kind === 'output' && entry !== undefined) {
      const step = byEntry.get(entry)
      if (step?.terminal !== undefined)
        step.terminal.push({ at: event.at, text: shownBy(event, entry, decoders) })
      else if (step !== undefined) step.output = (step.output ?? '') + outputOf(event)
    } else if (event.kind === 'size' && entry !== undefined) {
      const step = byEntry.get(entry)
      const [columns, rows] = [number(event['columns']) ?? 0, number(event['rows']) ?? 0]
      if (step !== undefined) {
        step.terminal ??= []
        step.terminal.push({ at: event.at, columns, rows })
      }
    } else if (event.kind === 'outcome' && entry !== undefined) {
      const step = byEntry.get(entry)
      if (step !== undefined) {
        step.until = event.at
        step.masked = counts(event['masked'])
        step.outcome = {
          at: event.at,
          status: text(event['status']),
          rows: number(event['rows']) ?? 0,
          bytes: number(event['bytes']) ?? 0,
          error: event['errorCode'] === undefined ? undefined : text(event['errorCode']),
        }
      }
    }
  }
  return steps
}

/** Bytes that are no text are counted, not shown. */
function outputOf(event: RecordedEventView): string {
  const base64 = event['base64']
  if (typeof base64 !== 'string') return text(event['text'])
  return `(${Math.floor((base64.length * 3) / 4)} bytes that are not text)\n`
}

function shownBy(
  event: RecordedEventView,
  entry: number,
  decoders: Map<string, TextDecoder>,
): string {
  const stream = `${entry} ${text(event['stream'])}`
  let decoder = decoders.get(stream)
  const base64 = event['base64']
  if (decoder === undefined) {
    if (typeof base64 !== 'string') return text(event['text'])
    decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    decoders.set(stream, decoder)
  }
  const bytes =
    typeof base64 === 'string'
      ? Uint8Array.from(atob(base64), char => char.charCodeAt(0))
      : new TextEncoder().encode(text(event['text']))
  return decoder.decode(bytes, { stream: true })
}

function noteOf(event: RecordedEventView): Step {
  return {
    entry: undefined,
    at: event.at,
    text: text(event['text']),
    note: true,
    effect: 'permit',
    code: '',
    message: '',
    policies: [],
    parameters: [],
    objects: [],
    until: event.at,
    masked: [],
  }
}

/** A recording has them once for each text. */
function objects(
  event: RecordedEventView,
  known: Map<string, readonly string[]>,
): readonly string[] {
  const asked = text(event['text'])
  if (event['objects'] !== undefined) known.set(asked, texts(event['objects']))
  return known.get(asked) ?? []
}

function counts(value: unknown): (readonly [string, number])[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).map(([name, found]) => [name, number(found) ?? 0])
}

function text(value: unknown): string {
  return value === undefined || value === null ? '' : String(value)
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(text) : []
}

function cells(value: unknown): (string | null)[] {
  return Array.isArray(value) ? value.map(each => (each === null ? null : String(each))) : []
}
