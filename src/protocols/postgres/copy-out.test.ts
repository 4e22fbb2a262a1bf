import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { createMasking, RowPlan } from '#engines/masking'
import type { CopyShape } from '#engines/sql'
import { Leg, Outlet } from '#transport'
import { fc } from '../../../test/property.ts'
import { CopyOut } from './copy-out.ts'

const masking = createMasking({
  classes: [{ name: 'x', columns: [], mask: 'redact' }],
  tokenKey: new Uint8Array(32),
})
const mask = { kind: 'mask', dataClass: 'x', write: masking.masker('x') } as const
const pass = { kind: 'pass' } as const

function shape(format: 'text' | 'csv', header = false): CopyShape {
  return {
    direction: 'out',
    columns: undefined,
    format,
    options: {
      delimiter: format === 'csv' ? ',' : '\t',
      nullText: format === 'csv' ? '' : '\\N',
      quote: '"',
      escape: '"',
      header,
      forceQuote: [],
    },
    query: true,
    to: 'stdout',
  }
}

/** As the server writes a value. */
function field(format: 'text' | 'csv', value: string | null): string {
  if (format === 'csv') {
    if (value === null) return ''
    return value === '' || /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
  }
  if (value === null) return '\\N'
  const letters: Record<string, string> = {
    '\n': 'n',
    '\r': 'r',
    '\t': 't',
    '\b': 'b',
    '\f': 'f',
    '\v': 'v',
    '\\': '\\',
  }
  return value.replace(/[\n\r\t\b\f\v\\]/g, found => `\\${letters[found] ?? ''}`)
}

function rewritten(
  format: 'text' | 'csv',
  text: string,
  cuts: readonly number[],
  header = false,
): string {
  const sent: Buffer[] = []
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      sent.push(Buffer.from(chunk))
      done()
    },
  })
  const out = new Outlet(new Leg(socket), 'client')
  const copy = new CopyOut(shape(format, header), () => new RowPlan([pass, mask, pass]), 3, 1 << 20)
  copy.begin(0, 3)
  const bytes = Buffer.from(text)
  const places = [...new Set([0, bytes.length, ...cuts.map(cut => cut % (bytes.length + 1))])].sort(
    (a, b) => a - b,
  )
  places.slice(1).forEach((to, index) => {
    copy.push(
      Buffer.from(bytes.subarray(places[index], to)),
      0,
      to - (places[index] as number),
      out,
      () => {},
    )
  })
  copy.finish(out, () => {})
  out.flush()
  const all = Buffer.concat(sent)
  let payload = ''
  for (let at = 0; at < all.length; ) {
    const next = at + 1 + all.readUInt32BE(at + 1)
    payload += all.toString('utf8', at + 5, next)
    at = next
  }
  return payload
}

const value = fc.option(
  fc.string({
    unit: fc.constantFrom('a', 'é', '"', ',', '\n', '\r', '\t', '\\', 'N', '.', ' ', '\b'),
  }),
  { nil: null },
)

test.each(['text', 'csv'] as const)(
  'masks the column of %s and nothing else, however values and messages are',
  format => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, value, value), { maxLength: 6 }),
        fc.array(fc.nat(300), { maxLength: 8 }),
        (rows, cuts) => {
          const separator = format === 'csv' ? ',' : '\t'
          const line = (cells: readonly (string | null)[]): string =>
            `${cells.map(each => field(format, each)).join(separator)}\n`
          const masked = format === 'csv' ? '"⟦m:x⟧"' : '⟦m:x⟧'
          const wanted = rows.map(
            ([a, b, c]) =>
              `${[
                field(format, a),
                b === null ? field(format, null) : masked,
                field(format, c),
              ].join(separator)}\n`,
          )
          expect(rewritten(format, rows.map(line).join(''), cuts)).toBe(wanted.join(''))
        },
      ),
      { numRuns: 400 },
    )
  },
)

test('leaves the header line alone', () => {
  expect(rewritten('csv', 'a,b,c\n1,secret,2\n', [], true)).toBe('a,b,c\n1,"⟦m:x⟧",2\n')
})

test('does not send a row whose fields do not fit the columns', () => {
  expect(() => rewritten('text', 'only\tsecret\n', [])).toThrow('cannot be masked')
  expect(() => rewritten('text', 'a\tsecret\tc\td\n', [])).toThrow('cannot be masked')
})
