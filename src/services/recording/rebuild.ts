// Reads sessions that are missing in the index from their recordings: those that a crash cut off, and those of before there
// was an index. One at a time, in the background of a start.
import type { Kysely } from 'kysely'
import { isGatewayError } from '#model'
import type { EventPiece } from './event-pieces.ts'
import { forgetIn, type Indexed, type SearchIndex } from './search-index.ts'
import type { RecordingTables } from './tables.ts'

/** Statements whose outcome is awaited. */
const MOST_AWAITED = 1_000

export async function rebuild(
  store: Kysely<RecordingTables>,
  index: SearchIndex,
  recordings: {
    /** Throws InvalidRequest when it is erased, not here, or damaged. */
    events(id: string): AsyncIterable<EventPiece>
    isOpen(id: string): boolean
    stopped(): boolean
    /** Does it unless the session is being erased, which waits meanwhile: nothing is written behind an erasure. */
    unlessErased(id: string, work: () => Promise<boolean>): Promise<boolean>
  },
): Promise<number> {
  let count = 0
  for (let before = Number.MAX_SAFE_INTEGER; ; ) {
    const row = await store
      .selectFrom('recording_sessions')
      .select(['id', 'no', 'ended_at'])
      .where('indexed', '=', 0)
      .where('no', '<', before)
      .orderBy('no', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (row === undefined || recordings.stopped()) return count
    before = Number(row.no)
    // What lives is on its own way there.
    if (row.ended_at === null || recordings.isOpen(row.id)) continue
    if (await recordings.unlessErased(row.id, () => again(row.id, before))) count += 1
  }

  async function again(id: string, no: number): Promise<boolean> {
    // It may have ended just now: what it knew is written first, and says that nothing is missing.
    await index.settle()
    const missing = await store
      .selectFrom('recording_sessions')
      .select('no')
      .where('no', '=', no)
      .where('indexed', '=', 0)
      .executeTakeFirst()
    if (missing === undefined) return false
    await forgetIn(store, no)
    const entry = index.begin({ no })
    await fill(entry, recordings.events(id))
    entry.end()
    await index.settle()
    return true
  }
}

async function fill(index: Indexed, pieces: AsyncIterable<EventPiece>): Promise<void> {
  const awaited = new Map<number, string>()
  try {
    for await (const piece of pieces) {
      const event = piece.event()
      if (event.kind === 'statement') {
        const { text, effect, objects, verbs } = event
        index.statement(text, effect, objects && verbs && { objects, verbs })
        if (awaited.size >= MOST_AWAITED) awaited.clear()
        if (effect === 'permit') awaited.set(event.entry, text)
      } else if (event.kind === 'outcome') {
        const text = awaited.get(event.entry)
        awaited.delete(event.entry)
        if (text !== undefined && event.masked !== undefined)
          index.masked(text, Object.keys(event.masked))
      }
    }
  } catch (error) {
    // Safe: an erased, lost or damaged recording is found by what could be read of it; its own reading says what is wrong.
    if (!isGatewayError(error)) throw error
  }
}
