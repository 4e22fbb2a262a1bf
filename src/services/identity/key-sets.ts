// The public keys of one issuer: found by discovery or where configuration says, fetched within bounds, kept for
// ten minutes at most. The issuer is trusted to say who somebody is; its answers are still capped and checked.
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { JSONWebKeySet, JWK } from 'jose'
import { type IssuerSettings, isLoopback } from '#config'
import { AuthenticationFailed } from '#model'
import { type KeySelector, selector } from './jws.ts'
import { parseStrictObject } from './strict-json.ts'

const MAX_AGE_MS = 600_000
/** From this age on they are fetched again while the old ones serve. */
const REFRESH_AGE_MS = 300_000
/** Between fetches for a key that was not there: unknown `kid`s cost an issuer one request in that time. */
const COOLDOWN_MS = 30_000
/** After a failed fetch. */
const RETRY_MS = 5_000
const TIMEOUT_MS = 5_000
const LARGEST_ANSWER = 524_288
const MOST_KEYS = 100

export class IssuerKeys {
  readonly #settings: IssuerSettings
  readonly #fetch: typeof fetch
  readonly #now: () => number
  readonly #onReplaced: () => void
  #current: { readonly keys: KeySelector; readonly text: string; readonly at: number } | undefined
  #triedAt = Number.NEGATIVE_INFINITY
  #failed = false
  #fetching: Promise<void> | undefined

  /** `onReplaced` hears when the issuer's keys became others: what they signed must be checked again. */
  constructor(parts: {
    settings: IssuerSettings
    fetch: typeof fetch
    now: () => number
    onReplaced: () => void
  }) {
    this.#settings = parts.settings
    this.#fetch = parts.fetch
    this.#now = parts.now
    this.#onReplaced = parts.onReplaced
  }

  /** Keys that are fresh enough. Throws AuthenticationFailed (`unavailable`) when there are none. */
  async current(): Promise<KeySelector> {
    const age = this.#age()
    if (age < MAX_AGE_MS) {
      // The answer does not wait for it; a failure shows when the old keys have aged out.
      if (age >= REFRESH_AGE_MS && this.#mayTry()) void this.#refresh().catch(() => {})
    } else if (this.#fetching !== undefined || this.#mayTry()) {
      await this.#refresh()
    }
    if (this.#current === undefined || this.#age() >= MAX_AGE_MS) throw unavailable()
    return this.#current.keys
  }

  /** Keys that are newer than those that did not have the key; undefined while it is too early to ask again. */
  async newer(than: KeySelector): Promise<KeySelector | undefined> {
    if (this.#current !== undefined && this.#current.keys !== than) return this.#current.keys
    if (this.#fetching === undefined && !this.#mayTry()) return undefined
    await this.#refresh()
    return this.#current?.keys === than ? undefined : this.#current?.keys
  }

  #age(): number {
    return this.#current === undefined ? Number.POSITIVE_INFINITY : this.#now() - this.#current.at
  }

  #mayTry(): boolean {
    return this.#now() - this.#triedAt >= (this.#failed ? RETRY_MS : COOLDOWN_MS)
  }

  /** One fetch at a time; who comes meanwhile waits for the same one. */
  #refresh(): Promise<void> {
    this.#fetching ??= this.#load().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #load(): Promise<void> {
    this.#triedAt = this.#now()
    this.#failed = true
    let keys: JSONWebKeySet
    try {
      keys = await this.#read()
    } catch (error) {
      throw unavailable(error)
    }
    this.#failed = false
    const text = JSON.stringify(keys)
    const same = this.#current?.text === text
    const known = this.#current !== undefined
    this.#current = {
      keys: same && this.#current !== undefined ? this.#current.keys : selector(keys),
      text,
      at: this.#now(),
    }
    if (known && !same) this.#onReplaced()
  }

  async #read(): Promise<JSONWebKeySet> {
    const { issuer, jwks } = this.#settings
    if (jwks?.startsWith('file:')) return publicKeys(await readFile(jwks.slice(5)))
    // What the operator wrote was checked by config; what metadata says is checked here.
    const url = jwks ?? acceptable(await this.#discover(issuer), issuer)
    return publicKeys(await this.#get(url))
  }

  /** OpenID Connect Discovery 1.0 section 4; where that is not there, RFC 8414 section 3. */
  async #discover(issuer: string): Promise<string> {
    const url = new URL(issuer)
    const path = url.pathname.replace(/\/$/, '')
    const openid = `${url.origin}${path}/.well-known/openid-configuration`
    const oauth = `${url.origin}/.well-known/oauth-authorization-server${path}`
    const answer = await this.#get(openid).catch(error => {
      if (error instanceof NotFound) return this.#get(oauth)
      throw error
    })
    const metadata = parseStrictObject(answer)
    if (metadata === undefined) throw new Error('the metadata of the issuer is not a JSON object')
    // Section 4.3: must be identical, or one issuer could speak for another.
    if (metadata['issuer'] !== issuer) throw new Error('the metadata is of another issuer')
    if (typeof metadata['jwks_uri'] !== 'string') throw new Error('the metadata names no keys')
    return metadata['jwks_uri']
  }

  async #get(url: string): Promise<Uint8Array> {
    const response = await this.#fetch(url, {
      headers: { accept: 'application/json' },
      // A redirect would lead past the check of the address.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (response.status === 404) throw new NotFound('the issuer answered 404')
    if (response.status !== 200) throw new Error(`the issuer answered ${response.status}`)
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of response.body ?? []) {
      length += chunk.length
      if (length > LARGEST_ANSWER) throw new Error('the answer of the issuer is too large')
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }
}

class NotFound extends Error {}

/**
 * The scheme rules of issuers hold for where their keys are, and metadata cannot send us to an address of our
 * own network: a name on https, or what the operator wrote for the issuer itself.
 */
function acceptable(url: string, issuer: string): string {
  const target = URL.parse(url)
  const from = new URL(issuer)
  if (target === null) throw new Error('the address of the keys is not a URL')
  if (target.origin === from.origin) return url
  if (isLoopback(from.hostname) && isLoopback(target.hostname)) return url
  const host = target.hostname.replace(/^\[|\]$/g, '')
  if (target.protocol !== 'https:' || isIP(host) !== 0 || isLoopback(host)) {
    throw new Error('the address of the keys is not acceptable')
  }
  return url
}

/** The public signature keys of a set (RFC 7517 section 5). Symmetric and private ones are not for publishing. */
function publicKeys(bytes: Uint8Array): JSONWebKeySet {
  const set = parseStrictObject(bytes)
  const keys = set?.['keys']
  if (!Array.isArray(keys)) throw new Error('this is not a set of keys')
  if (keys.length > MOST_KEYS) throw new Error('these are too many keys')
  const usable = keys.filter(
    (key: unknown): key is JWK =>
      typeof key === 'object' &&
      key !== null &&
      'kty' in key &&
      (key.kty === 'RSA' || key.kty === 'EC' || key.kty === 'OKP') &&
      !('d' in key),
  )
  if (usable.length === 0) throw new Error('the set has no public key')
  return { keys: usable }
}

function unavailable(cause?: unknown): AuthenticationFailed {
  return new AuthenticationFailed(
    'unavailable',
    'The keys of the token’s issuer cannot be had now, so the token cannot be checked.',
    { cause },
  )
}
