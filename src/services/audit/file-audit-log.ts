// The log over files: puts entries into their frames and out with one write, grows the tree, and keeps itself signed. When the
// disk fails it says so by refusing, and goes on by itself once a record can be written whole again.
import {
  encodeRecord,
  FRAME_HEADER_BYTES,
  MOST_RECORD_BYTES,
  writeFrameHeader,
} from '#engines/merkle'
import { type AuditEntry, type JsonObject, Unavailable } from '#model'
import type { AppendedRecord, AuditLog, Batch, RecurringEntry } from './audit-log.ts'
import type { Checkpointer } from './checkpointer.ts'
import type { GroupCommit } from './group-commit.ts'
import { type GrowingTree, KEPT_BYTES } from './growing-tree.ts'
import type { PublishedLog } from './published-log.ts'
import type { RecordReader } from './record-reader.ts'
import type { SegmentWriter } from './segment-writer.ts'

/** So long may heads fail to be signed before appends are refused: evidence without a head can be altered. */
const MOST_UNSIGNED_MS = 10_000
/** Header and record of one frame while it is written. UTF-8 takes at most three bytes for each UTF-16 unit. */
const MOST_ROOM = FRAME_HEADER_BYTES + 3 * MOST_RECORD_BYTES

export interface LogParts {
  readonly origin: string
  readonly vkey: string
  readonly now: () => number
  readonly tree: GrowingTree
  readonly writer: SegmentWriter
  readonly commits: GroupCommit
  readonly checkpointer: Checkpointer
  readonly reader: RecordReader
  readonly published: PublishedLog
  readonly checkpointMs: number
  readonly heartbeatMs: number
  /** Lets go of the folder after the last head; `clean` when that was signed. */
  readonly release: (clean: boolean) => void
}

export class FileAuditLog implements AuditLog {
  readonly #parts: LogParts
  /** What was entered and not written yet: frames, and where they end. */
  readonly #frames = Buffer.alloc(KEPT_BYTES)
  #ends: number[] = []
  #used = 0
  #batch: { state: Batch['state'] } = { state: 'written' }
  /** The same as values, while somebody listens. */
  #heard: JsonObject[] = []
  readonly #listeners = new Set<(appended: AppendedRecord) => void>()
  readonly #timer: NodeJS.Timeout | undefined
  #writeFailed = false
  #syncFailed = false
  /** Since when we try to sign a head without having signed one (Unix ms). */
  #unsignedSince: number | undefined
  #signing = 0
  #closed = false
  #ticking: Promise<void> | undefined
  #heartbeatAt: number
  #second = { ms: Number.NaN, text: '' }

  constructor(parts: LogParts) {
    this.#parts = parts
    this.#heartbeatAt = parts.now() + parts.heartbeatMs
    if (parts.checkpointMs > 0) {
      this.#timer = setInterval(() => void this.#tick(), parts.checkpointMs)
      this.#timer.unref()
    }
  }

  get origin(): string {
    return this.#parts.origin
  }

  get vkey(): string {
    return this.#parts.vkey
  }

  get size(): number {
    return this.#parts.tree.size
  }

  get failed(): boolean {
    return this.#writeFailed || this.#refusal() !== undefined
  }

  get published(): PublishedLog {
    return this.#parts.published
  }

  append(entry: AuditEntry | RecurringEntry): number {
    const index = this.enter(entry)
    this.flush()
    return index
  }

  get batch(): Batch {
    return this.#batch
  }

  enter(entry: AuditEntry | RecurringEntry): number {
    const refusal = this.#refusal()
    if (refusal !== undefined) throw unavailable(refusal)
    const frames = this.#frames
    const room = 'form' in entry ? FRAME_HEADER_BYTES + entry.form.mostBytes : MOST_ROOM
    if (frames.length - this.#used < room) this.flush()
    const at = this.#used
    const index = this.size + this.#ends.length
    const ts = this.#time(this.#parts.now())
    const start = at + FRAME_HEADER_BYTES
    const length =
      'form' in entry ? this.#fill(entry, start, index, ts) : this.#encode(entry, start, index, ts)
    writeFrameHeader(frames, at, length)
    if (this.#listeners.size > 0) {
      const told = 'form' in entry ? entry.form.entry(entry.commitment) : entry
      this.#heard.push({ ...told, seq: index, ts } as unknown as JsonObject)
    }
    if (this.#ends.length === 0) this.#batch = { state: 'waiting' }
    this.#used = start + length
    this.#ends.push(this.#used)
    return index
  }

  flush(): void {
    if (this.#ends.length === 0) return
    const { tree, writer } = this.#parts
    const ends = this.#ends
    const heard = this.#heard
    const first = tree.size
    this.#ends = []
    this.#used = 0
    if (heard.length > 0) this.#heard = []
    try {
      writer.write(this.#frames, ends)
    } catch (cause) {
      // Full, broken or read-only: these entries are not on record, so whatever they are for must not happen.
      this.#writeFailed = true
      this.#batch.state = 'lost'
      throw unavailable('The audit log cannot be written.', cause)
    }
    this.#writeFailed = false
    this.#batch.state = 'written'
    tree.append(this.#frames, ends)
    for (let at = 0; at < heard.length; at++) this.#tell(first + at, heard[at] as JsonObject)
  }

  durable(index: number): Promise<void> {
    try {
      this.flush()
    } catch (error) {
      // Nothing was written, so nothing is durable: whoever asked is told.
      return Promise.reject(error)
    }
    if (index >= this.size) return Promise.reject(unavailable('No such record.'))
    return this.#syncFailed
      ? Promise.reject(unavailable('The audit log could not be brought to the disk.'))
      : this.#parts.commits.durable(index)
  }

  onAppend(listener: (appended: AppendedRecord) => void): () => void {
    try {
      // What was entered so far was kept for nobody's ears: it is past, and can be read.
      this.flush()
    } catch {
      // Safe: whoever entered it finds it lost.
    }
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async read(from: number, count: number): Promise<readonly JsonObject[]> {
    this.flush()
    return this.#parts.reader.read(from, count)
  }

  async checkpoint(): Promise<string> {
    const { checkpointer, now } = this.#parts
    try {
      this.flush()
    } catch {
      // Whoever entered it finds it lost; what is on record already is signed as ever.
    }
    // Counted from the first try on, not from its failure: a disk that hangs never fails.
    this.#unsignedSince ??= now()
    this.#signing++
    try {
      const note = await checkpointer.sign()
      this.#unsignedSince = this.#signing > 1 ? now() : undefined
      return note
    } catch (cause) {
      // Not signed: nothing was promised. Appends go on for a while, then they stop.
      throw unavailable('The head of the audit log cannot be signed.', cause)
    } finally {
      this.#signing--
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    await this.#ticking
    let clean = false
    try {
      await this.checkpoint()
      clean = true
    } catch {
      // The next start finds the log longer than its last head, and takes the rest in again.
    }
    await this.#parts.commits.idle()
    this.#parts.writer.close()
    this.#parts.release(clean)
  }

  /** Called when a sync failed: nothing is accepted until the same bytes were written and synced again. */
  syncFailed(): void {
    this.#syncFailed = true
  }

  #refusal(): string | undefined {
    if (this.#closed) return 'The audit log is closed.'
    if (this.#syncFailed) return 'The audit log could not be brought to the disk.'
    const since = this.#unsignedSince
    if (since !== undefined && this.#parts.now() - since >= MOST_UNSIGNED_MS) {
      return 'The head of the audit log cannot be signed.'
    }
    return undefined
  }

  #fill({ form, commitment }: RecurringEntry, start: number, index: number, ts: string): number {
    if (form.mostBytes > MOST_RECORD_BYTES) throw unavailable('This cannot be put on record.')
    return form.write(this.#frames, start, commitment, index, ts) - start
  }

  #encode(entry: AuditEntry, start: number, index: number, ts: string): number {
    let length: number
    try {
      const text = encodeRecord(entry, index, ts)
      if (text.length > MOST_RECORD_BYTES) throw new RangeError('the record is too long')
      length = this.#frames.write(text, start, 'utf8')
      if (length > MOST_RECORD_BYTES) throw new RangeError('the record is too long')
    } catch (cause) {
      // The entry, not the log, is at fault; but what cannot be put on record must not happen either.
      throw unavailable('This cannot be put on record.', cause)
    }
    return length
  }

  #time(ms: number): string {
    if (ms !== this.#second.ms) this.#second = { ms, text: new Date(ms).toISOString() }
    return this.#second.text
  }

  #tell(index: number, record: JsonObject): void {
    for (const listener of this.#listeners) {
      try {
        listener({ index, record })
      } catch {
        // The record stands, and the caller of `append` must not fail for somebody who only watches.
      }
    }
  }

  /** Every second: mend what failed, sign what grew, show that we live. One at a time. */
  #tick(): Promise<void> {
    this.#ticking ??= this.#maintain().finally(() => {
      this.#ticking = undefined
    })
    return this.#ticking
  }

  /** A clock that was set back must not silence us until it is there again. */
  #isHeartbeatDue(now: number, heartbeatMs: number): boolean {
    return now >= this.#heartbeatAt || now < this.#heartbeatAt - heartbeatMs
  }

  async #maintain(): Promise<void> {
    const { now, heartbeatMs, commits, writer } = this.#parts
    try {
      if (this.#syncFailed) {
        await commits.idle()
        if (!writer.rewriteUnsynced()) return
        await writer.sync()
        this.#syncFailed = false
      }
      await this.checkpoint()
    } catch {
      // `failed` says it, and the next tick tries again.
    }
    if (this.#closed || !(this.#isHeartbeatDue(now(), heartbeatMs) || this.#writeFailed)) return
    try {
      // While writing fails this is also the probe that finds the disk mended when nobody else tries.
      this.append({ kind: 'log.heartbeat' })
      this.#heartbeatAt = now() + heartbeatMs
    } catch {
      // Still failing: `failed` stays, and the next tick tries again.
    }
  }
}

function unavailable(message: string, cause?: unknown): Unavailable {
  return new Unavailable('audit_unavailable', message, { cause })
}
