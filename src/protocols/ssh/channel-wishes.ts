// What a client asks for besides what it starts on a session channel: variables, a terminal and its size, its key agent and
// its display. Most of it before the start; after it, only the size still changes.
import type { Session as Ssh2Session, WindowChangeInfo } from 'ssh2'
import type { TerminalSize } from '#gateway'
import type { Terminal } from './session-start.ts'
import { readDisplay, type Wanted } from './tunnels/lent.ts'

/** Variables that decide what is shown, and nothing of what runs. */
const ENVIRONMENT = /^(?:LANG|LC_[A-Z]+|TERM|COLORTERM|NO_COLOR)$/
const MOST_VARIABLES = 32
const LONGEST_VALUE = 256
/** A terminal's side, as records and screens can hold it. */
const LARGEST_SIDE = 1_000
/** Between two changes of a terminal's size that are passed on: the last one counts. */
const RESIZE_MS = 50
/** Names of terminals, as they stand in the records. */
const TERMINAL = /^[\w.+-]{1,64}$/

export class ChannelWishes {
  readonly environment: Record<string, string> = {}
  /** What it would lend to the host. */
  readonly wanted: Wanted = { agent: false, display: undefined }
  readonly #onSize: (terminal: Terminal) => void
  #terminal: Terminal | undefined
  #resize: NodeJS.Timeout | undefined
  #started = false

  /** `onSize`: what runs is to hear of another size. */
  constructor(client: Ssh2Session, onSize: (terminal: Terminal) => void) {
    this.#onSize = onSize
    client.on('env', (accept, reject, { key, val }) => {
      const wanted =
        ENVIRONMENT.test(key) &&
        val.length <= LONGEST_VALUE &&
        Object.keys(this.environment).length < MOST_VARIABLES
      if (wanted) this.environment[key] = val
      // Most clients want no answer: then there is nothing to call.
      if (wanted) accept?.()
      else reject?.()
    })
    client.on('pty', (accept, _reject, terminal) => {
      // What runs has its terminal, or none.
      if (this.#started) return
      this.#terminal = { ...(terminal as unknown as Terminal), ...sized(terminal) }
      accept?.()
    })
    client.on('window-change', (accept, _reject, size) => {
      if (this.#terminal !== undefined) this.#terminal = { ...this.#terminal, ...sized(size) }
      this.#resize ??= setTimeout(() => this.#passSize(), RESIZE_MS)
      accept?.()
    })
    client.on('auth-agent', accept => {
      this.wanted.agent = !this.#started
      accept?.()
    })
    client.on('x11', (accept, reject, asked) => {
      const display = this.#started ? undefined : readDisplay(asked)
      this.wanted.display = display
      if (display === undefined) reject?.()
      else accept?.()
    })
  }

  get terminal(): Terminal | undefined {
    return this.#terminal
  }

  /** Its terminal's, as a record holds it. */
  get size(): TerminalSize | undefined {
    if (this.#terminal === undefined) return undefined
    const { cols, rows, term } = this.#terminal
    return { columns: cols, rows, type: TERMINAL.test(term) ? term : undefined }
  }

  /** Something starts, with what was asked for by now. */
  started(): void {
    this.#started = true
  }

  /** The client is gone. */
  end(): void {
    clearTimeout(this.#resize)
  }

  #passSize(): void {
    this.#resize = undefined
    if (this.#terminal !== undefined) this.#onSize(this.#terminal)
  }
}

function sized({ rows, cols, height, width }: WindowChangeInfo): WindowChangeInfo {
  return {
    rows: Math.min(rows, LARGEST_SIDE),
    cols: Math.min(cols, LARGEST_SIDE),
    height: Math.min(height, 65_535),
    width: Math.min(width, 65_535),
  }
}
