// The emulator, behind a guard: hosts send whatever they like, and the library throws at some of it.
import { Terminal } from '@xterm/headless/lib-headless/xterm-headless.mjs'

interface Insides {
  readonly _core: {
    readonly _inputHandler: {
      parse(text: string): unknown
      eraseInDisplay(params: { readonly params: readonly number[] }): boolean
    }
  }
}

/** Lines above the screen that are still there. */
const SCROLLBACK = 200

export function emulator(columns: number, rows: number, scrollback = SCROLLBACK): Terminal {
  const made = new Terminal({
    cols: columns,
    rows,
    scrollback,
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
        return handlerOf(made).eraseInDisplay({ params: [2] })
      },
    )
  return made
}

/** Shows the text, in this very turn. Where the library fails the screen is blank, and goes on. */
export function show(on: Terminal, text: string): void {
  try {
    handlerOf(on).parse(text)
  } catch {
    // Safe: nothing but a screen that people look at comes of it.
    on.reset()
  }
}

export function resize(on: Terminal, columns: number, rows: number): void {
  try {
    if (columns > 0 && rows > 0) on.resize(columns, rows)
  } catch {
    // Safe: as above.
    on.reset()
  }
}

function handlerOf(of: Terminal): Insides['_core']['_inputHandler'] {
  return (of as unknown as Insides)._core._inputHandler
}
