// How the page plays a terminal: without a browser.
import { describe, expect, it } from 'vitest'
import type { View } from '../../web/features/terminal/screen.ts'
import { type Piece, Tape } from '../../web/features/terminal/tape.ts'
import { fc } from '../property.ts'

async function shown(tape: Tape, time: number): Promise<View> {
  let view: View | undefined
  await tape.show(time, each => {
    view = each
  })
  if (view === undefined) throw new Error('nothing was shown')
  return view
}
const text = (view: View): string[] =>
  view.rows.map(({ runs }) =>
    runs
      .map(run => run.text)
      .join('')
      .trimEnd(),
  )

/** Whatever moves a terminal: words, lines, places, colours, regions, screens, character sets, tabs, and cuts in them. */
const moves = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    '\r\n',
    '\n',
    '\r',
    '\b',
    '\t',
    '\u001b7',
    '\u001b8',
    '\u001bM',
    '\u001bD',
    '\u001bH',
    '\u001b(0',
    '\u001b(B',
    '\u000e',
    '\u000f',
    '\u001b)0',
    '\u001b[?1049h',
    '\u001b[?1049l',
    '\u001b[?47h',
    '\u001b[?47l',
    '\u001b[?25l',
    '\u001b[?25h',
    '\u001b[?6h',
    '\u001b[?6l',
    '\u001b[?7l',
    '\u001b[?7h',
    '\u001b[4h',
    '\u001b[4l',
    '\u001b[r',
    '\u001b[3;6r',
    '\u001b[H',
    '\u001b[2J',
    '\u001b[K',
    '\u001b[1J',
    '\u001b[L',
    '\u001b[M',
    '\u001b[P',
    '\u001b[2@',
    '\u001b[S',
    '\u001b[T',
    '\u001b[3b',
    '\u001b[s',
    '\u001b[u',
    '\u001b[0m',
    '\u001b[7;1m',
    '\u001b[31;44m',
    '\u001b[38;5;200m',
    '\u001b[38;2;1;2;3m',
    '\u001b[3g',
    '\u001b[?1;2',
    '\u001b]0;title',
    '\u0007',
    '\u001b[5;',
    '9H',
    '漢字',
    'e\u0301',
    '\u001b[!p',
    '\u001b#8',
    '\u001bc',
  ),
)

describe('a terminal', () => {
  it('shows at each moment what it showed then', async () => {
    const tape = new Tape()
    const pieces: Piece[] = [
      { at: 10, columns: 20, rows: 3 },
      { at: 10, text: '$ ' },
      { at: 20, text: '\u001b[1;31mred\u001b[0m' },
      { at: 30, columns: 10, rows: 2 },
      { at: 40, text: '\r\u001b[Kprogress\u001b[?25l' },
    ]
    tape.extend(pieces)
    expect(text(await shown(tape, 15))).toEqual(['$', '', ''])
    const red = (await shown(tape, 25)).rows[0]?.runs[1]
    expect(red).toMatchObject({ text: 'red', ink: 1, bold: true, width: 3 })
    const last = await shown(tape, Number.POSITIVE_INFINITY)
    expect([text(last), last.columns, last.cursor]).toEqual([['progress', ''], 10, undefined])
    expect(text(await shown(tape, 12))).toEqual(['$', '', ''])
    tape.extend([...pieces, { at: 50, text: '\r\nmore' }])
    expect(text(await shown(tape, 50))).toEqual(['progress', 'more'])
  })

  it('asks what it showed where it would take long to play there, and goes on from it', async () => {
    const pieces: Piece[] = [
      { at: 0, columns: 24, rows: 6 },
      ...Array.from({ length: 500 }, (_, n) => ({ at: n + 1, text: `line ${n + 1}\r\n` })),
    ]
    const asked: number[] = []
    const far = async (time: number): Promise<readonly Piece[]> => {
      asked.push(time)
      const lines = Array.from({ length: 5 }, (_, n) => `line ${time - 4 + n}\r\n`)
      return [
        { at: time, columns: 24, rows: 6 },
        { at: time, text: lines.join('') },
      ]
    }
    const tape = new Tape({ far, farAway: 1_000 })
    tape.extend(pieces)
    const plain = new Tape()
    plain.extend(pieces)
    for (const time of [400, 401, 420, 30, 500, 250]) {
      const there = await shown(tape, time)
      expect(text(there)).toEqual(text(await shown(plain, time)))
      expect(tape.played).toBeLessThan(1_100)
    }
    expect(asked).toEqual([400, 500, 250])
    const lost = new Tape({ far: () => Promise.reject(new Error('gone')), farAway: 1_000 })
    lost.extend(pieces)
    expect(text(await shown(lost, 400))).toEqual(text(await shown(plain, 400)))
  })

  it('is the same from a kept screen as from its beginning, whatever came', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            { weight: 12, arbitrary: moves },
            {
              weight: 1,
              arbitrary: fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 9 })),
            },
          ),
          { minLength: 20, maxLength: 120 },
        ),
        async all => {
          const pieces: Piece[] = [
            { at: 0, columns: 24, rows: 6 },
            ...all.map(
              (each, at): Piece =>
                typeof each === 'string'
                  ? { at: at + 1, text: each }
                  : { at: at + 1, columns: each[0], rows: each[1] },
            ),
          ]
          const kept = new Tape({ apart: 16 })
          kept.extend(pieces)
          await shown(kept, pieces.length)
          for (const time of [
            pieces.length - 2,
            5,
            pieces.length >> 1,
            pieces.length,
            (pieces.length * 3) >> 2,
          ]) {
            const whole = new Tape({ apart: 1e9 })
            whole.extend(pieces)
            expect(await shown(kept, time)).toEqual(await shown(whole, time))
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('draws no more of a huge screen than a page can bear', async () => {
    const tape = new Tape()
    tape.extend([
      { at: 1, columns: 1_000, rows: 1_000 },
      { at: 2, text: 'x'.repeat(3_000) },
    ])
    const view = await shown(tape, 2)
    expect([view.columns, view.height, view.rows.length]).toEqual([1_000, 1_000, 200])
    expect(text(view)[0]).toBe('x'.repeat(400))
  })

  it('survives what the emulator does not: erasing up to the last cell', async () => {
    const tape = new Tape()
    tape.extend([{ at: 1, text: 'all of it\u001b[24;80Hx\u001b[1J\u001b[Hnew' }])
    const view = await shown(tape, 1)
    expect([text(view)[0], text(view).join('').length, view.lost]).toEqual(['new', 3, false])
  })

  it('goes anywhere in a long recording by playing a short part of it, and keeps a bounded number of screens', async () => {
    const tape = new Tape({ apart: 8_192, mostKeptBytes: 2_000_000 })
    tape.extend(
      Array.from(
        { length: 40_000 },
        (_, at): Piece => ({ at, text: `line ${at} \u001b[3${at % 8}mof many\u001b[m\r\n` }),
      ),
    )
    expect(text(await shown(tape, 39_999)).at(-2)).toBe('line 39999 of many')
    for (const time of [100, 39_000, 20_000, 20_001, 5]) {
      expect(text(await shown(tape, time))).toContain(`line ${time} of many`)
      expect(tape.played).toBeLessThan(64 * 1024)
    }
  })
})
