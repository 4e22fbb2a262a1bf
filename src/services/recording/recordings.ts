// All recordings of this node: starts them, lists their sessions, reads them back, erases them.
import { existsSync, mkdirSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Kysely, sql } from 'kysely'
import { type Shown, StreamTexts } from '#engines/terminal'
import {
  type CloseReason,
  InvalidRequest,
  type SessionId,
  type SessionMarks,
  type SessionSummary,
  type Unavailable,
} from '#model'
import { BegunSessions } from './begun-sessions.ts'
import { type BlockPlace, blockPlaces, openBlocks } from './blocks.ts'
import { writeEnded } from './ended-sessions.ts'
import { type EventPiece, eventPieces, firstEvent } from './event-pieces.ts'
import type { RecordedEvent } from './events.ts'
import { Keyframes } from './keyframes.ts'
import { rebuild } from './rebuild.ts'
import { type RecordedChunk, SessionRecorder } from './recorder.ts'
import { type RunFilter, RunList, type RunSummary } from './runs.ts'
import { forgetIn, SearchIndex } from './search-index.ts'
import { FEWEST_CHARACTERS, findSessions, type SessionFilter } from './session-search.ts'
import type { RecordingTables } from './tables.ts'
import { type Beginning, castOf, screenOf, shownOn, terminalOf } from './terminals.ts'
import { TypedCommandReader, type TypedCommands } from './typed-commands.ts'

/** What was typed is a file of its own, under a key of its own: this is its name. */
const inputOf = (session: string): string => `${session}-typed`

interface CastParts {
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

interface Part {
  readonly from?: number
  readonly mostCharacters?: number
}

/** A recording of so many blocks holds a MiB at most. */
const SHORT_BLOCKS = 2

/** What one reading gives: the rest is asked for with `from`. */
const MOST_READ_CHARACTERS = 16 * 1024 * 1024

export class Recordings {
  readonly #folder: string
  readonly #kysely: Kysely<RecordingTables>
  readonly #now: () => number
  readonly #onChunk: (chunk: RecordedChunk) => void
  readonly #forget: () => Promise<void>
  readonly #begun: BegunSessions
  readonly #index: SearchIndex
  readonly #open = new Map<string, SessionRecorder>()
  readonly #runs: RunList
  readonly #typed = new TypedCommandReader()
  readonly #keyframes: Keyframes
  readonly #timer: NodeJS.Timeout
  #rebuilding: Promise<number> | undefined
  #closing = false
  /** Sessions whose recordings are being erased, and the one that is read for the index. */
  readonly #erasing = new Set<string>()
  #reading: { readonly id: string; readonly done: Promise<unknown> } | undefined

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
    this.#folder = parts.folder
    this.#keyframes = new Keyframes(parts.folder)
    this.#kysely = parts.kysely
    this.#begun = new BegunSessions(parts.kysely)
    this.#runs = new RunList(parts.kysely)
    this.#now = parts.now
    this.#onChunk = parts.onChunk
    this.#forget = parts.forget ?? (async () => {})
    this.#index = new SearchIndex(parts.kysely, parts.onTrouble ?? (() => {}))
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    this.#timer = setInterval(() => {
      const now = this.#now()
      for (const recorder of this.#open.values()) recorder.flushIfDue(now)
      this.#index.tick(now)
    }, 1_000)
    this.#timer.unref()
  }

  /** Sessions that a crash left open are closed as `failed`; gives their ids. Call once at start. */
  async recover(): Promise<readonly string[]> {
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

  /** Begins a recording. `onFailure` is called once, when it cannot be kept: the session must end. */
  async start(
    session: SessionSummary,
    onFailure: (error: Unavailable) => void,
  ): Promise<SessionRecorder> {
    const key = SessionRecorder.newKey()
    const no = await this.#begun.add(session, key)
    const recorder = new SessionRecorder({
      session: session.id,
      file: this.#file(session.id),
      key,
      index: this.#index.begin(no),
      onChunk: this.#onChunk,
      onFailure,
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
      file: this.#file(name),
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
  async list(filter: SessionFilter): Promise<readonly SessionSummary[]> {
    const { table, text, class: dataClass, decision } = filter
    if (text !== undefined && [...text].length < FEWEST_CHARACTERS)
      throw new InvalidRequest(
        'request_invalid',
        `A text to look for has at least ${FEWEST_CHARACTERS} characters.`,
      )
    if ([table, text, dataClass, decision].some(each => each !== undefined)) await this.#settle()
    else await this.#index.settleQueued()
    const found = await findSessions(this.#kysely, filter)
    if (found.length === 0) return []
    const rows = await this.#kysely
      .selectFrom('recording_sessions')
      .selectAll()
      .where(sql<boolean>`no in (select value from json_each(${JSON.stringify(found)}))`)
      .execute()
    return rows.sort((a, b) => Number(b.no) - Number(a.no)).map(fromRow)
  }

  /** Reads what a crash left out of the index from the recordings. Gives how many sessions that were. */
  async indexMissing(): Promise<number> {
    const rebuilding = rebuild(this.#kysely, this.#index, {
      events: id => this.#pieces(id),
      isOpen: id => this.#open.has(id),
      stopped: () => this.#closing,
      unlessErased: (id, work) => this.#unlessErased(id, work),
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

  async get(id: string): Promise<SessionSummary> {
    await this.#index.settleQueued()
    const row = await this.#kysely
      .selectFrom('recording_sessions')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    if (row === undefined) throw unknown(id)
    return fromRow(row)
  }

  /**
   * The events of a session up to now, from number `from` on; a last event `cut` says that there are more. Throws
   * InvalidRequest when unknown, erased or damaged.
   */
  async read(id: string, within: Part = {}): Promise<readonly RecordedEvent[]> {
    await this.get(id)
    await this.#open.get(id)?.flush()
    return this.#read(id, within)
  }

  /** The same of what was typed on its terminals; nothing where none of it is kept. */
  async readInput(id: string, within: Part = {}): Promise<readonly RecordedEvent[]> {
    await this.get(id)
    await this.#open.get(id)?.flush()
    // An erased one is not one without it.
    await this.#key(id)
    return (await this.#hasInput(id)) ? this.#read(inputOf(id), within) : []
  }

  async #hasInput(id: string): Promise<boolean> {
    const row = await this.#kysely
      .selectFrom('recording_keys')
      .select('session')
      .where('session', '=', inputOf(id))
      .executeTakeFirst()
    // A key without a file: the session has not written any of it yet, or the process ended before it did.
    return row !== undefined && existsSync(this.#file(inputOf(id)))
  }

  async #read(
    id: string,
    { from = 0, mostCharacters = MOST_READ_CHARACTERS }: Part,
  ): Promise<readonly RecordedEvent[]> {
    const events: RecordedEvent[] = []
    let characters = 0
    for await (const { number, piece } of this.#numbered(id, from)) {
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
    await this.get(id)
    await this.#open.get(id)?.flush()
    for await (const piece of this.#pieces(id)) yield piece.event()
  }

  /**
   * What a terminal of the session showed, as the lines of an asciicast v3: the first one, or that of the statement with
   * this entry; with what was typed there, if that is wanted and kept; `from` a moment on, beginning with what it showed then. Throws as `read` does, and InvalidRequest when there is none; before the first line.
   */
  async *cast(id: string, { entry, input = false, from }: CastParts = {}): AsyncGenerator<string> {
    const beginning = await this.#beginning(id, entry, from)
    const typed = input ? this.#inputEvents(id) : undefined
    yield* castOf(beginning, this.#shown(id, beginning), typed)
  }

  /**
   * What the terminal of the session showed at that time, in Unix ms: pieces that draw it, in order. Throws as `cast` does, and
   * InvalidRequest when that is more than one answer may be.
   */
  async screen(id: string, at: number, entry?: number): Promise<ShownScreen> {
    const beginning = await this.#beginning(id, entry, at)
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
    for await (const shown of this.#shown(id, beginning)) {
      if (shown.at > at) break
      add(shown)
      if (characters > MOST_READ_CHARACTERS)
        throw new InvalidRequest(
          'request_conflict',
          'Too much came until then: read the recording.',
        )
    }
    return { entry: terminal.entry, at: terminal.at, text: terminal.text, pieces }
  }

  /** From its start, or the last screen that is kept by that time: they are made for it where there are none. */
  async #beginning(
    id: string,
    entry: number | undefined,
    at: number | undefined,
  ): Promise<Beginning> {
    const { endedAt } = await this.get(id)
    await this.#open.get(id)?.flush()
    if (at !== undefined && endedAt !== undefined && (await this.#isLong(id))) {
      const key = await this.#key(id)
      if (entry !== undefined) {
        const found = await this.#keyframes.before({ id, entry, key }, at)
        if (found !== undefined) return { ...found, at }
      }
      const terminal = await terminalOf(this.events(id), entry)
      const kept = { id, entry: terminal.entry, key }
      let found = await this.#keyframes.before(kept, at)
      if (found === undefined) {
        await this.#keyframes.make(kept, terminal, () => shownOn(this.#events(id, 0), terminal))
        found = await this.#keyframes.before(kept, at)
      }
      return { terminal, frame: found?.frame, at }
    }
    const terminal = await terminalOf(this.events(id), entry)
    return { terminal, frame: undefined, at: at ?? terminal.at }
  }

  /** A short one is played to any moment of it in no time; of one that lives no screens are kept. */
  async #isLong(id: string): Promise<boolean> {
    if (this.#open.has(id)) return false
    const file = await this.#openFile(id)
    try {
      return (await blockPlaces(file)).length > SHORT_BLOCKS
    } finally {
      await file.close()
    }
  }

  #shown(id: string, { terminal, frame }: Beginning): AsyncGenerator<Shown> {
    return shownOn(this.#events(id, frame === undefined ? 0 : frame.number + 1), terminal)
  }

  async *#inputEvents(id: string): AsyncGenerator<RecordedEvent> {
    if (await this.#hasInput(id))
      for await (const piece of this.#pieces(inputOf(id))) yield piece.event()
  }

  /**
   * What was typed at prompts of a terminal of the session, as far as its screen tells: an aid, no evidence. Throws as
   * `cast` does, and Unavailable.
   */
  async typedCommands(id: string, entry?: number): Promise<TypedCommands> {
    const terminal = await terminalOf(this.events(id), entry)
    return this.#typed.read(() => shownOn(this.#events(id, 0), terminal))
  }

  /** Live events of a session, each with its number in the recording; undefined when it does not run on this node. */
  watch(
    id: string,
    listener: (event: RecordedEvent, number: number) => void,
  ): (() => void) | undefined {
    return this.#open.get(id)?.watch(listener)
  }

  /** Throws InvalidRequest unless it has ended and has not been erased: what `erase` would destroy. */
  async erasable(id: string): Promise<void> {
    const { endedAt } = await this.get(id)
    if (endedAt === undefined || this.#open.has(id))
      throw new InvalidRequest('request_conflict', 'The session lives: end it first.')
    const row = await this.#kysely
      .selectFrom('recording_keys')
      .select('session')
      .where('session', '=', id)
      .executeTakeFirst()
    if (row === undefined)
      throw new InvalidRequest('request_unknown', `The recording of ${id} was erased.`)
  }

  /** Destroys the key, and what the session is found by: the recording can never be read again. Throws as `erasable` does. */
  async erase(id: string): Promise<void> {
    await this.erasable(id)
    this.#erasing.add(id)
    try {
      if (this.#reading?.id === id) await this.#reading.done
      await this.#settle()
      await this.#kysely.transaction().execute(store => erase(store, id))
    } finally {
      this.#erasing.delete(id)
    }
    await this.#forget()
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
  }

  async #unlessErased(id: string, work: () => Promise<boolean>): Promise<boolean> {
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

  async *#pieces(id: string): AsyncGenerator<EventPiece> {
    for await (const { piece } of this.#numbered(id, 0)) yield piece
  }

  async *#events(
    id: string,
    from: number,
  ): AsyncGenerator<{ number: number; event: RecordedEvent }> {
    for await (const { number, piece } of this.#numbered(id, from))
      yield { number, event: piece.event() }
  }

  /** From that event on: blocks before its own are not read, but for the few that are looked into to find it. */
  async *#numbered(
    id: string,
    from: number,
  ): AsyncGenerator<{ number: number; piece: EventPiece }> {
    const key = await this.#key(id)
    const file = await this.#openFile(id)
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

  async #key(id: string): Promise<Buffer> {
    const row = await this.#kysely
      .selectFrom('recording_keys')
      .select('key')
      .where('session', '=', id)
      .executeTakeFirst()
    if (row === undefined)
      throw new InvalidRequest('request_unknown', `The recording of ${id} was erased.`)
    return Buffer.from(row.key, 'hex')
  }

  #file(id: string): string {
    return join(this.#folder, `${id}.rec`)
  }

  async #openFile(id: string): Promise<FileHandle> {
    try {
      return await open(this.#file(id), 'r')
    } catch (cause) {
      throw new InvalidRequest('request_unknown', `The recording of ${id} is not on this node.`, {
        cause,
      })
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

/** The last block that begins with that event or an earlier one; undefined: the first. Looks into a few of them. */
async function placeOf(
  file: FileHandle,
  key: Buffer,
  event: number,
): Promise<(BlockPlace & { readonly first: number }) | undefined> {
  const places = await blockPlaces(file)
  let found: (BlockPlace & { readonly first: number }) | undefined
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

function unknown(id: string): InvalidRequest {
  return new InvalidRequest('request_unknown', `There is no session ${id.slice(0, 40)}.`)
}

type Row = RecordingTables['recording_sessions']

function fromRow(row: Row): SessionSummary {
  return {
    id: row.id as SessionId,
    resource: row.resource,
    protocol: row.protocol,
    principal: row.principal,
    principalKind: row.principal_kind === 'user' ? 'user' : 'agent',
    ...(row.actor === null ? {} : { actor: row.actor }),
    run: row.run,
    origin: { ip: row.ip, port: Number(row.port), client: row.client },
    startedAt: Number(row.started_at),
    ...(row.ended_at === null ? {} : { endedAt: Number(row.ended_at) }),
    ...(row.close_reason === null ? {} : { closeReason: row.close_reason as CloseReason }),
    statements: Number(row.statements),
    denied: Number(row.denied),
    rows: Number(row.rows),
    bytes: Number(row.bytes),
  }
}
