// People who signed in with a browser: an opaque token each, of which only the hash is kept. Those in force are in
// memory, for the check costs every call.
import { createHash, randomBytes } from 'node:crypto'
import { AuthenticationFailed, type Principal, Secret, Unavailable } from '#model'
import type { Writes } from './writes.ts'

const PREFIX = 'sps_'
const FORM = /^sps_[A-Za-z0-9_-]{43}$/
const MOST = 100_000
const MOST_PER_PRINCIPAL = 100
/** How often the last use is written down: an idle end after a restart may come so much too early. */
const NOTED_MS = 60_000

interface SignIn {
  readonly id: string
  readonly hash: string
  readonly principal: Principal
  usedAt: number
  notedAt: number
}

export interface SignInTimes {
  readonly lifetime: number
  readonly idle: number
}

export class SignIns {
  readonly #writes: Writes
  readonly #now: () => number
  readonly #times: () => SignInTimes
  readonly #byHash = new Map<string, SignIn>()

  constructor(writes: Writes, now: () => number, times: () => SignInTimes) {
    this.#writes = writes
    this.#now = now
    this.#times = times
  }

  /** True for texts that can be nothing but one of our tokens. */
  static is(text: string): boolean {
    return FORM.test(text)
  }

  /** Reads those in force. */
  async load(): Promise<void> {
    const rows = await this.#writes.tables
      .selectFrom('identity_sign_ins')
      .selectAll()
      .where('expires_at', '>', this.#now())
      .execute()
    for (const row of rows) {
      if (this.#byHash.has(row.token_hash)) continue
      this.#byHash.set(row.token_hash, {
        id: row.id,
        hash: row.token_hash,
        // Written by `create`, from a principal; the store is ours alone.
        principal: JSON.parse(row.principal) as Principal,
        usedAt: row.used_at,
        notedAt: row.used_at,
      })
    }
  }

  /** Makes a token for who was proved to be `principal` just now. Throws Unavailable. */
  create(principal: Principal): { token: Secret; principal: Principal } {
    const now = this.#now()
    return this.#create({ ...principal, issuedAt: now, expiresAt: now + this.#times().lifetime })
  }

  /**
   * Another token of a sign-in: no newer, or an old one would pass for fresh, and it ends no later, or one could be
   * drawn out for ever. Throws Unavailable.
   */
  handOn(principal: Principal): { token: Secret; principal: Principal } {
    const expiresAt = Math.min(this.#now() + this.#times().lifetime, principal.expiresAt)
    return this.#create({ ...principal, expiresAt })
  }

  #create(principal: Principal): { token: Secret; principal: Principal } {
    const now = this.#now()
    this.prune()
    const own = [...this.#byHash.values()].filter(each => each.principal.id === principal.id)
    if (own.length >= MOST_PER_PRINCIPAL || this.#byHash.size >= MOST) {
      throw new Unavailable('unavailable', 'There are too many sign-ins in force.', {
        hint: 'Sign out where you no longer need it, or wait until one ends.',
      })
    }
    const token = `${PREFIX}${randomBytes(32).toString('base64url')}`
    const id = `si-${randomBytes(10).toString('hex')}`
    const signedIn: Principal = Object.freeze<Principal>({
      ...principal,
      credential: { kind: 'sign-in', id },
      run: id,
    })
    const hash = hashOf(token)
    this.#byHash.set(hash, { id, hash, principal: signedIn, usedAt: now, notedAt: now })
    this.#writes.add(tables =>
      tables
        .insertInto('identity_sign_ins')
        .values({
          id,
          token_hash: hash,
          principal: JSON.stringify(signedIn),
          issuer: signedIn.issuer,
          created_at: now,
          used_at: now,
          expires_at: signedIn.expiresAt,
        })
        .execute(),
    )
    return { token: new Secret(token), principal: signedIn }
  }

  /** Whose token it is. Throws AuthenticationFailed. */
  check(token: string): Principal {
    const now = this.#now()
    const found = this.#byHash.get(hashOf(token))
    if (found === undefined) {
      throw new AuthenticationFailed('identity_ended', 'You are not signed in, or no longer.', HINT)
    }
    if (this.#isOver(found, now)) {
      this.#drop(found)
      throw new AuthenticationFailed('identity_ended', 'Your sign-in has ended.', HINT)
    }
    found.usedAt = now
    if (now - found.notedAt >= NOTED_MS) {
      found.notedAt = now
      this.#writes.add(tables =>
        tables
          .updateTable('identity_sign_ins')
          .set({ used_at: now })
          .where('id', '=', found.id)
          .execute(),
      )
    }
    return found.principal
  }

  /** Ends those that match; gives their ids. */
  endWhere(test: (principal: Principal) => boolean): readonly string[] {
    const ended: string[] = []
    for (const each of this.#byHash.values()) {
      if (!test(each.principal)) continue
      this.#drop(each)
      ended.push(each.id)
    }
    return ended
  }

  /** Drops what is over. Sessions that rest on it end by `Principal.expiresAt`; lack of use ends no live session. */
  prune(): void {
    const now = this.#now()
    for (const each of this.#byHash.values()) if (this.#isOver(each, now)) this.#drop(each)
  }

  #isOver({ principal, usedAt }: SignIn, now: number): boolean {
    return principal.expiresAt <= now || now - usedAt >= this.#times().idle
  }

  #drop({ id, hash }: SignIn): void {
    this.#byHash.delete(hash)
    this.#writes.add(tables =>
      tables.deleteFrom('identity_sign_ins').where('id', '=', id).execute(),
    )
  }
}

const HINT = { hint: 'Sign in again (the CLI: sallyport login).' } as const

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
