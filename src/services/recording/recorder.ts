// Writes one session's recording. Events are gathered in memory and sealed as blocks of 512 KiB or 5 s, so
// a crash costs at most the last block of the recording; the audit log has its own, stricter rule.
import { hash, randomBytes } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import { type Statement, Unavailable } from '#model'
import { MARK, sealBlock } from './blocks.ts'
import type { EndedSession } from './ended-sessions.ts'
import { EventLines } from './event-lines.ts'
import { outputEvent } from './event-pieces.ts'
import type { RecordedEvent } from './events.ts'
import type { Indexed } from './search-index.ts'

/** What is done for each block, and the compressor's start, cost as much as some 250 KiB of it do. */
const BLOCK_BYTES = 512 * 1024
const BLOCK_AGE_MS = 5_000
/** What may wait for a slow disk before the session has to end. */
const MOST_PENDING_BYTES = 8 * 1024 * 1024
/** Whoever can wait (a stream of output) should, from here on. */
const BEHIND_BYTES = 2 * 1024 * 1024

/** One sealed block, for the audit log. */
export interface RecordedChunk {
  readonly session: string
  readonly chunk: number
  readonly sha256: string
  readonly bytes: number
}

/** `number`: which event of the recording it is, from 0 on. */
type Listener = (event: RecordedEvent, number: number) => void

export class SessionRecorder {
  readonly #session: string
  readonly #file: string
  readonly #key: Uint8Array
  readonly #index: Indexed
  readonly #onChunk: (chunk: RecordedChunk) => void
  readonly #onFailure: (error: Unavailable) => void
  readonly #listeners = new Set<Listener>()
  #events = 0
  /** What the next block is made of. */
  readonly #lines = new EventLines()
  #firstAt = 0
  #pending = 0
  #late: (() => void) | undefined
  #chunks = 0
  #writing: Promise<void> = Promise.resolve()
  #failed = false
  readonly #ready: Promise<unknown> | undefined
  readonly #startInput: (() => SessionRecorder) | undefined
  #input: SessionRecorder | undefined

  constructor(parts: {
    session: string
    file: string
    key: Uint8Array
    index: Indexed
    onChunk: (chunk: RecordedChunk) => void
    onFailure: (error: Unavailable) => void
    /** What has to be done before anything is written. */
    ready?: Promise<unknown>
    /** Begins what is kept apart. */
    startInput?: () => SessionRecorder
  }) {
    this.#session = parts.session
    this.#file = parts.file
    this.#key = parts.key
    this.#index = parts.index
    this.#onChunk = parts.onChunk
    this.#onFailure = parts.onFailure
    this.#startInput = parts.startInput
    this.#ready = parts.ready
    this.#ready?.catch(error => this.#fail(error))
  }

  static newKey(): Buffer {
    return randomBytes(32)
  }

  /** What the audit log's commitments are salted with: without the key it cannot be had. */
  get salt(): string {
    return hash(
      'sha256',
      Buffer.concat([Buffer.from('sallyport commitment salt'), this.#key]),
      'hex',
    )
  }

  /** `of`: the statement that it is about; not kept. */
  add(given: RecordedEvent, of?: Pick<Statement, 'text' | 'operations'>): void {
    if (this.#failed) return
    const event = this.#find(given, of)
    if (this.#lines.length === 0) this.#begin(event.at)
    this.#lines.add(event)
    const number = this.#events++
    if (this.#listeners.size > 0) this.#tell(event, number)
    if (this.#lines.length >= BLOCK_BYTES) this.#seal()
    this.#bound()
  }

  /** A piece of what a statement put out. Copied. */
  addOutput(at: number, entry: number, stream: 'output' | 'error', bytes: Uint8Array): void {
    if (this.#failed) return
    if (this.#lines.length + bytes.length > BLOCK_BYTES && this.#lines.length > 0) this.#seal()
    if (this.#lines.length === 0) this.#begin(at)
    this.#lines.addOutput(at, entry, stream, bytes)
    const number = this.#events++
    if (this.#listeners.size > 0)
      this.#tell(
        outputEvent(
          { at, entry, stream },
          Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
        ),
        number,
      )
    if (this.#lines.length >= BLOCK_BYTES) this.#seal()
    this.#bound()
  }

  /** What was typed is kept apart from what was shown: another file, under another key. */
  addInput(at: number, entry: number, text: string | undefined): void {
    if (this.#failed) return
    this.#input ??= this.#startInput?.()
    this.#input?.add({ kind: 'input', at, entry, ...(text === undefined ? {} : { text }) })
  }

  /** What it is to be found by goes into the index, and at first into the recording too. */
  #find(
    event: RecordedEvent,
    of: Pick<Statement, 'text' | 'operations'> | undefined,
  ): RecordedEvent {
    if (event.kind === 'outcome') {
      if (event.masked !== undefined && of !== undefined)
        this.#index.masked(of.text, Object.keys(event.masked))
      return event
    }
    if (event.kind !== 'statement') return event
    const facts = this.#index.statement(event.text, event.effect, of?.operations)
    return facts === undefined ? event : { ...event, ...facts }
  }

  /** Set while the disk is behind: resolves when what waits for it is written. */
  get behind(): Promise<void> | undefined {
    return this.#pending > BEHIND_BYTES ? this.#writing : undefined
  }

  /** Seals what is older than 5 s. Called by the owner's one timer. */
  flushIfDue(now: number): void {
    if (this.#lines.length > 0 && now - this.#firstAt >= BLOCK_AGE_MS) this.#seal()
    this.#input?.flushIfDue(now)
  }

  /** `bring` adds events that were put off: it is called when somebody wants the present. */
  bringsLate(bring: () => void): void {
    this.#late = bring
  }

  /** What was put off is added. */
  gather(): void {
    this.#late?.()
  }

  /** Somebody sees each event as it comes: nothing should be put off. */
  get watched(): boolean {
    return this.#listeners.size > 0
  }

  /** Live events, for whoever watches. */
  watch(listener: Listener): () => void {
    this.gather()
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Seals everything now: for a reader who wants the present. */
  async flush(): Promise<void> {
    this.gather()
    if (this.#lines.length > 0) this.#seal()
    await Promise.all([this.#writing, this.#input?.flush()])
  }

  /** `ended`: how it ended, for the store. */
  async close(ended?: EndedSession): Promise<void> {
    await this.flush()
    await this.#input?.close()
    this.#index.end(ended)
    this.#listeners.clear()
  }

  /** A block begins, and says with which event. */
  #begin(at: number): void {
    this.#firstAt = at
    if (this.#events > 0) this.#lines.begin(this.#events)
  }

  #bound(): void {
    if (this.#pending > MOST_PENDING_BYTES) this.#fail(new Error('the disk does not keep up'))
  }

  #tell(event: RecordedEvent, number: number): void {
    for (const listener of this.#listeners) {
      try {
        listener(event, number)
      } catch {
        // Safe: who only watches must not end what is watched; it is not called again.
        this.#listeners.delete(listener)
      }
    }
  }

  #seal(): void {
    const lines = this.#lines.take()
    const number = this.#chunks++
    this.#pending += lines.length
    this.#writing = this.#writing.then(async () => {
      if (this.#failed) return
      try {
        if (this.#ready !== undefined) await this.#ready
        const { bytes, sha256 } = await sealBlock(lines, this.#key, number)
        EventLines.giveBack(lines)
        await appendFile(this.#file, number === 0 ? Buffer.concat([MARK, bytes]) : bytes, {
          mode: 0o600,
        })
        this.#pending -= lines.length
        this.#onChunk({ session: this.#session, chunk: number, sha256, bytes: bytes.length - 4 })
      } catch (error) {
        // Safe: the failure ends the session (the owner is told); nothing goes on unrecorded.
        this.#fail(error)
      }
    })
  }

  #fail(cause: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#lines.take()
    this.#onFailure(
      new Unavailable(
        'recording_unavailable',
        'The session cannot be recorded, so it cannot go on.',
        { cause },
      ),
    )
  }
}
