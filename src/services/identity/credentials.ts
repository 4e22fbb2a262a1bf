// Ephemeral credentials: one principal, one resource, a quarter of an hour at most. Knows verifiers, never secrets.
// Those in force are in memory: a login must be answered at once, and in the same way for ids that do not exist.
import { createHmac, randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import {
  AccessDenied,
  AuthenticationFailed,
  type Principal,
  type PrincipalKind,
  Secret,
  Unavailable,
} from '#model'
import {
  ITERATIONS,
  isCredentialId,
  newCredentialId,
  newSecret,
  type ScramVerifier,
  scramVerifier,
} from './scram.ts'
import type { IdentityTables } from './tables.ts'
import type { Writes } from './writes.ts'

export const LONGEST_TTL_MS = 15 * 60_000
/** At once; an agent that asks for one per statement is told so before it fills the memory. */
const MOST_PER_PRINCIPAL = 1_000
const MOST = 100_000

/** A credential as lists show it. */
export interface CredentialSummary {
  readonly id: string
  readonly principal: string
  readonly principalKind: PrincipalKind
  /** Who acts for the principal. */
  readonly actor?: string
  readonly resource: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly uses: number
}

interface Credential {
  readonly id: string
  readonly resource: string
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
  readonly iterations: number
  readonly principal: Principal
  readonly createdAt: number
  readonly expiresAt: number
  uses: number
}

export class Credentials {
  readonly #writes: Writes
  readonly #now: () => number
  /** Outlives restarts: salts and made-up verifiers must stay what they were. */
  #key: Uint8Array = new Uint8Array(0)
  readonly #held = new Map<string, Credential>()
  readonly #perPrincipal = new Map<string, number>()

  constructor(writes: Writes, now: () => number) {
    this.#writes = writes
    this.#now = now
  }

  /** Reads those in force. Gives the ids of those that others have revoked meanwhile. */
  async load(): Promise<readonly string[]> {
    const { tables } = this.#writes
    if (this.#key.length === 0) this.#key = await storedKey(tables)
    const rows = await tables
      .selectFrom('identity_credentials')
      .selectAll()
      .where('expires_at', '>', this.#now())
      .execute()
    const revoked: string[] = []
    for (const row of rows) {
      if (row.revoked_at !== null) {
        if (this.#drop(row.id)) revoked.push(row.id)
      } else if (!this.#held.has(row.id)) {
        this.#hold({
          id: row.id,
          resource: row.resource,
          storedKey: Buffer.from(row.stored_key, 'hex'),
          serverKey: Buffer.from(row.server_key, 'hex'),
          iterations: row.iterations,
          // Written by `issue`, from a principal; the store is ours alone.
          principal: JSON.parse(row.principal) as Principal,
          createdAt: row.created_at,
          expiresAt: row.expires_at,
          uses: row.uses,
        })
      }
    }
    return revoked
  }

  async issue(
    principal: Principal,
    resource: string,
    ttlMs: number,
  ): Promise<{ id: string; secret: Secret; expiresAt: number }> {
    const now = this.#now()
    if (principal.credential.kind === 'ephemeral') {
      // Or a credential of a quarter of an hour would live for ever.
      throw new AccessDenied(
        'not_allowed',
        'An ephemeral credential cannot be used to get another one.',
      )
    }
    if (principal.expiresAt <= now) {
      throw new AuthenticationFailed('identity_ended', 'The identity has ended.')
    }
    this.#sweep(now)
    const held = this.#perPrincipal.get(principal.id) ?? 0
    if (held >= MOST_PER_PRINCIPAL || this.#held.size >= MOST) {
      throw new Unavailable('unavailable', 'There are too many credentials in force.', {
        hint: 'Use the ones that you have, or wait until they end.',
      })
    }
    const id = newCredentialId()
    const secret = newSecret()
    const verifier = await scramVerifier(secret, this.#salt(id))
    const expiresAt = Math.min(
      now + Math.min(Math.max(ttlMs, 0), LONGEST_TTL_MS),
      principal.expiresAt,
    )
    const { storedKey, serverKey, iterations } = verifier
    try {
      await this.#writes.tables
        .insertInto('identity_credentials')
        .values({
          id,
          resource,
          stored_key: Buffer.from(storedKey).toString('hex'),
          server_key: Buffer.from(serverKey).toString('hex'),
          iterations,
          principal: JSON.stringify(principal),
          principal_id: principal.id,
          issuer: principal.issuer,
          source: principal.credential.id,
          created_at: now,
          expires_at: expiresAt,
          revoked_at: null,
          uses: 0,
        })
        .execute()
    } catch (error) {
      throw new Unavailable('unavailable', 'The store cannot be written.', { cause: error })
    }
    this.#hold({
      id,
      resource,
      storedKey,
      serverKey,
      iterations,
      principal,
      createdAt: now,
      expiresAt,
      uses: 0,
    })
    return { id, secret: new Secret(secret), expiresAt }
  }

  /**
   * The verifier of an id, whether or not there is such a credential: the salt is made from the id in both cases,
   * so an exchange looks the same, and ends the same.
   */
  verifier(id: string): ScramVerifier {
    const salt = this.#salt(id)
    const madeUp = {
      salt,
      iterations: ITERATIONS,
      storedKey: this.#keyed('stored', id),
      serverKey: this.#keyed('server', id),
    }
    const found = this.#find(id)
    if (found === undefined) return madeUp
    const { iterations, storedKey, serverKey } = found
    return { salt, iterations, storedKey, serverKey }
  }

  /** The principal behind a proven credential. One answer for all that can be wrong. */
  accept(id: string, resource: string): Principal {
    const found = this.#find(id)
    if (found === undefined || found.resource !== resource) throw wrong()
    found.uses += 1
    const { uses } = found
    this.#writes.add(tables =>
      tables.updateTable('identity_credentials').set({ uses }).where('id', '=', id).execute(),
    )
    return {
      ...found.principal,
      credential: { kind: 'ephemeral', id },
      expiresAt: Math.min(found.expiresAt, found.principal.expiresAt),
    }
  }

  list(principalId?: string): readonly CredentialSummary[] {
    this.#sweep(this.#now())
    return [...this.#held.values()]
      .filter(({ principal }) => principalId === undefined || principal.id === principalId)
      .map(({ id, resource, principal, createdAt, expiresAt, uses }) => ({
        id,
        principal: principal.id,
        principalKind: principal.kind,
        ...(principal.actors[0] === undefined ? {} : { actor: principal.actors[0].id }),
        resource,
        createdAt,
        expiresAt,
        uses,
      }))
  }

  /** Those whose principal, as it was when they were issued, makes the test true. */
  idsWhere(test: (principal: Principal) => boolean): readonly string[] {
    return [...this.#held.values()].filter(({ principal }) => test(principal)).map(({ id }) => id)
  }

  /** True when it was in force. */
  revoke(id: string): boolean {
    const known = this.#find(id) !== undefined
    if (!this.#drop(id)) return false
    const revoked_at = this.#now()
    this.#writes.add(tables =>
      tables.updateTable('identity_credentials').set({ revoked_at }).where('id', '=', id).execute(),
    )
    return known
  }

  /** Deletes those that ended some time ago: the audit log has what was. */
  prune(): void {
    const before = this.#now() - 86_400_000
    this.#sweep(this.#now())
    this.#writes.add(tables =>
      tables.deleteFrom('identity_credentials').where('expires_at', '<', before).execute(),
    )
  }

  #find(id: string): Credential | undefined {
    const found = isCredentialId(id) ? this.#held.get(id) : undefined
    return found !== undefined && found.expiresAt > this.#now() ? found : undefined
  }

  #hold(credential: Credential): void {
    const { id } = credential.principal
    this.#held.set(credential.id, credential)
    this.#perPrincipal.set(id, (this.#perPrincipal.get(id) ?? 0) + 1)
  }

  #drop(id: string): boolean {
    const held = this.#held.get(id)
    if (held === undefined) return false
    this.#held.delete(id)
    const left = (this.#perPrincipal.get(held.principal.id) ?? 1) - 1
    if (left > 0) this.#perPrincipal.set(held.principal.id, left)
    else this.#perPrincipal.delete(held.principal.id)
    return true
  }

  #sweep(now: number): void {
    for (const { id, expiresAt } of this.#held.values()) if (expiresAt <= now) this.#drop(id)
  }

  #salt(id: string): Uint8Array {
    return this.#keyed('salt', id).subarray(0, 16)
  }

  #keyed(purpose: string, id: string): Uint8Array {
    return createHmac('sha256', this.#key).update(`${purpose}\n${id}`).digest()
  }
}

function wrong(): AuthenticationFailed {
  return new AuthenticationFailed(
    'credential_invalid',
    'The credential is wrong, has ended, or is for another resource.',
    { hint: 'Ask for a new one: sallyport credential RESOURCE.' },
  )
}

/** The first of several processes makes it; all use what is stored. */
async function storedKey(tables: Kysely<IdentityTables>): Promise<Uint8Array> {
  await tables
    .insertInto('identity_keys')
    .values({ name: 'credentials', value: randomBytes(32).toString('hex') })
    .onConflict(conflict => conflict.column('name').doNothing())
    .execute()
  const { value } = await tables
    .selectFrom('identity_keys')
    .select('value')
    .where('name', '=', 'credentials')
    .executeTakeFirstOrThrow()
  return Buffer.from(value, 'hex')
}
