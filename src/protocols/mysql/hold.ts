// The client's side of a wait for a person. The wire has no message that a server may send unasked: the client just
// waits, and is heard when it leaves or asks (KILL QUERY) to stop.
import type { UpstreamAccess, Waiting } from '#gateway'
import type { Preview, Statement } from '#model'

/** What a statement would do, asked of the server apart from the session. */
export type Look = (statement: Statement, access: UpstreamAccess) => Promise<Preview>

export class Hold implements Waiting {
  readonly preview?: Look
  #controller: AbortController | undefined

  constructor(preview?: Look) {
    if (preview !== undefined) this.preview = preview
  }

  // Made only when somebody asks: most statements never wait, and a controller costs more than they do.
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  notify(): void {}

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
