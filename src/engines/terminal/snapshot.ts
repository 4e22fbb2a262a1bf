// A screen as a text that draws it: played on a blank terminal of the same size, what comes next goes on as it did. Any
// player can begin there.
import type { IBuffer, IBufferCell, Terminal } from '@xterm/headless'

interface Place {
  readonly x: number
  readonly scrollTop: number
  readonly scrollBottom: number
  readonly savedX: number
  readonly savedY: number
  readonly savedCurAttrData: Pen
  readonly savedCharset: Charset
  readonly tabs: Readonly<Record<number, boolean>>
}

/** As the library keeps it: a cell has the same. */
type Pen = Pick<
  IBufferCell,
  | 'isBold'
  | 'isDim'
  | 'isItalic'
  | 'isUnderline'
  | 'isBlink'
  | 'isInverse'
  | 'isInvisible'
  | 'isStrikethrough'
  | 'isOverline'
  | 'isFgRGB'
  | 'isFgPalette'
  | 'isBgRGB'
  | 'isBgPalette'
  | 'getFgColor'
  | 'getBgColor'
>

type Charset = Readonly<Record<string, string>> | undefined

interface Insides {
  readonly _bufferService: {
    readonly buffers: { readonly normal: Place; readonly alt: Place; readonly active: Place }
  }
  readonly _inputHandler: {
    readonly _curAttrData: Pen
    readonly _parser: { readonly initialState: number; readonly currentState: number }
  }
  readonly coreService: {
    readonly isCursorHidden: boolean
    readonly modes: { readonly insertMode: boolean }
    readonly decPrivateModes: {
      readonly origin: boolean
      readonly wraparound: boolean
      readonly reverseWraparound: boolean
    }
  }
  readonly _charsetService: {
    readonly glevel: number
    readonly charset: Charset
    readonly _charsets: readonly Charset[]
  }
}

const CSI = '\u001b['
/** How sets of characters are chosen, G0 to G3, and how one of them is turned to. */
const INTO = ['(', ')', '*', '+']
const SHIFTS = ['\u000f', '\u000e', '\u001bn', '\u001bo']
const TAB = 8

/** Undefined in the middle of a control sequence. */
export function snapshot(of: Terminal): string | undefined {
  const {
    _bufferService: { buffers },
    _inputHandler: input,
    coreService: { isCursorHidden, modes, decPrivateModes: decided },
    _charsetService: charsets,
  } = (of as unknown as { readonly _core: Insides })._core
  if (input._parser.currentState !== input._parser.initialState) return undefined
  const { normal, alternate, active } = of.buffer
  let text = drawn(of, normal)
  text += saved(buffers.normal)
  if (active.type === 'alternate')
    text += `${CSI}?1049h${drawn(of, alternate)}${saved(buffers.alt)}`
  const { x, scrollTop, scrollBottom, tabs } = buffers.active
  text += tabStops(tabs, of.cols)
  text += `${CSI}${scrollTop + 1};${scrollBottom + 1}r`
  const top = decided.origin ? scrollTop : 0
  if (decided.origin) text += `${CSI}?6h`
  const y = active.cursorY
  if (x < of.cols) text += `${CSI}${y - top + 1};${x + 1}H`
  else text += waiting(active, of.cols, y - top)
  text += penText(input._curAttrData)
  // The one in use may be another than was chosen: it came back with the cursor.
  for (const at of INTO.keys())
    text += charsetText(at, at === charsets.glevel ? charsets.charset : charsets._charsets[at])
  text += SHIFTS[charsets.glevel] ?? ''
  if (modes.insertMode) text += `${CSI}4h`
  if (!decided.wraparound) text += `${CSI}?7l`
  if (decided.reverseWraparound) text += `${CSI}?45h`
  if (isCursorHidden) text += `${CSI}?25l`
  return text
}

function drawn(of: Terminal, buffer: IBuffer): string {
  let text = ''
  let pen = ''
  const cell = buffer.getNullCell()
  for (let y = 0; y < of.rows; y += 1) {
    const line = buffer.getLine(buffer.baseY + y)
    let skipped = 0
    let begun = false
    for (let x = 0; x < of.cols; x += 1) {
      const found = line?.getCell(x, cell)
      if (found === undefined || found.getWidth() === 0) continue
      const look = penText(found)
      const chars = x + found.getWidth() > of.cols ? '' : found.getChars()
      if (chars === '' && look === PLAIN) {
        skipped += 1
        continue
      }
      if (!begun) text += `${CSI}${y + 1};${x + 1}H`
      else if (skipped > 0) text += `${CSI}${skipped}C`
      begun = true
      skipped = 0
      if (look !== pen) text += look
      pen = look
      text += chars === '' ? ' ' : chars
    }
  }
  return text
}

/** Where a program will go back to. */
function saved({ savedX, savedY, savedCurAttrData, savedCharset }: Place): string {
  const set = charsetText(0, savedCharset)
  const back = set === '' ? '' : '\u001b(B'
  return `${CSI}${savedY + 1};${savedX + 1}H${penText(savedCurAttrData)}${set}\u001b7${back}`
}

/** The cursor behind the last column: what stands there is written again. */
function waiting(buffer: IBuffer, columns: number, row: number): string {
  const line = buffer.getLine(buffer.baseY + buffer.cursorY)
  const last = line?.getCell(columns - 1)
  const x = last?.getWidth() === 0 ? columns - 2 : columns - 1
  const cell = line?.getCell(x)
  if (cell === undefined) return ''
  return `${CSI}${row + 1};${x + 1}H${penText(cell)}${cell.getChars() || ' '}`
}

function tabStops(tabs: Place['tabs'], columns: number): string {
  const stops = Array.from({ length: columns }, (_, x) => x).filter(x => tabs[x] === true)
  const usual = stops.every((x, at) => x === at * TAB) && stops.length === Math.ceil(columns / TAB)
  if (usual) return ''
  return `${CSI}3g${stops.map(x => `${CSI}1;${x + 1}H\u001bH`).join('')}`
}

/** Lines and the British pound are what terminals still use of them. */
function charsetText(at: number, set: Charset): string {
  const name = set?.['q'] === '─' ? '0' : set?.['#'] === '£' ? 'A' : undefined
  return name === undefined ? '' : `\u001b${INTO[at] ?? '('}${name}`
}

const PLAIN = `${CSI}0m`

function penText(pen: Pen): string {
  const codes = ['0']
  if (pen.isBold()) codes.push('1')
  if (pen.isDim()) codes.push('2')
  if (pen.isItalic()) codes.push('3')
  if (pen.isUnderline()) codes.push('4')
  if (pen.isBlink()) codes.push('5')
  if (pen.isInverse()) codes.push('7')
  if (pen.isInvisible()) codes.push('8')
  if (pen.isStrikethrough()) codes.push('9')
  if (pen.isOverline()) codes.push('53')
  codes.push(...colour(30, pen.isFgRGB(), pen.isFgPalette(), pen.getFgColor()))
  codes.push(...colour(40, pen.isBgRGB(), pen.isBgPalette(), pen.getBgColor()))
  return `${CSI}${codes.join(';')}m`
}

function colour(code: number, rgb: unknown, palette: unknown, value: number): string[] {
  if (rgb) return [`${code + 8};2;${(value >> 16) & 255};${(value >> 8) & 255};${value & 255}`]
  if (!palette) return []
  // The first sixteen have codes of their own, and the eight bright ones among them others again.
  if (value >= 16) return [`${code + 8};5;${value}`]
  return [String(value < 8 ? code + value : code + 60 + value - 8)]
}
