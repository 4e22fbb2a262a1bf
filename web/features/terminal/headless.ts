// The emulator, and the only place of the page that knows its insides: a screen can be kept as it is at some moment, and
// another one begin there. The library is pinned; where it looks different, nothing of this works, and tests say so.
import { Terminal } from '@xterm/headless/lib-headless/xterm-headless.mjs'

interface Attributes {
  clone(): Attributes
}
interface BufferLine {
  clone(): BufferLine
  resize(columns: number, fill: unknown): unknown
  readonly length: number
}
interface Lines {
  length: number
  get(index: number): BufferLine | undefined
  set(index: number, line: BufferLine): void
}
interface Place {
  x: number
  y: number
  ybase: number
  ydisp: number
  scrollTop: number
  scrollBottom: number
  savedX: number
  savedY: number
  savedCurAttrData: Attributes
  savedCharset: unknown
  tabs: Record<number, boolean>
}
interface Buffer extends Place {
  readonly lines: Lines
  getNullCell(): unknown
}
interface Insides {
  readonly _bufferService: {
    readonly buffers: {
      readonly normal: Buffer
      readonly alt: Buffer
      readonly active: Buffer
      activateAltBuffer(): void
    }
  }
  readonly _inputHandler: {
    parse(text: string): unknown
    eraseInDisplay(params: { readonly params: readonly number[] }): boolean
    _curAttrData: Attributes
    _eraseAttrDataInternal: Attributes
    readonly _parser: {
      readonly initialState: number
      readonly currentState: number
      precedingJoinState: number
    }
  }
  readonly coreService: {
    isCursorHidden: boolean
    modes: Record<string, unknown>
    decPrivateModes: Record<string, unknown>
  }
  readonly _charsetService: { glevel: number; charset: unknown; _charsets: unknown[] }
}

interface KeptBuffer extends Place {
  readonly all: readonly BufferLine[]
}

/** A screen as it was. It is never changed: any number of screens may begin from it. */
export interface Kept {
  readonly columns: number
  readonly rows: number
  /** About. */
  readonly bytes: number
  readonly normal: KeptBuffer
  readonly alt: KeptBuffer
  readonly onAlt: boolean
  readonly pen: readonly [Attributes, Attributes]
  readonly join: number
  readonly modes: Record<string, unknown>
  readonly privateModes: Record<string, unknown>
  readonly cursorHidden: boolean
  readonly charset: { readonly glevel: number; readonly charset: unknown; readonly all: unknown[] }
}

/** Cells from one stop to the next, until a program sets its own. */
const TAB = 8
/** The library has no smaller screen. */
const FEWEST_COLUMNS = 2
/** Of a cell: two numbers for its colours, one for what stands in it. */
const CELL_BYTES = 12

export function terminal(columns: number, rows: number): Terminal {
  const made = new Terminal({
    cols: columns,
    rows,
    scrollback: 0,
    allowProposedApi: true,
    logLevel: 'off',
  })
  // Erasing all up to the very last cell, the library looks for a line below it. It is erasing all.
  for (const prefix of ['', '?'])
    made.parser.registerCsiHandler(
      { ...(prefix === '' ? {} : { prefix }), final: 'J' },
      ([mode]) => {
        const { cursorX, cursorY } = made.buffer.active
        if (mode !== 1 || cursorX + 1 < made.cols || cursorY + 1 < made.rows) return false
        return insidesOf(made)._inputHandler.eraseInDisplay({ params: [2] })
      },
    )
  return made
}

/** Shows the text. False when the library failed at it: the screen is blank then, and goes on. */
export function play(on: Terminal, text: string): boolean {
  try {
    insidesOf(on)._inputHandler.parse(text)
    return true
  } catch {
    // Safe: the text is whatever a host sent, and nothing but the screen comes of it. The page says that it is not whole.
    on.reset()
    return false
  }
}

/** Undefined in the middle of a control sequence. */
export function keep(of: Terminal): Kept | undefined {
  const inside = insidesOf(of)
  const { _inputHandler: input, coreService, _charsetService: charset } = inside
  const { buffers } = inside._bufferService
  if (input._parser.currentState !== input._parser.initialState) return undefined
  const normal = keptBuffer(buffers.normal)
  const alt = keptBuffer(buffers.alt)
  return {
    columns: of.cols,
    rows: of.rows,
    bytes: (normal.all.length + alt.all.length) * of.cols * CELL_BYTES,
    normal,
    alt,
    onAlt: buffers.active === buffers.alt,
    pen: [input._curAttrData.clone(), input._eraseAttrDataInternal.clone()],
    join: input._parser.precedingJoinState,
    modes: { ...coreService.modes },
    privateModes: { ...coreService.decPrivateModes },
    cursorHidden: coreService.isCursorHidden,
    charset: {
      glevel: charset.glevel,
      charset: charset.charset,
      all: [...charset._charsets],
    },
  }
}

/** A screen that goes on from there. */
export function goOn(from: Kept): Terminal {
  const made = terminal(from.columns, from.rows)
  const inside = insidesOf(made)
  const { _inputHandler: input, coreService, _charsetService: charset } = inside
  const { buffers } = inside._bufferService
  if (from.onAlt) buffers.activateAltBuffer()
  putBack(buffers.normal, from.normal)
  if (from.onAlt) putBack(buffers.alt, from.alt)
  // It is blank whenever it is turned to: only what was saved in it counts.
  else Object.assign(buffers.alt, placeOf(from.alt))
  input._curAttrData = from.pen[0].clone()
  input._eraseAttrDataInternal = from.pen[1].clone()
  input._parser.precedingJoinState = from.join
  Object.assign(coreService.modes, from.modes)
  Object.assign(coreService.decPrivateModes, from.privateModes)
  coreService.isCursorHidden = from.cursorHidden
  charset.glevel = from.charset.glevel
  charset.charset = from.charset.charset
  charset._charsets = [...from.charset.all]
  return made
}

/**
 * The screen at another size: what it has too many of goes from below the cursor, then from above. The library's own way
 * depends on what stood there before, so that a kept screen would go on otherwise than the one it was kept of.
 * Undefined in the middle of a control sequence.
 */
export function resized(of: Terminal, wanted: number, rows: number): Terminal | undefined {
  const columns = Math.max(wanted, FEWEST_COLUMNS)
  const kept = keep(of)
  if (kept === undefined) return undefined
  const fill = insidesOf(of)._bufferService.buffers.normal.getNullCell()
  const fitted = (buffer: KeptBuffer): KeptBuffer => {
    const all = buffer.all.slice()
    const below = Math.max(0, Math.min(all.length - rows, all.length - 1 - buffer.y))
    all.length -= below
    const above = Math.max(0, all.length - rows)
    all.splice(0, above)
    for (const line of all) line.resize(columns, fill)
    const tabs = { ...buffer.tabs }
    for (let x = of.cols; x < columns; x += 1) if (x % TAB === 0) tabs[x] = true
    return {
      ...buffer,
      all,
      tabs,
      x: Math.min(buffer.x, columns - 1),
      y: Math.max(0, buffer.y - above),
      savedX: Math.min(buffer.savedX, columns - 1),
      savedY: Math.min(Math.max(0, buffer.savedY - above), rows - 1),
      scrollTop: 0,
      scrollBottom: rows - 1,
    }
  }
  const { normal, alt } = kept
  return goOn({ ...kept, columns, rows, normal: fitted(normal), alt: fitted(alt) })
}

export function cursorHidden(of: Terminal): boolean {
  return insidesOf(of).coreService.isCursorHidden
}

function keptBuffer(buffer: Buffer): KeptBuffer {
  const all: BufferLine[] = []
  for (let at = 0; at < buffer.lines.length; at += 1) {
    const line = buffer.lines.get(at)
    if (line !== undefined) all.push(line.clone())
  }
  return { ...placeOf(buffer), all }
}

function putBack(buffer: Buffer, kept: KeptBuffer): void {
  for (const [at, line] of kept.all.entries()) buffer.lines.set(at, line.clone())
  Object.assign(buffer, placeOf(kept))
}

function placeOf(of: Place): Place {
  const { x, y, ybase, ydisp, scrollTop, scrollBottom, savedX, savedY, savedCharset } = of
  const savedCurAttrData = of.savedCurAttrData.clone()
  const tabs = { ...of.tabs }
  return {
    x,
    y,
    ybase,
    ydisp,
    scrollTop,
    scrollBottom,
    savedX,
    savedY,
    savedCurAttrData,
    savedCharset,
    tabs,
  }
}

function insidesOf(of: Terminal): Insides {
  return (of as unknown as { readonly _core: Insides })._core
}
