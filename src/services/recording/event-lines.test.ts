import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { EventLines } from './event-lines.ts'
import { eventPieces } from './event-pieces.ts'
import type { RecordedEvent } from './events.ts'

const text = fc.string({ unit: 'binary' })
const common = { at: fc.nat(), entry: fc.nat() }
const output = {
  kind: fc.constant('output' as const),
  ...common,
  stream: fc.constantFrom('output' as const, 'error' as const),
}
const event = fc.oneof(
  fc.record(
    {
      kind: fc.constant('statement' as const),
      ...common,
      text,
      parameters: fc.array(fc.option(text)),
      effect: fc.constantFrom('permit' as const, 'deny' as const, 'held' as const),
      code: fc.constant('forbidden'),
      policies: fc.array(text),
      message: text,
    },
    { requiredKeys: ['kind', 'at', 'entry', 'text', 'effect', 'code', 'policies'] },
  ),
  fc.record({
    kind: fc.constant('answer' as const),
    ...common,
    columns: fc.array(text),
    rows: fc.array(fc.array(fc.option(text))),
    truncated: fc.boolean(),
  }),
  fc.record(
    {
      kind: fc.constant('outcome' as const),
      ...common,
      status: fc.constant('completed'),
      rows: fc.nat(),
      bytes: fc.nat(),
      errorCode: text,
    },
    { requiredKeys: ['kind', 'at', 'entry', 'status', 'rows', 'bytes'] },
  ),
  fc.record({ kind: fc.constant('note' as const), at: fc.nat(), text }),
  fc.oneof(
    fc.record({ ...output, text }),
    fc.record({ ...output, base64: fc.constantFrom('/w==', 'Cv8K', 'gH0K') }),
  ),
) as fc.Arbitrary<RecordedEvent>

function add(lines: EventLines, event: RecordedEvent): void {
  if (event.kind !== 'output') {
    lines.add(event)
    return
  }
  const { at, entry, stream, text, base64 } = event
  const bytes = base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64')
  lines.addOutput(at, entry, stream, bytes)
  // Whoever brought it uses it again.
  bytes.fill(0)
}

/** As JSON has it, and UTF-8 (half a surrogate is no character). */
function plain(event: RecordedEvent): unknown {
  const told = JSON.parse(JSON.stringify(event))
  return event.kind === 'output' && event.text !== undefined
    ? { ...told, text: event.text.toWellFormed() }
    : told
}

describe('lines of events', () => {
  it('read back as the events that were added, whatever is in them', () => {
    fc.assert(
      fc.property(fc.array(event), fc.array(event), (first, second) => {
        const lines = new EventLines()
        for (const events of [first, second]) {
          for (const each of events) add(lines, each)
          const written = lines.take()
          expect(lines.length).toBe(0)
          const read = [...eventPieces(written)].map(piece => piece.event())
          EventLines.giveBack(written)
          expect(read).toEqual(events.map(plain))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('keep output as it came, also where it looks like lines of ours, and however much it is', () => {
    const lines = new EventLines()
    const forged = Buffer.from(
      '\n{"kind":"bytes","at":1,"entry":1,"stream":"output","length":99}\n',
    )
    const much = Buffer.alloc(300_000, 'log line 1\n')
    for (const bytes of [forged, much, Buffer.alloc(0), forged])
      lines.addOutput(7, 3, 'output', bytes)
    lines.add({ kind: 'note', at: 8, text: 'after it' })
    const common = { kind: 'output', at: 7, entry: 3, stream: 'output' }
    expect([...eventPieces(lines.take())].map(piece => piece.event())).toEqual([
      { ...common, text: forged.toString() },
      { ...common, text: much.toString() },
      { ...common, text: '' },
      { ...common, text: forged.toString() },
      { kind: 'note', at: 8, text: 'after it' },
    ])
  })

  it('refuse a block whose output ends before it should', () => {
    const lines = new EventLines()
    lines.addOutput(7, 3, 'output', Buffer.from('whole'))
    const written = lines.take()
    expect(() => [...eventPieces(written.subarray(0, written.length - 1))]).toThrow('damaged')
  })

  it('are read from recordings of before, which have output as JSON', () => {
    const old: RecordedEvent[] = [
      { kind: 'output', at: 1, entry: 2, stream: 'error', text: 'no\n' },
      { kind: 'output', at: 1, entry: 2, stream: 'output', base64: '/w==' },
      { kind: 'closed', at: 3, reason: 'client_left' },
    ]
    const block = Buffer.from(old.map(each => `${JSON.stringify(each)}\n`).join(''))
    expect([...eventPieces(block)].map(piece => piece.event())).toEqual(old)
  })
})
