// CSV (RFC 4180) and its cousins with other delimiters: hidden columns by the names in the first row, detectors on each
// cell. Held between chunks: the row that is not whole yet.
import { Buffer } from 'node:buffer'
import { Backlog } from './backlog.ts'
import { BodyProblem, type BodyReader } from './body.ts'
import { Output } from './output.ts'
import { type NameEntry, UNNAMED } from './rules.ts'
import { LONGEST_VALUE, type Values } from './values.ts'

const QUOTE = 0x22
const CR = 0x0d
const LF = 0x0a
/** How many rows may stand before the one that names the columns. */
const MOST_TITLE_ROWS = 20
const MARK = [0xef, 0xbb, 0xbf]
const DELIMITERS = [...',;\t|'].map(each => each.charCodeAt(0))

/** Cells of the newest row, as spans of the backlog, quotes included. */
interface Cell {
  readonly start: number
  readonly end: number
}

export class CsvBody implements BodyReader {
  readonly #values: Values
  readonly #backlog = new Backlog()
  readonly #out = new Output()
  readonly #fixed: number | undefined
  #delimiter: number | undefined
  #rowsSeen = 0
  #columns: readonly NameEntry[] | undefined
  /** Some column is hidden: then a row that does not fit the first is not known at all. */
  #hides = false
  /** How far the row was looked through, from its beginning, and what was seen there. */
  #read = 0
  #quoted = false
  #cellBegins = true
  /** The cell began with a quote: two within it are one. */
  #cellQuoted = false

  constructor(values: Values, delimiter?: number) {
    this.#values = values
    this.#fixed = this.#delimiter = delimiter
  }

  write(chunk: Uint8Array): Uint8Array[] {
    if (chunk.includes(0)) throw new BodyProblem('encoding', 'It is not a text: it holds a NUL.')
    this.#backlog.add(chunk)
    this.#rows(false)
    return this.#out.take()
  }

  end(): Uint8Array[] {
    this.#rows(true)
    const { from, to } = this.#backlog
    if (to > from) this.#row(to, to)
    return this.#out.take()
  }

  #rows(last: boolean): void {
    const log = this.#backlog
    let at = log.from + this.#read
    for (; at < log.to; at++) {
      const byte = log.bytes[at]!
      if (this.#quoted) {
        if (byte === QUOTE) this.#quoted = false
        continue
      }
      if (byte === QUOTE) {
        // Twice within a quoted cell is one quote: closed and opened again.
        const again = this.#cellQuoted && log.bytes[at - 1] === QUOTE
        if (this.#cellBegins) this.#cellQuoted = true
        if (this.#cellBegins || again) this.#quoted = true
        this.#cellBegins = false
      } else if (byte === LF || byte === CR) {
        if (byte === CR && at + 1 === log.to && !last) break
        const to = byte === CR && log.bytes[at + 1] === LF && at + 1 < log.to ? at + 2 : at + 1
        this.#row(at, to)
        at = to - 1
        this.#cellBegins = true
        this.#cellQuoted = false
      } else if (!this.#isMark(byte, at)) {
        this.#cellBegins = this.#isDelimiter(byte)
        if (this.#cellBegins) this.#cellQuoted = false
      }
    }
    this.#read = at - log.from
    if (log.to - log.from > LONGEST_VALUE) throw new BodyProblem('too_long', 'A row is too long.')
  }

  /** A byte order mark before the first row is no part of its first cell. */
  #isMark(byte: number, at: number): boolean {
    return this.#columns === undefined && byte === MARK[at - this.#backlog.from]
  }

  #isDelimiter(byte: number): boolean {
    return this.#delimiter === undefined ? DELIMITERS.includes(byte) : byte === this.#delimiter
  }

  /** The row that ends at `end`, with its line break up to `to`. */
  #row(end: number, to: number): void {
    const log = this.#backlog
    const { bytes } = log
    let from = log.from
    if (this.#columns === undefined && MARK.every((byte, i) => bytes[from + i] === byte)) from += 3
    if (end > from && this.#isHead(from, end)) this.#head(from, end)
    else if (end > from && this.#columns !== undefined)
      this.#cells(cellsOf(bytes, from, end, this.#delimiter!), this.#columns)
    this.#out.pass(bytes, log.from, to)
    log.from = to
  }

  /** The first row that holds anything; a later one, when there was only a title before it. */
  #isHead(from: number, end: number): boolean {
    if (this.#columns === undefined) return true
    if (this.#hides || !this.#values.rules.byField || this.#rowsSeen >= MOST_TITLE_ROWS)
      return false
    this.#rowsSeen++
    const ways = this.#fixed === undefined ? DELIMITERS : [this.#fixed]
    return ways.some(delimiter =>
      cellsOf(this.#backlog.bytes, from, end, delimiter).some(
        cell => this.#entry(cell).elsewhere !== undefined,
      ),
    )
  }

  /** The first row: of the delimiters that it may be written with, the one that hides most, then parts most. */
  #head(from: number, end: number): void {
    const { bytes } = this.#backlog
    const ways = (this.#fixed === undefined ? DELIMITERS : [this.#fixed]).map(delimiter => {
      const cells = cellsOf(bytes, from, end, delimiter)
      const columns = cells.map(cell => this.#entry(cell))
      const hidden = columns.filter(({ elsewhere }) => elsewhere !== undefined).length
      return { delimiter, cells, columns, hidden }
    })
    const best = ways.reduce((a, b) =>
      b.hidden > a.hidden || (b.hidden === a.hidden && b.cells.length > a.cells.length) ? b : a,
    )
    this.#delimiter = best.delimiter
    this.#columns = best.columns
    this.#hides = best.hidden > 0
    for (const cell of best.cells) this.#scan(cell, UNNAMED)
  }

  #entry(cell: Cell): NameEntry {
    const { names } = this.#values.rules
    const text = Buffer.from(plain(this.#backlog.bytes, cell))
    return names.known(text, 0, text.length) ?? names.learn(text)
  }

  #cells(cells: readonly Cell[], columns: readonly NameEntry[]): void {
    const values = this.#values
    const fits = cells.length === columns.length
    cells.forEach((cell, index) => {
      // Nothing at all is no value.
      if (cell.end === cell.start) return
      if (!fits && this.#hides) {
        values.redact()
        this.#replace(cell)
        return
      }
      const entry = (fits ? columns[index] : undefined) ?? UNNAMED
      const plan = entry.elsewhere
      if (plan === undefined) {
        this.#scan(cell, entry)
        return
      }
      const to = this.#place(cell, entry)
      if (values.masked(plan, entry, to)) this.#replace(cell)
      else this.#write(cell, Buffer.alloc(0))
    })
  }

  #scan(cell: Cell, entry: NameEntry): void {
    if (this.#values.scan === undefined) return
    const { bytes } = this.#backlog
    if (this.#values.scanned(entry, this.#place(cell, entry))) this.#replace(cell)
    else if (bytes[cell.start] === QUOTE) this.#scanWritten(cell, entry)
  }

  /** Quotes that stand where they may not: what they part is looked at as it is written, too. */
  #scanWritten(cell: Cell, entry: NameEntry): void {
    const { bytes } = this.#backlog
    const written = bytes.subarray(cell.start, cell.end)
    if (written.equals(Buffer.from(quoted(plain(bytes, cell))))) return
    if (this.#values.scanned(entry, this.#place(cell, entry, written))) this.#replace(cell)
  }

  #place(cell: Cell, entry: NameEntry, known?: Buffer): number {
    const { bytes } = this.#backlog
    const inQuotes = bytes[cell.start] === QUOTE
    const text =
      known ?? (inQuotes ? Buffer.from(plain(bytes, cell)) : bytes.subarray(cell.start, cell.end))
    this.#values.place(entry, text.length).set(text, entry.context.length)
    return entry.context.length + text.length
  }

  /** The newest mask in place of a cell. */
  #replace(cell: Cell): void {
    const { out, start, end } = this.#values
    const text = Buffer.from(out.subarray(start, end)).toString('utf8')
    const bare = this.#backlog.bytes[cell.start] !== QUOTE && !/[",;\t|\r\n]/.test(text)
    this.#write(cell, Buffer.from(bare ? text : quoted(text)))
  }

  #write(cell: Cell, bytes: Buffer): void {
    const log = this.#backlog
    this.#out.pass(log.bytes, log.from, cell.start)
    this.#out.pass(bytes, 0, bytes.length)
    log.from = cell.end
  }
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}

function cellsOf(bytes: Buffer, from: number, to: number, delimiter: number): Cell[] {
  const cells: Cell[] = []
  let start = from
  let quoted = false
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (byte === QUOTE) {
      if (quoted) quoted = false
      else if (at === start || (bytes[start] === QUOTE && bytes[at - 1] === QUOTE)) quoted = true
    } else if (byte === delimiter && !quoted) {
      cells.push({ start, end: at })
      start = at + 1
    }
  }
  cells.push({ start, end: to })
  return cells
}

/** What a cell says, without its quotes. */
function plain(bytes: Buffer, { start, end }: Cell): string {
  const text = bytes.toString('utf8', start, end)
  if (!text.startsWith('"')) return text
  const close = /"(?!")(?:[^"]*)$/.exec(text)
  const inner =
    close === null || close.index === 0
      ? text.slice(1)
      : text.slice(1, close.index) + text.slice(close.index + 1)
  return inner.replaceAll('""', '"')
}
