// One fdatasync for all who wait: while one is under way, whoever comes shares the next.
import { Unavailable } from '#model'

interface Batch {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Unavailable) => void
}

export class GroupCommit {
  readonly #size: () => number
  readonly #sync: () => Promise<void>
  readonly #onFailure: (error: unknown) => void
  readonly #waitMs: number
  /** Records below this number are on the disk. */
  #durable = 0
  /** The records that the sync under way covers. */
  #underWay: { readonly size: number; readonly batch: Batch } | undefined
  #next: Batch | undefined
  #running = false

  constructor(parts: {
    /** The number of records written. */
    size: () => number
    /** Brings what was written to the disk. */
    sync: () => Promise<void>
    /** Called when it could not. */
    onFailure: (error: unknown) => void
    waitMs: number
  }) {
    this.#size = parts.size
    this.#sync = parts.sync
    this.#onFailure = parts.onFailure
    this.#waitMs = parts.waitMs
  }

  /** Resolves when record `index` is on the disk. */
  durable(index: number): Promise<void> {
    if (index < this.#durable) return Promise.resolve()
    if (this.#underWay !== undefined && index < this.#underWay.size)
      return this.#underWay.batch.promise
    const batch = this.#next ?? newBatch()
    this.#next = batch
    if (!this.#running) void this.#run()
    return batch.promise
  }

  /** Resolves when no sync is under way or asked for. */
  async idle(): Promise<void> {
    while (this.#underWay !== undefined || this.#next !== undefined) {
      await (this.#next ?? this.#underWay?.batch)?.promise.catch(() => {
        // Told to whoever waits for it; here only the end matters.
      })
    }
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#next !== undefined) {
      if (this.#waitMs > 0) await new Promise(resolve => setTimeout(resolve, this.#waitMs))
      const batch = this.#next
      const size = this.#size()
      this.#next = undefined
      this.#underWay = { size, batch }
      try {
        await this.#sync()
        this.#durable = size
        this.#underWay = undefined
        batch.resolve()
      } catch (error) {
        // Nobody may take these records for durable. The log decides what happens next.
        this.#underWay = undefined
        this.#onFailure(error)
        batch.reject(
          new Unavailable('audit_unavailable', 'The audit log could not be brought to the disk.', {
            cause: error,
          }),
        )
      }
    }
    this.#running = false
  }
}

function newBatch(): Batch {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // A batch that nobody waits for any more must not count as an unhandled rejection.
  promise.catch(() => {})
  return { promise, resolve, reject }
}
