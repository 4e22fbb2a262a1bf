import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { bytesOf, CastWriter, type Shown } from './index.ts'

const size = { columns: 100, rows: 30, type: 'xterm-256color' }
const output = (at: number, bytes: Uint8Array | string, stream: 'output' | 'error' = 'output') =>
  ({ kind: 'output', at, stream, bytes: Buffer.from(bytes as string) }) as const

function written(shown: readonly Shown[], given: typeof size | null = size): unknown[] {
  const cast = new CastWriter(1_700_000_000_500, given ?? undefined)
  const lines = [cast.header('a shell'), ...shown.map(each => cast.write(each))].join('')
  return lines
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
}

describe('an asciicast', () => {
  it('begins with its version, the terminal and the time, and goes on in intervals', () => {
    expect(
      written([
        output(1_700_000_000_700, '$ '),
        { kind: 'size', at: 1_700_000_001_700, size: { columns: 80, rows: 24 } },
        output(1_700_000_001_701, 'oh\r\n', 'error'),
        { kind: 'note', at: 1_700_000_001_701, text: 'somebody watched' },
        { kind: 'end', at: 1_700_000_002_000, status: 3 },
      ]),
    ).toEqual([
      {
        version: 3,
        term: { cols: 100, rows: 30, type: 'xterm-256color' },
        timestamp: 1_700_000_000,
        title: 'a shell',
      },
      [0.2, 'o', '$ '],
      [1, 'r', '80x24'],
      [0.001, 'o', 'oh\r\n'],
      [0, 'm', 'somebody watched'],
      [0.299, 'x', '3'],
    ])
  })

  it('has no exit of what did not end by itself, and the usual size of a terminal that nobody told of', () => {
    const lines = written([{ kind: 'end', at: 1_700_000_001_000, status: undefined }], null)
    expect(lines).toMatchObject([{ term: { cols: 80, rows: 24 } }])
    expect(lines).toHaveLength(1)
  })

  it('puts characters together that were cut, of each stream on its own, and shows half of one as such', () => {
    const [first, second] = [Buffer.from('é').subarray(0, 1), Buffer.from('é').subarray(1)]
    const at = 1_700_000_000_500
    expect(
      written([
        output(at, first),
        output(at, '漢'.repeat(2), 'error'),
        output(at, Buffer.concat([second, first])),
        { kind: 'end', at, status: undefined },
      ]).slice(1),
    ).toEqual([
      [0, 'o', '漢漢'],
      [0, 'o', 'é'],
      [0, 'o', '\ufffd'],
    ])
  })

  it('gives back every text, wherever it was cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat(60)), (text, cuts) => {
        const bytes = Buffer.from(text)
        const places = [0, ...cuts.map(cut => Math.min(cut, bytes.length)), bytes.length]
        places.sort((a, b) => a - b)
        const pieces = places.map((to, at) => output(at, bytes.subarray(places[at - 1] ?? 0, to)))
        const said = written([...pieces, { kind: 'end', at: 9, status: undefined }]).slice(1)
        expect(said.map(each => (each as string[])[2]).join('')).toBe(bytes.toString())
      }),
    )
  })

  it('drives no terminal that it is shown on', () => {
    const cast = new CastWriter(0, size)
    const line = cast.write(output(1, '\u001b]0;x\u0007 \u009b31m \u202e \u2028'))
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u)
    expect(JSON.parse(line)[2]).toBe('\u001b]0;x\u0007 \u009b31m \u202e \u2028')
  })

  it('reads a recorded piece, text or not', () => {
    expect(Buffer.from(bytesOf({ text: 'é' }))).toEqual(Buffer.from('é'))
    expect(Buffer.from(bytesOf({ base64: '/w==' }))).toEqual(Buffer.from([255]))
  })
})
