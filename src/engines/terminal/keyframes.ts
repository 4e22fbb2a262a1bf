// Screens on the way through a long recording, so that whoever wants a moment of it need not play all that came before.
import type { Terminal } from '@xterm/headless'
import type { TerminalSize } from './cast.ts'
import { emulator, resize, show } from './emulator.ts'
import type { PromptPiece } from './prompts.ts'
import { snapshot } from './snapshot.ts'

/** What the terminal showed behind that event of its recording. */
export interface Keyframe {
  readonly number: number
  /** Unix ms. */
  readonly at: number
  readonly columns: number
  readonly rows: number
  /** Draws it on a blank terminal of that size. */
  readonly text: string
}

/** Characters between two of them: they are played in a few ms. */
const APART = 256 * 1024
const USUAL = { columns: 80, rows: 24 } as const

export class KeyframeReader {
  readonly #apart: number
  #screen: Terminal | undefined
  #size: TerminalSize = USUAL
  #since = 0

  constructor({ apart = APART } = {}) {
    this.#apart = apart
  }

  /** A keyframe behind this piece, when one is due. */
  read(piece: PromptPiece): Keyframe | undefined {
    if (piece.kind === 'size') {
      const { columns, rows } = piece.size
      if (columns === 0 || rows === 0) return undefined
      this.#size = piece.size
      if (this.#screen !== undefined) resize(this.#screen, columns, rows)
      return undefined
    }
    this.#screen ??= emulator(this.#size.columns, this.#size.rows, 0)
    show(this.#screen, piece.text)
    this.#since += piece.text.length
    const { at, number } = piece
    if (this.#since < this.#apart || number === undefined) return undefined
    const text = snapshot(this.#screen)
    // In the middle of something: after the next piece.
    if (text === undefined) return undefined
    this.#since = 0
    const { cols: columns, rows } = this.#screen
    return { number, at, columns, rows, text }
  }
}
