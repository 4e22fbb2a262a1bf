import type { Terminal } from '@xterm/headless'
import { expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { emulator, show } from './emulator.ts'
import { KeyframeReader } from './keyframes.ts'
import { snapshot } from './snapshot.ts'

const COLUMNS = 24
const ROWS = 6

/** All that can be seen: each cell with its look, and the cursor. */
function seen(of: Terminal): unknown {
  const { active } = of.buffer
  const rows = Array.from({ length: of.rows }, (_, y) =>
    Array.from({ length: of.cols }, (_, x) => {
      const cell = active.getLine(active.baseY + y)?.getCell(x)
      if (cell === undefined) return ''
      const look = [
        cell.isFgRGB(),
        cell.getFgColor(),
        cell.isBgRGB(),
        cell.getBgColor(),
        cell.isBold(),
        cell.isInverse(),
        cell.isUnderline(),
      ]
      return `${cell.getChars() || ' '.repeat(cell.getWidth())} ${look}`
    }).join('|'),
  )
  return { rows, x: Math.min(active.cursorX, of.cols - 1), y: active.cursorY, type: active.type }
}

function again(of: Terminal): Terminal | undefined {
  const text = snapshot(of)
  if (text === undefined) return undefined
  const made = emulator(of.cols, of.rows, 0)
  show(made, text)
  return made
}

const moves = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.stringMatching(/^[a-z ]{10,40}$/),
  fc.constantFrom(
    ...['\r\n', '\n', '\r', '\b', '\t', '\u001b7', '\u001b8', '\u001bM', '\u001bD', '\u001bH'],
    ...['\u001b(0', '\u001b(B', '\u001b)0', '\u001b[?1049h', '\u001b[?1049l'],
    ...['\u001b[?25l', '\u001b[?25h', '\u001b[?6h', '\u001b[?6l', '\u001b[?7l', '\u001b[?7h'],
    ...['\u001b[4h', '\u001b[4l', '\u001b[r', '\u001b[3;6r', '\u001b[H', '\u001b[2J', '\u001b[K'],
    ...['\u001b[1J', '\u001b[L', '\u001b[M', '\u001b[P', '\u001b[2@', '\u001b[S', '\u001b[T'],
    ...['\u001b[0m', '\u001b[7;1m', '\u001b[31;44m', '\u001b[38;5;200m', '\u001b[38;2;1;2;3m'],
    ...['\u001b[3g', '\u001b[5;9H', '漢字', 'xe\u0301', '\u001b[?1;2', '\u001b]0;title', '\u0007'],
  ),
)

it('a screen that is drawn anew is the same, and goes on the same, whatever came', () => {
  const texts = fc.array(moves, { minLength: 5, maxLength: 60 })
  // What turns to another set of letters counts from the screen on that is kept.
  const shifts = fc.array(fc.oneof(moves, fc.constantFrom('\u000e', '\u000f')), { maxLength: 60 })
  fc.assert(
    fc.property(shifts, texts, (before, after) => {
      const screen = emulator(COLUMNS, ROWS, 0)
      for (const text of before) show(screen, text)
      const copy = again(screen)
      if (copy === undefined) return
      expect(seen(copy)).toEqual(seen(screen))
      for (const text of after) {
        show(screen, text)
        show(copy, text)
      }
      expect(seen(copy)).toEqual(seen(screen))
    }),
  )
})

it('keyframes are as far apart as was asked for, and never in the middle of a sequence', () => {
  const reader = new KeyframeReader({ apart: 100 })
  const size = { columns: COLUMNS, rows: ROWS }
  expect(reader.read({ kind: 'size', at: 1, size })).toBeUndefined()
  const line = `${'x'.repeat(20)}\r\n`
  const frames = Array.from({ length: 20 }, (_, at) =>
    reader.read({ kind: 'text', at: 10 + at, text: `${at} ${line}`, number: at }),
  ).filter(frame => frame !== undefined)
  expect(frames.map(({ number, at }) => [number, at])).toEqual([
    [4, 14],
    [9, 19],
    [13, 23],
    [17, 27],
  ])
  const [frame] = frames
  const screen = emulator(frame?.columns ?? 0, frame?.rows ?? 0, 0)
  show(screen, frame?.text ?? '')
  expect(screen.buffer.active.getLine(0)?.translateToString(true)).toBe(`0 ${'x'.repeat(20)}`)
  for (let at = 0; at < 5; at += 1)
    expect(reader.read({ kind: 'text', at, text: `${line}\u001b[` })).toBeUndefined()
})
