// What stands on a screen, row by row, as runs of one look.
import type { IBufferCell, Terminal } from '@xterm/headless'
import { cursorHidden } from './headless.ts'

/** A colour of the palette by its number, or `#rrggbb`; undefined: the page's own. */
export type Ink = number | string | undefined

export interface Look {
  readonly ink: Ink
  readonly paper: Ink
  readonly bold: boolean
  readonly dim: boolean
  readonly italic: boolean
  readonly underline: boolean
  readonly strike: boolean
  /** The two change places. */
  readonly inverse: boolean
}

export interface Run extends Look {
  readonly text: string
  /** In cells. */
  readonly width: number
}

export interface Row {
  readonly runs: readonly Run[]
  /** The same for rows that look the same. */
  readonly key: string
}

export interface View {
  readonly columns: number
  /** How many it has; as many of them as can be drawn are in `rows`. */
  readonly height: number
  readonly rows: readonly Row[]
  /** Undefined when it is hidden. */
  /** The emulator failed at something on the way: it is not what stood there. */
  readonly lost: boolean
  readonly cursor: { readonly x: number; readonly y: number } | undefined
}

/** A client may say that its window is a thousand cells wide and high, and a host colour each of them. */
const MOST_ROWS = 200
export const MOST_COLUMNS = 400

export function viewOf(terminal: Terminal, lost: boolean): View {
  const { active } = terminal.buffer
  const cell = active.getNullCell()
  const rows = Array.from({ length: Math.min(terminal.rows, MOST_ROWS) }, (_, y) =>
    rowOf(terminal, y, cell),
  )
  const { cursorX: x, cursorY: y } = active
  const cursor = cursorHidden(terminal) ? undefined : { x, y }
  return { columns: terminal.cols, height: terminal.rows, rows, lost, cursor }
}

function rowOf(terminal: Terminal, y: number, cell: IBufferCell): Row {
  const line = terminal.buffer.active.getLine(terminal.buffer.active.baseY + y)
  const runs: Run[] = []
  let key = ''
  let look: Look | undefined
  let text = ''
  let width = 0
  const put = (): void => {
    if (look !== undefined && text !== '') runs.push({ ...look, text, width })
    text = ''
    width = 0
  }
  for (let x = 0; x < Math.min(line?.length ?? 0, MOST_COLUMNS); x += 1) {
    const found = line?.getCell(x, cell)
    // The second half of a wide character.
    if (found === undefined || found.getWidth() === 0) continue
    const next = lookOf(found)
    const wide = found.getWidth() > 1
    // A wide character stands alone: fonts do not agree on how wide it is.
    if (look === undefined || wide || !same(look, next)) {
      put()
      look = next
      key += `\0${next.ink}/${next.paper}/${marks(next)}`
    }
    const chars = found.isInvisible() ? '' : found.getChars()
    text += chars === '' ? ' '.repeat(found.getWidth()) : chars
    key += chars === '' ? ' ' : chars
    width += found.getWidth()
    if (wide) {
      put()
      look = undefined
    }
  }
  put()
  return { runs, key }
}

function lookOf(cell: IBufferCell): Look {
  return {
    ink: inkOf(cell.isFgDefault(), cell.isFgRGB(), cell.getFgColor()),
    paper: inkOf(cell.isBgDefault(), cell.isBgRGB(), cell.getBgColor()),
    bold: cell.isBold() !== 0,
    dim: cell.isDim() !== 0,
    italic: cell.isItalic() !== 0,
    underline: cell.isUnderline() !== 0,
    strike: cell.isStrikethrough() !== 0,
    inverse: cell.isInverse() !== 0,
  }
}

function inkOf(usual: boolean, rgb: boolean, colour: number): Ink {
  if (usual) return undefined
  if (rgb) return `#${colour.toString(16).padStart(6, '0')}`
  return colour < 16 ? colour : `#${of256(colour).toString(16).padStart(6, '0')}`
}

/** xterm's 256 colours: a cube of 6 × 6 × 6, then 24 greys. */
function of256(colour: number): number {
  if (colour >= 232) {
    const grey = 8 + (colour - 232) * 10
    return grey * 0x010101
  }
  const level = (n: number): number => (n === 0 ? 0 : 55 + n * 40)
  const at = colour - 16
  return (level(Math.floor(at / 36)) << 16) | (level(Math.floor(at / 6) % 6) << 8) | level(at % 6)
}

function marks({ bold, dim, italic, underline, strike, inverse }: Look): number {
  return [bold, dim, italic, underline, strike, inverse].reduce(
    (sum, mark, at) => sum + (mark ? 1 << at : 0),
    0,
  )
}

function same(a: Look, b: Look): boolean {
  return a.ink === b.ink && a.paper === b.paper && marks(a) === marks(b)
}
