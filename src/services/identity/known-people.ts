// Who a verified address belongs to: people who signed in here themselves, not long ago. Other systems that vouch for an
// address (a chat, an approval service) name nobody whom the gateway has not seen.
import type { Principal } from '#model'
import type { Writes } from './writes.ts'

/** And never longer than the sign-in itself would have held, were it used. */
const KNOWN_MS = 12 * 3_600_000
const MOST = 100_000

interface Known {
  readonly address: string
  readonly principal: Principal
  readonly until: number
}

export class KnownPeople {
  readonly #writes: Writes
  readonly #now: () => number
  /** By address and principal: an address that two people have belongs to neither. */
  readonly #known = new Map<string, Known>()

  constructor(writes: Writes, now: () => number) {
    this.#writes = writes
    this.#now = now
  }

  async load(): Promise<void> {
    const rows = await this.#writes.tables
      .selectFrom('identity_addresses')
      .selectAll()
      .where('until', '>', this.#now())
      .execute()
    for (const row of rows) {
      // Written by `note`, from a principal; the store is ours alone.
      const principal = JSON.parse(row.principal) as Principal
      this.#known.set(keyOf(row.address, principal.id), {
        address: row.address,
        principal,
        until: Number(row.until),
      })
    }
  }

  /** Somebody signed in, and the issuer says that the address is verified. */
  note(address: string, principal: Principal): void {
    this.prune()
    if (this.#known.size >= MOST) return
    const folded = fold(address)
    const until = Math.min(this.#now() + KNOWN_MS, principal.expiresAt)
    this.#known.set(keyOf(folded, principal.id), { address: folded, principal, until })
    const row = { principal: JSON.stringify(principal), until }
    this.#writes.add(tables =>
      tables
        .insertInto('identity_addresses')
        .values({ address: folded, principal_id: principal.id, ...row })
        .onConflict(conflict => conflict.columns(['address', 'principal_id']).doUpdateSet(row))
        .execute(),
    )
  }

  /** Whose it is; undefined when nobody's, or not one person's alone. */
  find(address: string): Principal | undefined {
    const now = this.#now()
    const folded = fold(address)
    const found = [...this.#known.values()].filter(
      each => each.address === folded && each.until > now,
    )
    return found.length === 1 ? found[0]?.principal : undefined
  }

  endWhere(test: (principal: Principal) => boolean): void {
    for (const each of this.#known.values()) if (test(each.principal)) this.#drop(each)
  }

  prune(): void {
    const now = this.#now()
    for (const each of this.#known.values()) if (each.until <= now) this.#drop(each)
  }

  #drop({ address, principal }: Known): void {
    this.#known.delete(keyOf(address, principal.id))
    this.#writes.add(tables =>
      tables
        .deleteFrom('identity_addresses')
        .where('address', '=', address)
        .where('principal_id', '=', principal.id)
        .execute(),
    )
  }
}

/** Issuers and chats disagree about capitals; no provider in use tells people apart by them. ASCII alone is folded. */
function fold(address: string): string {
  return address.replace(/[A-Z]/g, letter => letter.toLowerCase())
}

function keyOf(address: string, principal: string): string {
  return JSON.stringify([address, principal])
}
