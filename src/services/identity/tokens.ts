// Verifies tokens: which issuer, signed by it, of the kind its entry accepts, in time. Then who it is.
import { createHash } from 'node:crypto'
import type { IssuerSettings } from '#config'
import type { Principal, Secret } from '#model'
import { checkSignature, invalid, type Jws, LARGEST_TOKEN, noToken, readJws } from './jws.ts'
import { IssuerKeys } from './key-sets.ts'
import { type Known, principalOf } from './principals.ts'
import { checkProfile } from './profiles.ts'
import { parseStrictObject } from './strict-json.ts'

/** Verified tokens that are kept: a client that connects often costs one check of its signature. */
const MOST_KEPT = 10_000

/** A principal, and the names by which its token can be revoked: `jti`, and the hash of what was signed. */
export interface VerifiedToken {
  readonly principal: Principal
  readonly names: readonly string[]
}

interface Issuer {
  readonly settings: IssuerSettings
  readonly keys: IssuerKeys
}

export class Tokens implements Known {
  readonly #fetch: typeof fetch
  readonly #now: () => number
  #issuers: ReadonlyMap<string, Issuer> = new Map()
  /** By the SHA-256 of the whole token; oldest first. */
  readonly #verified = new Map<string, VerifiedToken>()

  constructor(parts: { fetch: typeof fetch; now: () => number }) {
    this.#fetch = parts.fetch
    this.#now = parts.now
  }

  /** Replaces the issuers; gives those that are gone, or whose rules are others now. */
  update(entries: readonly IssuerSettings[]): readonly string[] {
    const next = new Map<string, Issuer>()
    const ended: string[] = []
    for (const settings of entries) {
      const old = this.#issuers.get(settings.issuer)
      const same = old !== undefined && JSON.stringify(old.settings) === JSON.stringify(settings)
      next.set(settings.issuer, same ? old : this.#issuer(settings))
      if (old !== undefined && !same) ended.push(settings.issuer)
    }
    for (const issuer of this.#issuers.keys()) if (!next.has(issuer)) ended.push(issuer)
    this.#issuers = next
    // An entry also rules over actors in the tokens of others: nothing that was concluded is kept.
    this.#verified.clear()
    return ended
  }

  entry(issuer: string): IssuerSettings | undefined {
    return this.#issuers.get(issuer)?.settings
  }

  prefixes(): readonly string[] {
    return [...this.#issuers.values()].map(({ settings }) => settings.prefix)
  }

  /** The ids under which sessions know a token that is named by its hash. */
  idsOf(name: string): readonly string[] {
    const found = [...this.#verified.values()].filter(({ names }) => names.includes(name))
    return [...new Set([name, ...found.map(({ principal }) => principal.credential.id)])]
  }

  /** Throws AuthenticationFailed. */
  async verify(token: Secret): Promise<VerifiedToken> {
    const bytes = token.bytes()
    if (bytes.length === 0) throw invalid('There is no token.')
    if (bytes.length > LARGEST_TOKEN) throw invalid('The token is too large.')
    const hash = createHash('sha256').update(bytes).digest('hex')
    const known = this.#verified.get(hash)
    if (known !== undefined && known.principal.expiresAt > this.#now()) {
      // Its keys grow old though no other token comes: what a key signed that was withdrawn does not live on here.
      await this.#issuers.get(known.principal.issuer)?.keys.current()
      if (this.#verified.get(hash) === known) return known
    } else if (known !== undefined) this.#verified.delete(hash)
    return this.#check(reveal(token), hash)
  }

  async #check(compact: string, hash: string): Promise<VerifiedToken> {
    const jws = readJws(compact)
    const claims = parseStrictObject(jws.payload)
    if (claims === undefined) throw invalid('The claims of the token cannot be read.')
    // Only looked up with: what it says is believed after the signature of that issuer holds.
    const iss = claims['iss']
    const issuer = typeof iss === 'string' ? this.#issuers.get(iss) : undefined
    if (issuer === undefined) throw invalid('The issuer of the token is not known here.')
    const { settings } = issuer
    if (!settings.algorithms.some(algorithm => algorithm === jws.header.alg)) {
      throw invalid('The token is signed in a way that is not accepted.')
    }
    await this.#checkSignature(jws, issuer)
    checkProfile(jws.header, claims, settings)
    const signed = createHash('sha256').update(jws.signed).digest('hex')
    const principal = principalOf(claims, settings, this, signed, this.#now())
    // While the keys were fetched the issuers may have been replaced: then nothing of this holds.
    if (this.#issuers.get(settings.issuer) !== issuer) {
      throw invalid('The issuer of the token is not known here.')
    }
    const verified = { principal, names: [...new Set([principal.credential.id, signed, hash])] }
    this.#keep(hash, verified)
    return verified
  }

  async #checkSignature(jws: Jws, { settings, keys }: Issuer): Promise<void> {
    const current = await keys.current()
    let outcome = await checkSignature(jws, current, settings.algorithms)
    if (outcome === 'unknown_key') {
      const newer = await keys.newer(current)
      if (newer !== undefined) outcome = await checkSignature(jws, newer, settings.algorithms)
    }
    if (outcome !== 'good') throw invalid('The signature of the token does not hold.')
  }

  #keep(hash: string, verified: VerifiedToken): void {
    if (this.#verified.size >= MOST_KEPT) {
      const oldest = this.#verified.keys().next().value
      if (oldest !== undefined) this.#verified.delete(oldest)
    }
    this.#verified.set(hash, verified)
  }

  #issuer(settings: IssuerSettings): Issuer {
    const keys: IssuerKeys = new IssuerKeys({
      settings,
      fetch: this.#fetch,
      now: this.#now,
      // A key that was withdrawn takes with it what it signed.
      onReplaced: () => {
        for (const [hash, { principal }] of this.#verified) {
          if (principal.issuer === settings.issuer) this.#verified.delete(hash)
        }
      },
    })
    return { settings, keys }
  }
}

function reveal(token: Secret): string {
  try {
    return token.reveal()
  } catch (error) {
    // Not UTF-8, so no token.
    throw noToken(error)
  }
}
