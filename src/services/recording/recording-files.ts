// The files of recordings, and their keys: read from any event on, blocks one at a time.
import { existsSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { InvalidRequest } from '#model'
import { type BlockPlace, blockPlaces, openBlocks } from './blocks.ts'
import { type EventPiece, eventPieces, firstEvent } from './event-pieces.ts'
import type { RecordedEvent } from './events.ts'
import type { RecordingTables } from './tables.ts'

/** What was typed is a file of its own, under a key of its own: this is its name. */
export const inputOf = (session: string): string => `${session}-typed`

export class RecordingFiles {
  readonly #folder: string
  readonly #kysely: Kysely<RecordingTables>

  constructor(folder: string, kysely: Kysely<RecordingTables>) {
    this.#folder = folder
    this.#kysely = kysely
  }

  path(id: string): string {
    return join(this.#folder, `${id}.rec`)
  }

  /** Throws InvalidRequest when it was erased. */
  async key(id: string): Promise<Buffer> {
    const key = await this.#keyOf(id)
    if (key === undefined)
      throw new InvalidRequest('request_unknown', `The recording of ${id} was erased.`)
    return Buffer.from(key, 'hex')
  }

  /** Whether anything that was typed in the session is there to be read. */
  async hasInput(id: string): Promise<boolean> {
    // A key without a file: the session has not written any of it yet, or the process ended before it did.
    return existsSync(this.path(inputOf(id))) && (await this.#keyOf(inputOf(id))) !== undefined
  }

  async blocks(id: string): Promise<number> {
    const file = await this.#open(id)
    try {
      return (await blockPlaces(file)).length
    } finally {
      await file.close()
    }
  }

  async *events(
    id: string,
    from = 0,
  ): AsyncGenerator<{ readonly number: number; readonly event: RecordedEvent }> {
    for await (const { number, piece } of this.numbered(id, from))
      yield { number, event: piece.event() }
  }

  async *pieces(id: string): AsyncGenerator<EventPiece> {
    for await (const { piece } of this.numbered(id, 0)) yield piece
  }

  /**
   * From that event on: blocks before its own are not read, but for the few that are looked into to find it. Throws
   * InvalidRequest when it was erased, is elsewhere, or is damaged.
   */
  async *numbered(
    id: string,
    from: number,
  ): AsyncGenerator<{ readonly number: number; readonly piece: EventPiece }> {
    const key = await this.key(id)
    const file = await this.#open(id)
    try {
      const place = from === 0 ? undefined : await placeOf(file, key, from)
      let number = place?.first ?? 0
      for await (const block of openBlocks(file, key, place))
        for (const piece of eventPieces(block)) {
          if (number >= from) yield { number, piece }
          number += 1
        }
    } finally {
      await file.close()
    }
  }

  async #keyOf(id: string): Promise<string | undefined> {
    const row = await this.#kysely
      .selectFrom('recording_keys')
      .select('key')
      .where('session', '=', id)
      .executeTakeFirst()
    return row?.key
  }

  async #open(id: string): Promise<FileHandle> {
    try {
      return await open(this.path(id), 'r')
    } catch (cause) {
      throw new InvalidRequest('request_unknown', `The recording of ${id} is not on this node.`, {
        cause,
      })
    }
  }
}

type BlockAt = BlockPlace & { readonly first: number }

/** The last block that begins with that event or an earlier one; undefined: the first. Looks into a few of them. */
async function placeOf(file: FileHandle, key: Buffer, event: number): Promise<BlockAt | undefined> {
  const places = await blockPlaces(file)
  let found: BlockAt | undefined
  for (let low = 1, high = places.length; low < high; ) {
    const middle = (low + high) >> 1
    const place = places[middle]
    if (place === undefined) return found
    let first: number | undefined
    for await (const block of openBlocks(file, key, place)) {
      first = firstEvent(block)
      break
    }
    // A recording of before blocks said it.
    if (first === undefined) return undefined
    if (first <= event) {
      found = { ...place, first }
      low = middle + 1
    } else high = middle
  }
  return found
}
