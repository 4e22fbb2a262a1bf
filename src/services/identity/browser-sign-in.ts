// OIDC in a browser: authorization code with PKCE. What must be remembered between leaving for the issuer and coming
// back travels with the browser, sealed: strangers who only knock cost no memory.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import * as oidc from 'openid-client'
import type { IssuerSettings, LoginSettings } from '#config'
import type { JsonObject, Principal, Secret } from '#model'
import { type Known, principalOf } from './principals.ts'
import { failed, notReady, notSetUp, refusal, unreachable } from './sign-in-failure.ts'

/** How long a person may take at the issuer. */
const PENDING_MS = 10 * 60_000
const DISCOVERED_MS = 10 * 60_000
const FETCH_MS = 10_000
const NONCE_BYTES = 12
const TAG_BYTES = 16

export interface SignInParts {
  readonly settings: () => LoginSettings | undefined
  readonly clientSecret: () => Promise<Secret | undefined>
  /** Where the issuer sends the browser back to. */
  readonly callback: () => string
  readonly known: Known
  readonly now: () => number
}

interface Pending {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly returnTo: string
  readonly until: number
}

export class BrowserSignIn {
  readonly #parts: SignInParts
  /** Of this process: a restart ends what is under way, and nothing else. */
  readonly #key = randomBytes(32)
  #found: { client: oidc.Configuration; settings: LoginSettings; at: number } | undefined
  /** However many strangers knock, the issuer is asked once at a time. */
  #finding: Promise<oidc.Configuration> | undefined

  constructor(parts: SignInParts) {
    this.#parts = parts
  }

  /** Where to send the browser, and what it must bring back as a cookie. Throws Unavailable. */
  async begin(returnTo: string): Promise<{ url: URL; pending: string }> {
    const client = await this.#client()
    const settings = this.#settings()
    const pending: Pending = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      verifier: oidc.randomPKCECodeVerifier(),
      returnTo,
      until: this.#parts.now() + PENDING_MS,
    }
    const url = oidc.buildAuthorizationUrl(client, {
      redirect_uri: this.#parts.callback(),
      scope: settings.scopes.join(' '),
      code_challenge: await oidc.calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: 'S256',
      state: pending.state,
      nonce: pending.nonce,
    })
    return { url, pending: this.#seal(pending) }
  }

  /**
   * Who came back. `query` is that of the callback's address, `sealed` what `begin` gave to this browser. Throws
   * AuthenticationFailed, Unavailable.
   */
  async finish(
    query: string,
    sealed: string | undefined,
  ): Promise<{ principal: Principal; returnTo: string; address: string | undefined }> {
    const pending = sealed === undefined ? undefined : this.#open(sealed)
    if (pending === undefined || pending.until <= this.#parts.now()) {
      throw failed('This sign-in was not begun in this browser, or too long ago.')
    }
    const client = await this.#client()
    const settings = this.#settings()
    const entry = this.#parts.known.entry(settings.issuer)
    if (entry === undefined) throw failed('The issuer of the sign-in is not known here.')
    const address = new URL(this.#parts.callback())
    address.search = query
    const claims = await this.#claims(client, address, pending)
    return {
      principal: this.#principal(claims, entry),
      returnTo: pending.returnTo,
      address: verifiedAddress(claims),
    }
  }

  async #claims(
    client: oidc.Configuration,
    address: URL,
    { state, nonce, verifier }: Pending,
  ): Promise<JsonObject> {
    try {
      const tokens = await oidc.authorizationCodeGrant(client, address, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      })
      // Checked by the library: iss, aud, azp, exp, nonce, and with non-repudiation the signature.
      return JSON.parse(JSON.stringify(tokens.claims())) as JsonObject
    } catch (cause) {
      // Whatever it was, nobody is signed in by it. What the issuer says is for the operator's log.
      if (cause instanceof oidc.ClientError && cause.code === 'OAUTH_TIMEOUT')
        throw unreachable(cause)
      // The secret may be another one by now.
      if (cause instanceof oidc.ResponseBodyError && cause.error === 'invalid_client')
        this.#found = undefined
      throw failed('The issuer did not confirm who you are.', refusal(cause))
    }
  }

  #principal(claims: JsonObject, entry: IssuerSettings): Principal {
    const now = this.#parts.now()
    const principal = principalOf(claims, entry, this.#parts.known, 'sign-in', now)
    if (principal.kind !== 'user') throw failed('Only people sign in here: agents bring tokens.')
    if (principal.actors.length > 0) throw failed('Nobody signs in on behalf of another.')
    return principal
  }

  #settings(): LoginSettings {
    const settings = this.#parts.settings()
    if (settings !== undefined) return settings
    throw notSetUp()
  }

  async #client(): Promise<oidc.Configuration> {
    const settings = this.#settings()
    const kept = this.#found
    const age = this.#parts.now() - (kept?.at ?? 0)
    if (kept !== undefined && kept.settings === settings && age < DISCOVERED_MS) return kept.client
    this.#finding ??= this.#find(settings).finally(() => {
      this.#finding = undefined
    })
    return this.#finding
  }

  async #find(settings: LoginSettings): Promise<oidc.Configuration> {
    const { now, clientSecret } = this.#parts
    const secret = await clientSecret().catch(cause => {
      throw notReady(cause)
    })
    try {
      const client = await oidc.discovery(
        new URL(settings.issuer),
        settings.clientId,
        { use_mtls_endpoint_aliases: false },
        secret === undefined ? oidc.None() : oidc.ClientSecretPost(secret.reveal()),
        {
          timeout: FETCH_MS / 1_000,
          // Configuration accepts plain http for loopback issuers alone.
          execute: [
            oidc.enableNonRepudiationChecks,
            ...(settings.issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : []),
          ],
        },
      )
      this.#found = { client, settings, at: now() }
      return client
    } catch (cause) {
      throw unreachable(cause)
    }
  }

  #seal(pending: Pending): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce)
    const sealed = Buffer.concat([cipher.update(JSON.stringify(pending), 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')
  }

  #open(text: string): Pending | undefined {
    const bytes = Buffer.from(text, 'base64url')
    if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES))
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
    try {
      const parts = [decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]
      // Sealed by us a moment ago: it has the shape that `begin` gave it.
      return JSON.parse(Buffer.concat(parts).toString('utf8')) as Pending
    } catch {
      // Not sealed by this process: as good as none.
      return undefined
    }
  }
}

/** OpenID Connect Core section 5.1: `email` says little without `email_verified`, which must be true itself. */
export function verifiedAddress(claims: JsonObject): string | undefined {
  const { email, email_verified: verified } = claims
  const usable = typeof email === 'string' && /^[^\s@]{1,64}@[^\s@]{1,255}$/.test(email)
  return verified === true && usable ? email : undefined
}
