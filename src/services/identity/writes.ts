// Writes to the store in the order they were made, behind answers that must be given at once.

import type { Kysely } from 'kysely'
import { Unavailable } from '#model'
import type { Database } from '#services/db'
import type { IdentityTables } from './tables.ts'

export class Writes {
  readonly tables: Kysely<IdentityTables>
  #last: Promise<unknown> = Promise.resolve()
  #failure: unknown

  constructor(store: Database) {
    this.tables = store.tables<IdentityTables>()
  }

  add(write: (tables: Kysely<IdentityTables>) => Promise<unknown>): void {
    this.#last = this.#last
      .then(() => write(this.tables))
      // Kept for `settled`: what is in memory holds until the process ends, but would not survive it.
      .catch(error => {
        this.#failure ??= error
      })
  }

  /** Resolves when all that was added is stored. Throws Unavailable, once, when something could not be. */
  async settled(): Promise<void> {
    await this.#last
    const failure = this.#failure
    if (failure === undefined) return
    this.#failure = undefined
    throw new Unavailable('unavailable', 'The store cannot be written.', { cause: failure })
  }
}
