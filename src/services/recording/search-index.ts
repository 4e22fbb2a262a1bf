// The index of statements in the store: what sessions are found by, and that they have begun and ended. Written in batches, off the
// way of any statement; what a crash left out of it is read from the recordings again. Texts are personal data: erasing a session takes its rows too.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import {
  type BegunSession,
  type BegunSessions,
  type Numbered,
  writeBegun,
} from './begun-sessions.ts'
import { type EndedSession, writeEnded } from './ended-sessions.ts'
import { type Batch, SessionIndex } from './session-index.ts'
import { CHUNKS, type RecordingTables } from './tables.ts'

/** A session's news wait so long, or until there are so many characters of them. */
const MOST_AGE_MS = 5_000
const MOST_WAITING = 32 * 1024
/** What ends is gathered for so long: many short sessions are one transaction. Whoever searches does not wait for it. */
const GATHER_MS = 250
/** What begins: its first block waits for its key. */
const GATHER_BEGUN_MS = 50
/** Written in one turn: some milliseconds of the one thread. */
const TURN_CHARACTERS = 32 * 1024
const TURN_SESSIONS = 64
/** What may wait for a slow store. Beyond it a session is read from its recording at the next start. */
const MOST_QUEUED = 16 * 1024 * 1024

interface Queued {
  readonly of: OpenIndex
  readonly batch: Batch
  readonly firstChunk: number
  readonly characters: number
  readonly last: boolean
  /** Set when with its index the session ends too. */
  readonly ended: EndedSession | undefined
}

/** One session's way into the index. */
export interface Indexed extends Pick<SessionIndex, 'statement' | 'masked'> {
  /** Nothing more comes. `ended`: nor of the session, which the store is to know. */
  end(ended?: EndedSession): void
}

export class SearchIndex {
  readonly #kysely: Kysely<RecordingTables>
  readonly #begun: BegunSessions
  readonly #onTrouble: (error: unknown) => void
  readonly #open = new Set<OpenIndex>()
  #queue: Queued[] = []
  #queued = 0
  /** How many batches were queued, and how many of them came to their end. */
  #taken = 0
  #done = 0
  #waiting: { readonly until: number; readonly resolve: () => void }[] = []
  #writing = false
  #gathering: NodeJS.Timeout | undefined
  #gatheringMs = 0

  constructor(
    kysely: Kysely<RecordingTables>,
    begun: BegunSessions,
    onTrouble: (error: unknown) => void,
  ) {
    this.#kysely = kysely
    this.#begun = begun
    this.#onTrouble = onTrouble
  }

  /** The session may get its number when it is written. */
  begin(session: Numbered): Indexed {
    const open = new OpenIndex(session, (last, ended) => this.#take(open, last, ended))
    this.#open.add(open)
    return open
  }

  /** A session waits in `begun`. */
  hasBegun(): void {
    this.#taken += 1
    if (this.#begun.failing) this.#writeNow()
    else this.#gather(GATHER_BEGUN_MS)
  }

  /** Takes what has waited long enough. Called by the owner's one timer. */
  tick(now: number): void {
    for (const open of this.#open) if (open.isDue(now)) this.#take(open, false)
  }

  /** All that is known now is in the store when this resolves, whatever comes meanwhile. */
  async settle(): Promise<void> {
    for (const open of this.#open) if (!open.index.isEmpty) this.#take(open, false)
    await this.settleQueued()
  }

  /** The same of what was handed over before: sessions that have begun or ended are in the store as such. */
  async settleQueued(): Promise<void> {
    const until = this.#taken
    if (this.#done >= until) return
    this.#writeNow()
    await new Promise<void>(resolve => this.#waiting.push({ until, resolve }))
  }

  #take(open: OpenIndex, last: boolean, ended?: EndedSession): void {
    let characters = open.index.pending
    let batch = open.index.take()
    open.since = undefined
    if (last) this.#open.delete(open)
    if (this.#queued + characters > MOST_QUEUED) open.lost = true
    if (open.lost) {
      if (ended === undefined) return
      characters = 0
      batch = NOTHING
    }
    this.#queue.push({
      of: open,
      batch,
      firstChunk: open.chunk,
      characters,
      last: last && !open.lost,
      ended,
    })
    open.chunk += batch.texts.length
    // Another million: by then it has run for months.
    if (open.chunk >= CHUNKS) open.lost = true
    this.#queued += characters
    this.#taken += 1
    if (this.#queued >= TURN_CHARACTERS) this.#writeNow()
    else this.#gather(GATHER_MS)
  }

  #gather(ms: number): void {
    if (this.#gathering !== undefined) {
      if (this.#gatheringMs <= ms) return
      clearTimeout(this.#gathering)
    }
    this.#gatheringMs = ms
    this.#gathering = setTimeout(() => this.#writeNow(), ms)
    // (What has begun is waited for by its own end.)
    if (ms === GATHER_MS) this.#gathering.unref()
  }

  #writeNow(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    if (!this.#writing) void this.#write()
  }

  /** Never rejects: what could not be written is not marked as indexed, and is read again at the next start. */
  async #write(): Promise<void> {
    this.#writing = true
    while (this.#queue.length > 0 || this.#begun.waiting > 0) {
      await nextTurn()
      let characters = 0
      let count = 0
      while (
        count < this.#queue.length &&
        count < TURN_SESSIONS &&
        (count === 0 || characters < TURN_CHARACTERS)
      )
        characters += this.#queue[count++]?.characters ?? 0
      const turn = this.#queue.splice(0, count)
      const begun = this.#begun.take()
      this.#queued -= characters
      try {
        await this.#kysely.transaction().execute(async store => {
          await writeBegun(store, begun)
          await write(store, turn)
        })
        this.#begun.settled(begun)
      } catch (error) {
        this.#onTrouble(error)
        for (const each of begun) await this.#beginAnyway(each)
        await this.#endAnyway(turn)
        // Safe: the recording has it all, and is read once more.
        for (const { of } of turn) of.lost = true
        const before = this.#queue.length
        this.#queue = this.#queue.flatMap(each => {
          if (!turn.some(({ of }) => of === each.of)) return each
          return each.ended === undefined
            ? []
            : { ...each, batch: NOTHING, characters: 0, last: false }
        })
        this.#done += before - this.#queue.length
        this.#queued = this.#queue.reduce((sum, each) => sum + each.characters, 0)
      }
      this.#done += turn.length + begun.length
      const waiting = this.#waiting
      this.#waiting = waiting.filter(({ until }) => until > this.#done)
      for (const { until, resolve } of waiting) if (until <= this.#done) resolve()
    }
    this.#writing = false
  }

  /** Nor from beginning. */
  async #beginAnyway(begun: BegunSession): Promise<void> {
    try {
      await this.#kysely.transaction().execute(store => writeBegun(store, [begun]))
      this.#begun.settled([begun])
    } catch (error) {
      // Safe: its session is told, and ends.
      this.#begun.lost(begun, error)
    }
  }

  /** What could not be written of the index keeps nobody from knowing which sessions have ended. */
  async #endAnyway(turn: readonly Queued[]): Promise<void> {
    try {
      await writeEnded(this.#kysely, endedIn(turn))
    } catch (error) {
      // Safe: those that are not closed in the store are closed at the next start, and the log has their end.
      this.#onTrouble(error)
    }
  }
}

const NOTHING: Batch = { facts: [], texts: [] }

function endedIn(turn: readonly Queued[]): readonly EndedSession[] {
  return turn.flatMap(({ ended }) => ended ?? [])
}

class OpenIndex implements Indexed {
  readonly session: Numbered
  readonly index = new SessionIndex()
  readonly #take: (last: boolean, ended?: EndedSession) => void
  chunk = 0
  /** When the first of what waits was seen by the timer. */
  since: number | undefined
  /** Something of it is missing in the store. */
  lost = false

  constructor(session: Numbered, take: (last: boolean, ended?: EndedSession) => void) {
    this.session = session
    this.#take = take
  }

  isDue(now: number): boolean {
    if (this.index.isEmpty) return false
    this.since ??= now
    return now - this.since >= MOST_AGE_MS
  }

  statement(
    ...given: Parameters<SessionIndex['statement']>
  ): ReturnType<SessionIndex['statement']> {
    const facts = this.index.statement(...given)
    if (facts !== undefined && this.index.pending >= MOST_WAITING) this.#take(false)
    return facts
  }

  masked(text: string, classes: Iterable<string>): void {
    this.index.masked(text, classes)
  }

  end(ended?: EndedSession): void {
    this.#take(true, ended)
  }
}

async function write(store: Kysely<RecordingTables>, turn: readonly Queued[]): Promise<void> {
  // (What never came into the store has nothing to be found by, and has ended.)
  const known = turn.flatMap(({ of, ...each }) => {
    const { no } = of.session
    return no === undefined ? [] : { no, ...each }
  })
  const facts = known.flatMap(({ no, batch }) =>
    batch.facts.map(({ kind, value, shape }) => [kind, value, no, shape]),
  )
  const texts = known.flatMap(({ no, batch, firstChunk }) =>
    batch.texts.map(({ shape, text }, at) => [no * CHUNKS + firstChunk + at, shape, text]),
  )
  const done = known.flatMap(({ no, last }) => (last ? [no] : []))
  await writeEnded(store, endedIn(turn))
  if (facts.length > 0) {
    await sql`insert into recording_facts (kind, value, no, shape)
      select value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each(${JSON.stringify(facts)}) where true
      on conflict do nothing`.execute(store)
  }
  if (texts.length > 0) {
    await sql`insert into recording_texts (rowid, shape, text)
      select value ->> 0, value ->> 1, value ->> 2 from json_each(${JSON.stringify(texts)})`.execute(
      store,
    )
  }
  if (done.length > 0)
    await store
      .updateTable('recording_sessions')
      .set({ indexed: 1 })
      .where(sql<boolean>`no in (select value from json_each(${JSON.stringify(done)}))`)
      .execute()
}

/** Takes all rows of a session out of the index. */
export async function forgetIn(store: Kysely<RecordingTables>, no: number): Promise<void> {
  await store.deleteFrom('recording_facts').where('no', '=', no).execute()
  await sql`delete from recording_texts where rowid >= ${no * CHUNKS} and rowid < ${(no + 1) * CHUNKS}`.execute(
    store,
  )
}
