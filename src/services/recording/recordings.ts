// All recordings of this node: starts and ends them, and reads them back.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import type { SessionMarks, SessionSummary, Unavailable } from '#model'
import { BegunJournal } from './begun-journal.ts'
import { BegunSessions, writeRows } from './begun-sessions.ts'
import { writeEnded } from './ended-sessions.ts'
import { Erasing } from './erasing.ts'
import type { RecordedEvent } from './events.ts'
import { rebuild } from './rebuild.ts'
import { type RecordedChunk, SessionRecorder } from './recorder.ts'
import { inputOf, RecordingFiles } from './recording-files.ts'
import { type RunFilter, RunList, type RunSummary } from './runs.ts'
import { SearchIndex } from './search-index.ts'
import { SessionList } from './session-list.ts'
import type { SessionFilter } from './session-search.ts'
import type { RecordingTables } from './tables.ts'
import {
  type CastParts,
  type Recorded,
  type ShownScreen,
  TerminalRecordings,
} from './terminal-recordings.ts'
import type { TypedCommands } from './typed-commands.ts'

interface Part {
  readonly from?: number
  readonly mostCharacters?: number
}

/** What one reading gives: the rest is asked for with `from`. */
const MOST_READ_CHARACTERS = 16 * 1024 * 1024
/** Sessions that begin, until the store has them. */
const JOURNAL = 'begun'

export class Recordings {
  readonly #kysely: Kysely<RecordingTables>
  readonly #now: () => number
  readonly #onChunk: (chunk: RecordedChunk) => void
  readonly #journal: BegunJournal
  readonly #begun: BegunSessions
  readonly #index: SearchIndex
  readonly #open = new Map<string, SessionRecorder>()
  readonly #sessions: SessionList
  readonly #runs: RunList
  readonly #files: RecordingFiles
  readonly #terminals: TerminalRecordings
  readonly #erasing: Erasing
  readonly #timer: NodeJS.Timeout
  #rebuilding: Promise<number> | undefined
  #closing = false

  constructor(parts: {
    folder: string
    kysely: Kysely<RecordingTables>
    now: () => number
    /** Called with each sealed block: it must go into the audit log. */
    onChunk: (chunk: RecordedChunk) => void
    /** Makes the store lose what was deleted from it: `Database.forget`. */
    forget?: () => Promise<void>
    /** The index could not be written: sessions are found again after the next start. For the operator's log. */
    onTrouble?: (error: unknown) => void
  }) {
    this.#files = new RecordingFiles(parts.folder, parts.kysely)
    this.#terminals = new TerminalRecordings(parts.folder, this.#files)
    this.#kysely = parts.kysely
    this.#runs = new RunList(parts.kysely)
    this.#now = parts.now
    this.#onChunk = parts.onChunk
    mkdirSync(parts.folder, { recursive: true, mode: 0o700 })
    this.#journal = new BegunJournal(join(parts.folder, JOURNAL))
    this.#begun = new BegunSessions(this.#journal)
    this.#index = new SearchIndex(parts.kysely, this.#begun, parts.onTrouble ?? (() => {}))
    this.#sessions = new SessionList(parts.kysely, this.#index, () => this.#settle())
    this.#erasing = new Erasing(parts.kysely, {
      isOpen: id => this.#open.has(id),
      find: id => this.get(id),
      settle: () => this.#settle(),
      forget: parts.forget ?? (async () => {}),
    })
    this.#timer = setInterval(() => {
      const now = this.#now()
      for (const recorder of this.#open.values()) recorder.flushIfDue(now)
      this.#index.tick(now)
    }, 1_000)
    this.#timer.unref()
  }

  /** Sessions that a crash left open are closed as `failed`; gives their ids. Call once at start. */
  async recover(): Promise<readonly string[]> {
    const { left } = this.#journal
    if (left.length > 0) await writeRows(this.#kysely, left)
    this.#journal.forget()
    const open = await this.#kysely
      .selectFrom('recording_sessions')
      .select('id')
      .where('ended_at', 'is', null)
      .execute()
    await this.#kysely
      .updateTable('recording_sessions')
      .set({ ended_at: this.#now(), close_reason: 'failed' })
      .where('ended_at', 'is', null)
      .execute()
    return open.map(({ id }) => id)
  }

  /**
   * Begins a recording. `onFailure` is called once, when it cannot be kept: the session must end. Its row is in the store a
   * moment later (before anything of it is in a file), and for whoever reads of sessions.
   */
  async start(
    session: SessionSummary,
    onFailure: (error: Unavailable) => void,
  ): Promise<SessionRecorder> {
    const key = SessionRecorder.newKey()
    const begun = this.#begun.add(session, key)
    this.#index.hasBegun()
    // The store did not take the one before: nobody is let in on its word.
    if (this.#begun.failing) await begun.stored
    const recorder = new SessionRecorder({
      session: session.id,
      file: this.#files.path(session.id),
      key,
      index: this.#index.begin(begun),
      onChunk: this.#onChunk,
      onFailure,
      ready: begun.stored,
      startInput: () => this.#startInput(session, onFailure),
    })
    this.#open.set(session.id, recorder)
    return recorder
  }

  #startInput(session: SessionSummary, onFailure: (error: Unavailable) => void): SessionRecorder {
    const key = SessionRecorder.newKey()
    const name = inputOf(session.id)
    const row = { session: name, key: key.toString('hex'), created_at: this.#now() }
    return new SessionRecorder({
      session: name,
      file: this.#files.path(name),
      key,
      // Nothing is found by what was typed.
      index: { statement: () => undefined, masked() {}, end() {} },
      onChunk: this.#onChunk,
      onFailure,
      ready: this.#kysely.insertInto('recording_keys').values(row).execute(),
    })
  }

  /** Ends a recording: its last block is on disk when this resolves. Whoever reads of the session reads that it has ended. */
  async end(session: SessionSummary, marks?: SessionMarks): Promise<void> {
    const ended = { session, marks }
    const recorder = this.#open.get(session.id)
    if (recorder === undefined) return writeEnded(this.#kysely, [ended])
    await recorder.close(ended)
    this.#open.delete(session.id)
  }

  /**
   * Newest first. Live sessions' counters are those of their start: the gateway knows the present ones. Throws
   * InvalidRequest when `before` is unknown, or `text` too short.
   */
  list(filter: SessionFilter): Promise<readonly SessionSummary[]> {
    return this.#sessions.list(filter)
  }

  /** Throws InvalidRequest when it is unknown. */
  get(id: string): Promise<SessionSummary> {
    return this.#sessions.get(id)
  }

  /** Reads what a crash left out of the index from the recordings. Gives how many sessions that were. */
  async indexMissing(): Promise<number> {
    const rebuilding = rebuild(this.#kysely, this.#index, {
      events: id => this.#files.pieces(id),
      isOpen: id => this.#open.has(id),
      stopped: () => this.#closing,
      unlessErased: (id, work) => this.#erasing.unlessErased(id, work),
    })
    // Whoever called hears of a failure; the end waits for its end only.
    this.#rebuilding = rebuilding.catch(() => 0)
    return rebuilding
  }

  /** Runs, newest first, among the latest thousand sessions. Live sessions count as they began. */
  async runs(filter: RunFilter): Promise<readonly RunSummary[]> {
    await this.#index.settleQueued()
    return this.#runs.list(filter)
  }

  /** When the sessions asked: those that have ended, and asked. */
  async marks(sessions: readonly string[]): Promise<ReadonlyMap<string, SessionMarks>> {
    await this.#index.settleQueued()
    return this.#runs.marks(sessions)
  }

  /**
   * The events of a session up to now, from number `from` on; a last event `cut` says that there are more. Throws
   * InvalidRequest when unknown, erased or damaged.
   */
  async read(id: string, within: Part = {}): Promise<readonly RecordedEvent[]> {
    await this.#present(id)
    return this.#read(id, within)
  }

  /** The same of what was typed on its terminals; nothing where none of it is kept. */
  async readInput(id: string, within: Part = {}): Promise<readonly RecordedEvent[]> {
    await this.#present(id)
    // An erased one is not one without it.
    await this.#files.key(id)
    return (await this.#files.hasInput(id)) ? this.#read(inputOf(id), within) : []
  }

  async #read(
    id: string,
    { from = 0, mostCharacters = MOST_READ_CHARACTERS }: Part,
  ): Promise<readonly RecordedEvent[]> {
    const events: RecordedEvent[] = []
    let characters = 0
    for await (const { number, piece } of this.#files.numbered(id, from)) {
      // At least one, or a reader would never get past an event that is larger than that.
      if (characters > 0 && characters + piece.size > mostCharacters) {
        events.push({ kind: 'cut', at: this.#now(), next: number })
        return events
      }
      characters += piece.size
      events.push(piece.event())
    }
    return events
  }

  /** All of them, one at a time. Throws as `read` does. */
  async *events(id: string): AsyncGenerator<RecordedEvent> {
    await this.#present(id)
    for await (const piece of this.#files.pieces(id)) yield piece.event()
  }

  /**
   * What a terminal of the session showed, as the lines of an asciicast v3: the first one, or that of the statement with
   * this entry; with what was typed there, if that is wanted and kept; from a moment on, it begins with what was shown then.
   * Throws as `read` does, and InvalidRequest when there is none; before the first line.
   */
  async *cast(id: string, parts: CastParts = {}): AsyncGenerator<string> {
    yield* this.#terminals.cast(await this.#present(id), parts)
  }

  /**
   * What the terminal of the session showed at that time, in Unix ms: pieces that draw it, in order. Throws as `cast` does, and
   * InvalidRequest when that is more than one answer may be.
   */
  async screen(id: string, at: number, entry?: number): Promise<ShownScreen> {
    return this.#terminals.screen(await this.#present(id), at, entry)
  }

  /**
   * What was typed at prompts of a terminal of the session, as far as its screen tells: an aid, no evidence. Throws as
   * `cast` does, and Unavailable.
   */
  async typedCommands(id: string, entry?: number): Promise<TypedCommands> {
    return this.#terminals.typedCommands(await this.#present(id), entry)
  }

  /** With all of it in its file. Throws InvalidRequest when it is unknown. */
  async #present(id: string): Promise<Recorded> {
    const { endedAt } = await this.get(id)
    await this.#open.get(id)?.flush()
    return { id, ended: endedAt !== undefined && !this.#open.has(id) }
  }

  /** Live events of a session, each with its number in the recording; undefined when it does not run on this node. */
  watch(
    id: string,
    listener: (event: RecordedEvent, number: number) => void,
  ): (() => void) | undefined {
    return this.#open.get(id)?.watch(listener)
  }

  /** Throws InvalidRequest unless it has ended and has not been erased: what `erase` would destroy. */
  erasable(id: string): Promise<void> {
    return this.#erasing.erasable(id)
  }

  /** Destroys the key, and what the session is found by: the recording can never be read again. Throws as `erasable` does. */
  erase(id: string): Promise<void> {
    return this.#erasing.erase(id)
  }

  /** All that sessions are found by is in the store, with what they put off. */
  async #settle(): Promise<void> {
    for (const recorder of this.#open.values()) recorder.gather()
    await this.#index.settle()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#closing = true
    await this.#rebuilding
    await Promise.all([...this.#open.values()].map(recorder => recorder.close()))
    await this.#settle()
    this.#journal.close()
  }
}
