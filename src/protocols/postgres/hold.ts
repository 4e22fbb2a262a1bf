// The client's side of a wait for a person: tells it that it waits, and that it left or cancelled.
import type { Waiting } from '#gateway'
import { noticeResponse } from './messages.ts'
import type { Previewer } from './preview.ts'

export class Hold implements Waiting {
  readonly #say: (notice: Uint8Array) => void
  readonly preview?: Previewer
  #controller: AbortController | undefined

  /** `say` sends a message to the client at the next border of frames. */
  constructor(say: (notice: Uint8Array) => void, preview?: Previewer) {
    this.#say = say
    if (preview !== undefined) this.preview = preview
  }

  // Made only when somebody asks: most statements never wait, and a controller costs more than they do.
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  notify(message: string): void {
    this.#say(
      noticeResponse([
        ['S', 'NOTICE'],
        ['V', 'NOTICE'],
        ['C', '00000'],
        ['M', message],
      ]),
    )
  }

  /** The client left or cancelled. */
  abort(): void {
    this.#controller?.abort()
  }

  get aborted(): boolean {
    return this.#controller?.signal.aborted === true
  }

  /** For the next statement. */
  reset(): void {
    this.#controller = undefined
  }
}
