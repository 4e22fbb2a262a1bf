// What was typed at prompts, as far as a screen tells: an aid to find one's way in a long recording, and no evidence. A
// line counts when the cursor rested on it behind what looks like a prompt, and left it by a new line.
import type { IMarker, Terminal } from '@xterm/headless'
import type { Shown } from './cast.ts'
import { emulator, resize, show } from './emulator.ts'

/** `text` is of one piece of output: the host may be at rest after it. */
export type PromptPiece =
  | (Shown & { readonly kind: 'size' })
  | {
      readonly kind: 'text'
      readonly at: number
      readonly text: string
      /** Of the event in the recording; none where it ends in the middle of a character. */
      readonly number?: number
    }

export interface TypedCommand {
  /** Unix ms: when the line was left. */
  readonly at: number
  readonly text: string
}

/** What the cursor stands behind when a program waits for a line. */
const PROMPT = /[$#%>❯➜λ»]\s$/u
/** Taken back by the one who typed it. */
const TAKEN_BACK = /\^C$/
const MOST_COMMANDS = 5_000
const MOST_CHARACTERS = 2_000
const MOST_WRAPPED = 40
const MOST_PROMPTS = 8
const USUAL = { columns: 80, rows: 24 } as const

export class PromptReader {
  /** There were more. */
  full = false
  readonly commands: TypedCommand[] = []
  readonly #screen: Terminal
  /** Where the cursor rests behind a prompt. */
  #prompt: { readonly row: IMarker; readonly column: number } | undefined
  /** Texts of prompts, for lines that were typed before theirs was there. */
  readonly #known = new Set<string>()
  #at = 0

  constructor() {
    this.#screen = emulator(USUAL.columns, USUAL.rows)
    this.#screen.onLineFeed(() => this.#left())
  }

  read(piece: PromptPiece): void {
    this.#at = piece.at
    if (piece.kind === 'size') {
      resize(this.#screen, piece.size.columns, piece.size.rows)
      return
    }
    show(this.#screen, piece.text)
    this.#rest()
  }

  /** The host says nothing for now. */
  #rest(): void {
    const { active } = this.#screen.buffer
    // Editors and pagers have a screen of their own.
    if (active.type === 'alternate') return
    const here = active.baseY + active.cursorY
    if (
      this.#prompt !== undefined &&
      here >= this.#prompt.row.line &&
      this.#wrapped(this.#prompt.row.line, here)
    )
      return
    this.#forget()
    const line = active.getLine(here)
    const before = line?.translateToString(false, 0, active.cursorX) ?? ''
    if (line?.isWrapped === true || !PROMPT.test(before)) return
    const row = this.#screen.registerMarker(0)
    if (row === undefined) return
    this.#prompt = { row, column: active.cursorX }
    this.#known.delete(before)
    this.#known.add(before)
    for (const oldest of this.#known) {
      if (this.#known.size <= MOST_PROMPTS) break
      this.#known.delete(oldest)
    }
  }

  /** The cursor went down a line. */
  #left(): void {
    const { active } = this.#screen.buffer
    if (active.type === 'alternate') return
    const last = active.baseY + active.cursorY - 1
    const prompt = this.#prompt
    if (prompt !== undefined) {
      const { line: first, isDisposed } = prompt.row
      const typed = !isDisposed && first <= last && this.#wrapped(first, last)
      if (typed) this.#take(this.#text(first, last, prompt.column))
      this.#forget()
      return
    }
    const text = active.getLine(last)?.translateToString(true) ?? ''
    // A prompt without anything else is no line that was typed.
    const known = [...this.#known].find(each => text.startsWith(each))
    if (known !== undefined) this.#take(text.slice(known.length))
  }

  #take(given: string): void {
    const text = given.trim()
    if (text === '' || TAKEN_BACK.test(text)) return
    if (this.commands.length >= MOST_COMMANDS) this.full = true
    else this.commands.push({ at: this.#at, text: text.slice(0, MOST_CHARACTERS) })
  }

  /** One line, however many rows of the screen it takes. */
  #wrapped(first: number, last: number): boolean {
    if (last - first > MOST_WRAPPED) return false
    for (let row = first + 1; row <= last; row += 1)
      if (this.#screen.buffer.active.getLine(row)?.isWrapped !== true) return false
    return true
  }

  #text(first: number, last: number, column: number): string {
    let text = ''
    for (let row = first; row <= last; row += 1) {
      const line = this.#screen.buffer.active.getLine(row)
      text += line?.translateToString(row === last, row === first ? column : 0) ?? ''
    }
    return text
  }

  #forget(): void {
    this.#prompt?.row.dispose()
    this.#prompt = undefined
  }
}
