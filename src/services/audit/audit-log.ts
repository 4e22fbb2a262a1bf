// The log as the rest of the gateway sees it. The rules of the format are in docs/spec/audit-log.md.
import type { RecordForm } from '#engines/merkle'
import type { AuditEntry, JsonObject } from '#model'
import type { LogFiles } from './files.ts'
import type { PublishedLog } from './published-log.ts'

/** An entry as it stands in the log: the entry's parts with `seq` and `ts`. */
export interface AppendedRecord {
  readonly index: number
  readonly record: JsonObject
}

/** An entry that recurs but for its commitment (64 hex digits): its text is kept by who appends it. */
export interface RecurringEntry {
  readonly form: RecordForm
  readonly commitment: string
}

/** Entries that go out with one write: all of them are on record afterwards, or none is. */
export interface Batch {
  readonly state: 'waiting' | 'written' | 'lost'
}

export interface AuditLog {
  /** The name under which checkpoints are signed. */
  readonly origin: string
  /** The public key that verifies them. */
  readonly vkey: string
  /** The number of records. */
  readonly size: number
  /**
   * True while the log cannot be written, or its head cannot be signed. It turns false by itself once an append
   * was completed correctly again; the log tries every second.
   */
  readonly failed: boolean
  /** What somebody who verifies the log reads. */
  readonly published: PublishedLog
  /**
   * Adds an entry and gives its index. When it returns, the bytes are with the operating system. Throws
   * Unavailable('audit_unavailable') when the log cannot be written, or when this entry cannot be put on record
   * (not of the fixed shape, over 32 KiB): then nothing was written.
   */
  append(entry: AuditEntry | RecurringEntry): number
  /**
   * As `append`, but the bytes may still be here when it returns: they go out with the next `append` or `flush`, in one
   * write. Until `batch` says `written`, nothing of what the entry is for may happen; when it says `lost`, it never may, and
   * its number is another's.
   */
  enter(entry: AuditEntry | RecurringEntry): number
  /** What the last entry that was entered goes out with. */
  readonly batch: Batch
  /** Writes what was entered. Throws Unavailable('audit_unavailable'): then all of it is lost. */
  flush(): void
  /**
   * Resolves when the record and all before it are on the disk (fdatasync, shared by all who wait). Rejects
   * with Unavailable('audit_unavailable').
   */
  durable(index: number): Promise<void>
  /** Called after each append, in order. Gives the function that ends it. */
  onAppend(listener: (appended: AppendedRecord) => void): () => void
  /** Up to `count` records from number `from` on. Throws InvalidRequest, Unavailable. */
  read(from: number, count: number): Promise<readonly JsonObject[]>
  /** Signs the tree as it is now, if it grew, and gives the newest signed note. Rejects with Unavailable. */
  checkpoint(): Promise<string>
  /** Signs the last head, marks the log as cleanly closed, and lets go of the folder. */
  close(): Promise<void>
}

export interface AuditLogOptions {
  /** Everything of the log is in here; it is created if it does not exist. */
  readonly folder: string
  /** `<deployment>/audit/<instance>`; no spaces, no plus sign. */
  readonly origin: string
  /** Unix ms. */
  readonly now: () => number
  /** How long a group commit waits for company, in ms. Default 0: whoever comes during one shares the next. */
  readonly commitMs?: number
  /** Puts the log that is there aside, whatever its state, and starts a new origin that names it. */
  readonly fork?: boolean
  /** Default 1 s. 0: only when asked (tests). */
  readonly checkpointMs?: number
  /** Default 60 s. */
  readonly heartbeatMs?: number
  /** Default 64 MiB. */
  readonly segmentBytes?: number
  /** Default: the real file system. */
  readonly files?: LogFiles
}
