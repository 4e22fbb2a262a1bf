// The events of a block, read again: what `event-lines` wrote. An event is made only of what somebody wants to see.
import { isUtf8 } from 'node:buffer'
import { damaged } from './blocks.ts'
import type { RecordedEvent } from './events.ts'

/** How a line begins that is followed by bytes: no other kind of line begins so. */
export const OUTPUT_LINE = '{"kind":"bytes",'
/** How the first line of a block begins that is not the first one: which event comes next. */
export const FROM_LINE = '{"kind":"from","number":'
const FROM = Buffer.from(FROM_LINE)
const OUTPUT = Buffer.from(OUTPUT_LINE)
const LINE_END = 0x0a

export interface EventPiece {
  /** What it takes up in the block, in bytes. */
  readonly size: number
  event(): RecordedEvent
}

/** Throws InvalidRequest where a line does not end. */
export function* eventPieces(block: Buffer): Generator<EventPiece> {
  for (let at = 0; at < block.length; ) {
    const end = block.indexOf(LINE_END, at)
    // Blocks of before there were bytes in them were cut into lines as texts: a last one may have no end.
    const line = block.subarray(at, end < 0 ? block.length : end)
    const from = at
    at += line.length + 1
    if (line.length === 0 || line.subarray(0, FROM.length).equals(FROM)) continue
    if (!line.subarray(0, OUTPUT.length).equals(OUTPUT)) {
      yield { size: line.length, event: () => JSON.parse(line.toString('utf8')) }
      continue
    }
    const head: OutputHead = JSON.parse(line.toString('latin1'))
    const bytes = block.subarray(at, at + head.length)
    at += head.length + 1
    if (at > block.length) throw damaged('a piece of output is cut')
    yield { size: at - from, event: () => outputEvent(head, bytes) }
  }
}

/** Which event of the recording a block begins with; undefined: it does not say. */
export function firstEvent(block: Buffer): number | undefined {
  if (!block.subarray(0, FROM.length).equals(FROM)) return undefined
  const head: { readonly number: number } = JSON.parse(
    block.toString('latin1', 0, block.indexOf(LINE_END)),
  )
  return head.number
}

type OutputHead = Pick<RecordedEvent & { kind: 'output' }, 'at' | 'entry' | 'stream'> & {
  readonly length: number
}

/** As text where it is text. */
export function outputEvent(
  { at, entry, stream }: Omit<OutputHead, 'length'>,
  bytes: Buffer,
): RecordedEvent {
  const common = { kind: 'output', at, entry, stream } as const
  return isUtf8(bytes)
    ? { ...common, text: bytes.toString('utf8') }
    : { ...common, base64: bytes.toString('base64') }
}
