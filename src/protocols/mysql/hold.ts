// The client's side of a wait for a person. The wire has no message that a server may send unasked: the client just
// waits, and is heard when it leaves or asks (KILL QUERY) to stop.
import type { Waiting } from '#gateway'

export class Hold implements Waiting {
  #controller: AbortController | undefined

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
