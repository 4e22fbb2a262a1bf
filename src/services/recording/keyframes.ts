// Screens of a terminal's recording, kept beside it: whoever wants a moment of a long one begins at the screen before it.
// Made from the recording when somebody first jumps in it, once it has ended. They are drawn from the recording and prove
// nothing: where they cannot be made, kept or read, the recording itself is read from its beginning.
import { hash } from 'node:crypto'
import { open, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Keyframe, Shown } from '#engines/terminal'
import { isGatewayError, Unavailable } from '#model'
import { blockPlaces, MARK, openBlocks, sealBlock } from './blocks.ts'
import { ScreenReading } from './screen-reading.ts'
import type { Terminal } from './terminals.ts'

/** What stands in front of the screens: which terminal it is, and when each was. */
interface Contents {
  readonly terminal: Terminal
  readonly ats: readonly number[]
}

/** Screens of so many bytes are kept of one terminal; of a longer one each second, fourth, eighth. */
const MOST_BYTES = 16 * 1024 * 1024

export class Keyframes {
  readonly #folder: string
  readonly #reading = new ScreenReading<readonly Keyframe[]>(
    new URL('./keyframe-thread.ts', import.meta.url),
  )
  readonly #making = new Map<string, Promise<void>>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The terminal, and its last screen by that time; undefined where none is kept. */
  async before(
    { id, entry, key }: Kept,
    at: number,
  ): Promise<{ terminal: Terminal; frame: Keyframe | undefined } | undefined> {
    try {
      const file = await open(this.#file(id, entry), 'r')
      try {
        const own = keyOf(key)
        const [first, ...screens] = await blockPlaces(file)
        if (first === undefined) return undefined
        const { terminal, ats } = await read<Contents>(file, own, first)
        const last = ats.findLastIndex(each => each <= at)
        const place = screens[last]
        return { terminal, frame: place === undefined ? undefined : await read(file, own, place) }
      } finally {
        await file.close()
      }
    } catch {
      // Safe: not made yet, or not readable. The recording is.
      return undefined
    }
  }

  /** Makes and keeps them. Whoever asks meanwhile waits for the same. Never fails. */
  async make(kept: Kept, terminal: Terminal, shown: () => AsyncIterable<Shown>): Promise<void> {
    const file = this.#file(kept.id, kept.entry)
    const making =
      this.#making.get(file) ??
      this.#make(file, keyOf(kept.key), terminal, shown).finally(() => this.#making.delete(file))
    this.#making.set(file, making)
    await making
  }

  async #make(
    file: string,
    key: Buffer,
    terminal: Terminal,
    shown: () => AsyncIterable<Shown>,
  ): Promise<void> {
    try {
      const frames = fewer((await this.#reading.read(shown)).answers.flat())
      const contents: Contents = { terminal, ats: frames.map(({ at }) => at) }
      const blocks: Buffer[] = [MARK]
      for (const [number, part] of [contents, ...frames].entries())
        blocks.push((await sealBlock(Buffer.from(JSON.stringify(part)), key, number)).bytes)
      await writeFile(`${file}.new`, Buffer.concat(blocks), { mode: 0o600 })
      await rename(`${file}.new`, file)
    } catch (error) {
      // Safe: the recording is read from its beginning, as if there had been nothing to keep.
      if (isGatewayError(error) && !(error instanceof Unavailable)) throw error
    }
  }

  #file(id: string, entry: number): string {
    return join(this.#folder, `${id}.${entry}.screens`)
  }
}

/** Of which recording, under its key: what goes with the key goes with the screens. */
interface Kept {
  readonly id: string
  readonly entry: number
  readonly key: Buffer
}

/** Another key than that of the recording, whose blocks must not pass for screens, nor screens for them. */
function keyOf(recording: Buffer): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from('sallyport screens'), recording]), 'buffer')
}

function fewer(frames: readonly Keyframe[]): readonly Keyframe[] {
  const bytes = frames.reduce((sum, { text }) => sum + text.length, 0)
  return bytes <= MOST_BYTES ? frames : fewer(frames.filter((_, at) => at % 2 === 1))
}

async function read<Part>(
  file: Parameters<typeof openBlocks>[0],
  key: Buffer,
  place: NonNullable<Parameters<typeof openBlocks>[2]>,
): Promise<Part> {
  for await (const block of openBlocks(file, key, place)) return JSON.parse(block.toString('utf8'))
  throw new Error('there is no such block')
}
