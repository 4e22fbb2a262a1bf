// Who knocks: proofs of identity as they are judged, and those that fail, on record.
import {
  type AuditEntry,
  GatewayError,
  type Origin,
  type Principal,
  type ReasonCode,
  type Secret,
} from '#model'
import type { Identity } from '#services/identity'
import type { Metrics } from '#telemetry'
import { addressGroup } from '#transport'
import type { AskedPerson, EphemeralLogin } from '../protocol/index.ts'
import { principalEntry, sourceEntry } from '../record/index.ts'
import type { Attendance } from './attendance.ts'
import { BrowserLogin } from './browser-login.ts'
import { LoginFailures } from './login-failures.ts'

export interface LoginParts {
  readonly now: () => number
  readonly identity: Identity
  readonly attendance: Attendance
  /** Where a person types a code; undefined where nobody signs in with a browser. */
  readonly devicePage: () => string | undefined
  readonly metrics: Pick<Metrics, 'login'>
  /** Puts on record what nobody waits for. */
  readonly note: (entry: AuditEntry) => void
}

export class Logins {
  readonly #parts: LoginParts
  readonly #failures = new LoginFailures()
  readonly #browser: BrowserLogin

  constructor(parts: LoginParts) {
    this.#parts = parts
    this.#browser = new BrowserLogin(parts.identity.people, parts.devicePage, (prove, origin) =>
      this.#confirmed(prove, origin),
    )
  }

  /** Throws AuthenticationFailed or Unavailable. */
  byToken(token: Secret, origin: Origin): Promise<Principal> {
    return this.#proved(() => this.#parts.identity.verify(token), origin)
  }

  /** Throws AuthenticationFailed. */
  byCertificate(der: Uint8Array, origin: Origin): Promise<Principal> {
    return this.#proved(async () => this.#parts.identity.verifyCertificate(der), origin)
  }

  /** Undefined where nobody signs in with a browser. */
  byBrowser(client: string, origin: Origin): AskedPerson | undefined {
    return this.#browser.ask(client, origin)
  }

  byCredential(credentialId: string): EphemeralLogin {
    const login = this.#parts.identity.ephemeral(credentialId)
    return {
      verifier: login.verifier,
      matches: secret => login.matches(secret),
      accept: (resource, origin) => this.#proved(() => login.accept(resource), origin),
      reject: origin => this.failed(origin, 'credential_invalid'),
    }
  }

  failed(origin: Origin, code: ReasonCode): void {
    this.#parts.metrics.login('failed', code)
    if (this.#failures.admit(addressGroup(origin.ip), this.#parts.now()))
      this.#parts.note({
        kind: 'login.failed',
        source: sourceEntry(origin),
        details: { code },
      })
  }

  /** Of an address that fails often, only numbers go on record: those of the time up to `now`. */
  notePassedOver(now: number): void {
    for (const { ip, failures } of this.#failures.takePassedOver(now))
      this.#parts.note({ kind: 'login.failed', source: { ip }, details: { more: failures } })
  }

  /** Nothing else tells that a person let this client in. */
  async #confirmed(prove: () => Promise<Principal>, origin: Origin): Promise<Principal> {
    const principal = await this.#proved(prove, origin)
    this.#parts.note({
      kind: 'login.succeeded',
      principal: principalEntry(principal),
      source: sourceEntry(origin),
      details: { by: 'device', expiresAt: principal.expiresAt },
    })
    return principal
  }

  async #proved(prove: () => Promise<Principal>, origin: Origin): Promise<Principal> {
    const { attendance } = this.#parts
    // Taken before the proof is judged: what ends meanwhile counts.
    const mark = attendance.mark()
    try {
      const principal = await prove()
      attendance.proved(principal, mark)
      this.#parts.identity.known.seen(principal)
      return principal
    } catch (error) {
      // Not safe to pass over: it is put on record and thrown on.
      this.failed(origin, error instanceof GatewayError ? error.code : 'internal')
      throw error
    }
  }
}
