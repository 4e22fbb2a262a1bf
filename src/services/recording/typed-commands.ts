// Commands as a terminal's screen tells of them: an aid, read anew whenever somebody asks.
import type { Shown, TypedCommand } from '#engines/terminal'
import type { Answered } from './prompt-thread.ts'
import { ScreenReading } from './screen-reading.ts'

export interface TypedCommands {
  readonly commands: readonly TypedCommand[]
  /** There is more than was read. */
  readonly cut: boolean
}

export class TypedCommandReader {
  readonly #reading: ScreenReading<Answered>

  constructor(bounds: { mostCharacters?: number } = {}) {
    this.#reading = new ScreenReading(new URL('./prompt-thread.ts', import.meta.url), bounds)
  }

  /** Throws what `shown` throws, and Unavailable when too many ask or the reading fails. */
  async read(shown: () => AsyncIterable<Shown>): Promise<TypedCommands> {
    const { answers, cut } = await this.#reading.read(shown)
    const { commands, full } = answers.at(-1) ?? { commands: [], full: true }
    return { commands, cut: cut || full }
  }
}
