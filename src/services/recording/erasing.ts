// The end of a recording: its key is destroyed, and whatever its session was found by. What is read for the index meanwhile is not
// written behind that.
import type { Kysely } from 'kysely'
import { InvalidRequest, type SessionSummary } from '#model'
import { inputOf } from './recording-files.ts'
import { forgetIn } from './search-index.ts'
import type { RecordingTables } from './tables.ts'

interface ErasingParts {
  /** It is still being written. */
  isOpen(id: string): boolean
  /** Throws InvalidRequest when it is unknown. */
  find(id: string): Promise<SessionSummary>
  /** Resolves when all that sessions are found by is in the store. */
  settle(): Promise<void>
  /** Makes the store lose what was deleted from it. */
  forget(): Promise<void>
}

export class Erasing {
  readonly #kysely: Kysely<RecordingTables>
  readonly #parts: ErasingParts
  readonly #erasing = new Set<string>()
  /** The one that is read for the index. */
  #reading: { readonly id: string; readonly done: Promise<unknown> } | undefined

  constructor(kysely: Kysely<RecordingTables>, parts: ErasingParts) {
    this.#kysely = kysely
    this.#parts = parts
  }

  /** Throws InvalidRequest unless it has ended and has not been erased. */
  async erasable(id: string): Promise<void> {
    const { endedAt } = await this.#parts.find(id)
    if (endedAt === undefined || this.#parts.isOpen(id))
      throw new InvalidRequest('request_conflict', 'The session lives: end it first.')
    const row = await this.#kysely
      .selectFrom('recording_keys')
      .select('session')
      .where('session', '=', id)
      .executeTakeFirst()
    if (row === undefined)
      throw new InvalidRequest('request_unknown', `The recording of ${id} was erased.`)
  }

  async erase(id: string): Promise<void> {
    await this.erasable(id)
    this.#erasing.add(id)
    try {
      if (this.#reading?.id === id) await this.#reading.done
      await this.#parts.settle()
      await this.#kysely.transaction().execute(store => erase(store, id))
    } finally {
      this.#erasing.delete(id)
    }
    await this.#parts.forget()
  }

  /** For who reads a recording to write of it into the store. False: it is being erased, and was not read. */
  async unlessErased(id: string, work: () => Promise<boolean>): Promise<boolean> {
    if (this.#erasing.has(id)) return false
    const done = work()
    // Who waits for it wants its end, not what came of it.
    const reading = { id, done: done.catch(() => false) }
    this.#reading = reading
    try {
      return await done
    } finally {
      if (this.#reading === reading) this.#reading = undefined
    }
  }
}

/** The keys, and all that the session is found by. */
async function erase(store: Kysely<RecordingTables>, id: string): Promise<void> {
  await store
    .deleteFrom('recording_keys')
    .where('session', 'in', [id, inputOf(id)])
    .execute()
  const { no } = await store
    .updateTable('recording_sessions')
    .set({ indexed: 1 })
    .where('id', '=', id)
    .returning('no')
    .executeTakeFirstOrThrow()
  await forgetIn(store, Number(no))
}
