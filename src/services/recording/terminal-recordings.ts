// Terminals of recordings: as asciicasts, as screens of a moment, and what was typed at their prompts.
import { type Shown, StreamTexts } from '#engines/terminal'
import { InvalidRequest } from '#model'
import type { RecordedEvent } from './events.ts'
import { Keyframes } from './keyframes.ts'
import { inputOf, type RecordingFiles } from './recording-files.ts'
import { type Beginning, castOf, screenOf, shownOn, terminalOf } from './terminals.ts'
import { TypedCommandReader, type TypedCommands } from './typed-commands.ts'

/** Which recording, and whether more of it may come. */
export interface Recorded {
  readonly id: string
  readonly ended: boolean
}

export interface CastParts {
  readonly entry?: number | undefined
  readonly input?: boolean
  /** Unix ms. */
  readonly from?: number | undefined
}

/** What a terminal showed at a moment: what draws it on a blank one. */
export interface ShownScreen {
  /** Of what ran there, when it began, and its text. */
  readonly entry: number
  readonly at: number
  readonly text: string
  readonly pieces: readonly (
    | { readonly at: number; readonly text: string }
    | { readonly at: number; readonly columns: number; readonly rows: number }
  )[]
}

/** A recording of so many blocks holds a MiB at most: it is played to any moment of it in no time. */
const SHORT_BLOCKS = 2
/** Of one answer. */
const MOST_CHARACTERS = 16 * 1024 * 1024

export class TerminalRecordings {
  readonly #files: RecordingFiles
  readonly #keyframes: Keyframes
  readonly #typed = new TypedCommandReader()

  constructor(folder: string, files: RecordingFiles) {
    this.#files = files
    this.#keyframes = new Keyframes(folder)
  }

  async *cast(
    recorded: Recorded,
    { entry, input = false, from }: CastParts,
  ): AsyncGenerator<string> {
    const beginning = await this.#beginning(recorded, entry, from)
    const typed = input ? this.#input(recorded.id) : undefined
    yield* castOf(beginning, this.#shown(recorded.id, beginning), typed)
  }

  async screen(recorded: Recorded, at: number, entry?: number): Promise<ShownScreen> {
    const beginning = await this.#beginning(recorded, entry, at)
    const { terminal, frame } = beginning
    const pieces: ShownScreen['pieces'][number][] = []
    const texts = new StreamTexts()
    let characters = 0
    const add = (shown: Shown): void => {
      if (shown.kind === 'size') pieces.push({ at: shown.at, ...shown.size })
      if (shown.kind !== 'output') return
      const text = texts.read(shown)
      characters += text.length
      pieces.push({ at: shown.at, text })
    }
    if (frame !== undefined) {
      pieces.push({ at: frame.at, columns: frame.columns, rows: frame.rows })
      add(screenOf(frame))
    }
    for await (const shown of this.#shown(recorded.id, beginning)) {
      if (shown.at > at) break
      add(shown)
      if (characters > MOST_CHARACTERS)
        throw new InvalidRequest(
          'request_conflict',
          'Too much came until then: read the recording.',
        )
    }
    return { entry: terminal.entry, at: terminal.at, text: terminal.text, pieces }
  }

  async typedCommands({ id }: Recorded, entry?: number): Promise<TypedCommands> {
    const terminal = await terminalOf(this.#events(id), entry)
    return this.#typed.read(() => shownOn(this.#files.events(id), terminal))
  }

  /** From its start, or the last screen that is kept by that time: they are made for it where there are none. */
  async #beginning(
    { id, ended }: Recorded,
    entry: number | undefined,
    at: number | undefined,
  ): Promise<Beginning> {
    // Of one that lives no screens are kept: there would be others a moment later.
    if (at === undefined || !ended || (await this.#files.blocks(id)) <= SHORT_BLOCKS) {
      const terminal = await terminalOf(this.#events(id), entry)
      return { terminal, frame: undefined, at: at ?? terminal.at }
    }
    const key = await this.#files.key(id)
    if (entry !== undefined) {
      const found = await this.#keyframes.before({ id, entry, key }, at)
      if (found !== undefined) return { ...found, at }
    }
    const terminal = await terminalOf(this.#events(id), entry)
    const kept = { id, entry: terminal.entry, key }
    let found = await this.#keyframes.before(kept, at)
    if (found === undefined) {
      await this.#keyframes.make(kept, terminal, () => shownOn(this.#files.events(id), terminal))
      found = await this.#keyframes.before(kept, at)
    }
    return { terminal, frame: found?.frame, at }
  }

  #shown(id: string, { terminal, frame }: Beginning): AsyncGenerator<Shown> {
    const from = frame === undefined ? 0 : frame.number + 1
    return shownOn(this.#files.events(id, from), terminal)
  }

  async *#events(id: string): AsyncGenerator<RecordedEvent> {
    for await (const { event } of this.#files.events(id)) yield event
  }

  async *#input(id: string): AsyncGenerator<RecordedEvent> {
    if (await this.#files.hasInput(id)) yield* this.#events(inputOf(id))
  }
}
