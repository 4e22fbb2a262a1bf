import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { EventLines } from './event-lines.ts'
import type { RecordedEvent } from './events.ts'

const text = fc.string({ unit: 'binary' })
const common = { at: fc.nat(), entry: fc.nat() }
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
) as fc.Arbitrary<RecordedEvent>

describe('lines of events', () => {
  it('read back as the events that were added, whatever is in them', () => {
    fc.assert(
      fc.property(fc.array(event), fc.array(event), (first, second) => {
        const lines = new EventLines()
        for (const events of [first, second]) {
          for (const each of events) lines.add(each)
          const written = lines.take().toString('utf8')
          expect(lines.length).toBe(0)
          expect(
            written
              .split('\n')
              .slice(0, -1)
              .map(line => JSON.parse(line)),
          ).toEqual(events.map(each => JSON.parse(JSON.stringify(each))))
        }
      }),
      { numRuns: 300 },
    )
  })
})
