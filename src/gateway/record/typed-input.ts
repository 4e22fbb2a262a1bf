// What is typed on the terminals of a session, where the resource says that it is to be kept: line by line, as far as the
// terminal showed it back. What runs without a terminal shows nothing back, and what it is sent is never kept.
import { EchoedInput, type TypedPiece } from '#engines/terminal'
import type { SessionRecorder } from '#services/recording'

export class TypedInput {
  readonly #recorder: Pick<SessionRecorder, 'addInput'>
  /** By the entry of what runs there. */
  readonly #terminals = new Map<number, EchoedInput>()

  constructor(recorder: Pick<SessionRecorder, 'addInput'>) {
    this.#recorder = recorder
  }

  /** What runs has a terminal. */
  begin(entry: number): void {
    if (!this.#terminals.has(entry)) this.#terminals.set(entry, new EchoedInput())
  }

  typed(entry: number, at: number, bytes: Uint8Array): void {
    this.#keep(entry, this.#terminals.get(entry)?.typed(at, bytes))
  }

  shown(entry: number, bytes: Uint8Array): void {
    this.#keep(entry, this.#terminals.get(entry)?.shown(bytes))
  }

  end(entry: number): void {
    const terminal = this.#terminals.get(entry)
    this.#terminals.delete(entry)
    this.#keep(entry, terminal?.end())
  }

  #keep(entry: number, pieces: readonly TypedPiece[] = []): void {
    for (const piece of pieces)
      this.#recorder.addInput(piece.at, entry, 'text' in piece ? piece.text : undefined)
  }
}
