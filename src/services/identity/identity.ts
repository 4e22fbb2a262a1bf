// Who is it: tokens and ephemeral credentials in, principals out; and who is it no longer.
// Knows no resource but by name, no policy, no session: what ends is told to who listens.
import {
  type ClientCertificateSettings,
  type IssuerSettings,
  issuersConflict,
  type LoginSettings,
} from '#config'
import { AuthenticationFailed, ConfigurationError, type Principal, type Secret } from '#model'
import type { Database } from '#services/db'
import { BrowserSignIn } from './browser-sign-in.ts'
import { ClientCertificates } from './client-certificates.ts'
import { type CredentialSummary, Credentials } from './credentials.ts'
import { DeviceCodes, type DeviceRequest, type DeviceStart } from './device-codes.ts'
import { Directory, type KnownPrincipals } from './directory.ts'
import { KnownPeople } from './known-people.ts'
import { Revocations, type RunName } from './revocations.ts'
import { isCredentialId, isSecretOf, type ScramVerifier } from './scram.ts'
import { SignIns } from './sign-ins.ts'
import { identityMigrations } from './tables.ts'
import { Tokens } from './tokens.ts'
import { Writes } from './writes.ts'

const PRUNE_MS = 600_000
/** How long a token's revocation is kept when the caller does not say: longer than any token is accepted. */
const TOKEN_KEPT_MS = 30 * 86_400_000

/** What has ended. Each field that is set ends the sessions that rest on it. */
export interface IdentityEnd {
  readonly principalId?: string
  /** A credential's id, a `jti`, or a token's hash: `Principal.credential.id`. */
  readonly credentialId?: string
  readonly issuer?: string
  readonly run?: RunName
  readonly reason:
    | 'credential_revoked'
    | 'token_revoked'
    | 'principal_revoked'
    | 'run_ended'
    | 'issuer_changed'
}

export interface EphemeralProof {
  readonly verifier: ScramVerifier
  /** For wires that carry the secret itself, inside their own encryption. The same work for ids that do not exist. */
  matches(secret: Secret): Promise<boolean>
  /** Call after the client's proof was verified. Throws AuthenticationFailed. */
  accept(resource: string): Promise<Principal>
}

export interface Identity {
  /** Throws AuthenticationFailed (`token_invalid`, `token_expired`, `identity_ended`, `unavailable`). */
  verify(token: Secret): Promise<Principal>
  /** Who a client certificate (DER) is of; its key was proved. Throws AuthenticationFailed. */
  verifyCertificate(der: Uint8Array): Principal
  /** Whose certificates are taken, as PEM; empty: nobody's. */
  certificateAuthorities(): string
  isCredentialId(name: string): boolean
  /**
   * A credential for one resource, for 15 minutes at most and never longer than the identity itself. The secret is
   * not kept. Throws AccessDenied for principals that came by such a credential, Unavailable.
   */
  issue(
    principal: Principal,
    resource: string,
    ttlMs: number,
  ): Promise<{ id: string; secret: Secret; expiresAt: number }>
  ephemeral(id: string): EphemeralProof
  /** Those in force, of one principal or of all. */
  list(principalId?: string): readonly CredentialSummary[]
  /** Ends it at once. True when it was in force. `settled` tells when that is stored. */
  revokeCredential(id: string): boolean
  /** By `jti` or hash; with it ends what was issued for it. `until` (Unix ms) is when nobody could use it anyhow. */
  revokeToken(jtiOrHash: string, until?: number): void
  /**
   * Ends every session and credential of the principal, of agents it owns, and of whoever acts by or for it. Tokens
   * that were issued before are refused; with `until` (Unix ms), newer ones too.
   */
  revokePrincipal(id: string, until?: number): void
  /** Unix ms: what proved this principal up to then is refused; undefined when nothing is. */
  principalEndedAt(id: string): number | undefined
  /**
   * Ends every session and credential of the run, and refuses it from now on, whatever token names it. `settled` tells
   * when that is stored.
   */
  endRun(run: RunName): void
  /** When the run was ended by somebody; undefined when it was not. */
  runEndedAt(run: RunName): number | undefined
  /** Who was ever here. */
  readonly known: KnownPrincipals
  readonly people: PeopleSignIn
  /** Calls back at once, within the call that ends. Expiry is the caller's timer (`Principal.expiresAt`). */
  onEnded(listener: (end: IdentityEnd) => void): () => void
  /** Replaces those who say who somebody is. Throws ConfigurationError, and changes nothing, when it does not hold. */
  update(
    issuers: readonly IssuerSettings[],
    certificates?: readonly ClientCertificateSettings[],
  ): void
  /** Reads what other processes on the same store have issued and revoked. */
  refresh(): Promise<void>
  /** Resolves when all revocations are stored. Throws Unavailable when one could not be. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** Signing in with a browser, and handing that to a program on another machine (RFC 8628). */
export interface PeopleSignIn {
  /** Where to send the browser, and the sealed text that it must bring back. Throws Unavailable. */
  begin(returnTo: string): Promise<{ url: URL; pending: string }>
  /** Throws AuthenticationFailed, Unavailable. */
  finish(
    query: string,
    pending: string | undefined,
  ): Promise<{ token: Secret; principal: Principal; returnTo: string }>
  /** Who signed in here with this address, verified, within 12 hours, and has not ended that since. */
  byAddress(address: string): Principal | undefined
  /** Ends the sign-in that the principal rests on. False when it rests on none. */
  end(principal: Principal): boolean
  /** A program asks to be signed in by a person elsewhere. Throws Unavailable. */
  startDevice(asks: { readonly client: string; readonly ip: string }): DeviceStart
  /** What waits under the code that a person typed; undefined when nothing does. */
  device(userCode: string, person: Principal): DeviceRequest | undefined
  /** The person's answer. False when nothing waits under the code. */
  answerDevice(userCode: string, person: Principal, yes: boolean): boolean
  /** The token, once. Throws AuthenticationFailed with `approval_pending`, `approval_denied`, `token_expired`. */
  takeDevice(deviceCode: string): { token: Secret; principal: Principal }
  /**
   * Who said yes, for one connection: no token comes of it, and it ends with the sign-in that the person said it by.
   * Throws AuthenticationFailed; `approval_pending` until somebody answers.
   */
  confirmed(deviceCode: string): Principal
}

/** Opens the service on its tables, which it brings up to date. */
export async function createIdentity(options: {
  issuers: readonly IssuerSettings[]
  certificates?: readonly ClientCertificateSettings[]
  store: Database
  now: () => number
  fetch?: typeof fetch
  /** How people sign in; without it nobody does. */
  login?: {
    readonly settings: LoginSettings
    readonly clientSecret: () => Promise<Secret | undefined>
    /** Where the issuer sends browsers back to. */
    readonly callback: () => string
  }
}): Promise<Identity> {
  const { store, now } = options
  await store.migrate(identityMigrations)
  const writes = new Writes(store)
  const tokens = new Tokens({ fetch: options.fetch ?? fetch, now })
  const credentials = new Credentials(writes, now)
  const revocations = new Revocations(writes)
  const { login } = options
  const times = { lifetime: login?.settings.lifetime ?? 0, idle: login?.settings.idle ?? 0 }
  const known = new Directory(writes, now)
  const signIns = new SignIns(writes, now, () => times)
  const people = new KnownPeople(writes, now)
  const browser = new BrowserSignIn({
    settings: () => login?.settings,
    clientSecret: async () => login?.clientSecret(),
    callback: () => login?.callback() ?? '',
    known: issuer => tokens.settingsOf(issuer),
    now,
  })
  const devices = new DeviceCodes(now)
  const listeners = new Set<(end: IdentityEnd) => void>()

  const tell = (end: IdentityEnd) => {
    for (const listener of listeners) listener(end)
  }
  /** Ends the credentials that rest on what has ended; they are told of one by one. */
  const endCredentials = (test: (principal: Principal) => boolean) => {
    for (const credentialId of credentials.idsWhere(test)) {
      credentials.revoke(credentialId)
      tell({ credentialId, reason: 'credential_revoked' })
    }
  }
  const endSignIns = (test: (principal: Principal) => boolean) => {
    people.endWhere(test)
    for (const id of signIns.endWhere(test)) endToken(id)
  }
  const endToken = (name: string) => {
    endCredentials(({ credential }) => credential.id === name)
    tell({ credentialId: name, reason: 'token_revoked' })
  }
  const endPrincipal = (id: string) => {
    endCredentials(
      principal =>
        principal.id === id ||
        principal.owners.includes(id) ||
        principal.actors.some(actor => actor.id === id),
    )
    endSignIns(principal => principal.id === id)
    tell({ principalId: id, reason: 'principal_revoked' })
  }

  const endRun = ({ principal: id, run }: RunName) => {
    endCredentials(principal => principal.id === id && principal.run === run)
    for (const name of signIns.endWhere(principal => principal.id === id && principal.run === run))
      endToken(name)
    tell({ run: { principal: id, run }, reason: 'run_ended' })
  }

  const certificates = new ClientCertificates(now, credentialId => {
    endCredentials(({ credential }) => credential.id === credentialId)
    tell({ credentialId, reason: 'credential_revoked' })
  })

  const update = (
    issuers: readonly IssuerSettings[],
    authorities: readonly ClientCertificateSettings[] = [],
  ) => {
    const conflict = issuersConflict(issuers, authorities)
    if (conflict) throw new ConfigurationError('configuration_invalid', conflict.message)
    certificates.update(authorities)
    for (const issuer of tokens.update(issuers)) {
      endCredentials(
        principal =>
          principal.issuer === issuer || principal.actors.some(actor => actor.issuer === issuer),
      )
      endSignIns(principal => principal.issuer === issuer)
      tell({ issuer, reason: 'issuer_changed' })
    }
  }

  const refresh = async () => {
    for (const credentialId of await credentials.load()) {
      tell({ credentialId, reason: 'credential_revoked' })
    }
    const fresh = await revocations.load(now())
    for (const name of fresh.tokens) endToken(name)
    for (const id of fresh.principals) endPrincipal(id)
    for (const run of fresh.runs) endRun(run)
  }

  update(options.issuers, options.certificates)
  await signIns.load()
  await people.load()
  await refresh()
  // Issued by an issuer that was taken away while we were not running.
  const names = new Set(options.issuers.map(({ issuer }) => issuer))
  endCredentials(principal => !names.has(principal.issuer))
  // And without `identity.login`, or with another issuer in it, earlier sign-ins are not wanted any more.
  endSignIns(principal => principal.issuer !== login?.settings.issuer)
  const timer = setInterval(() => {
    credentials.prune()
    signIns.prune()
    people.prune()
    known.prune()
    revocations.prune(now())
  }, PRUNE_MS)
  timer.unref()

  const holding = (principal: Principal): Principal => {
    if (!revocations.ended(principal, [principal.credential.id], now())) return principal
    throw new AuthenticationFailed('identity_ended', 'The identity was withdrawn.')
  }

  return {
    async verify(token) {
      const signedIn = signInOf(token)
      if (signedIn !== undefined) return holding(signIns.check(signedIn))
      const { principal, names } = await tokens.verify(token)
      if (revocations.ended(principal, names, now())) {
        throw new AuthenticationFailed('identity_ended', 'The identity was withdrawn.')
      }
      return principal
    },
    verifyCertificate: der => holding(certificates.verify(der)),
    certificateAuthorities: () => certificates.authorities,
    isCredentialId,
    async issue(principal, resource, ttlMs) {
      holding(principal)
      const issued = await credentials.issue(principal, resource, ttlMs)
      // Withdrawn while the credential was made: it must not outlive that.
      if (revocations.ended(principal, [principal.credential.id], now())) {
        credentials.revoke(issued.id)
        throw new AuthenticationFailed('identity_ended', 'The identity was withdrawn.')
      }
      return issued
    },
    ephemeral: id => {
      const verifier = credentials.verifier(id)
      return {
        verifier,
        matches: secret => isSecretOf(secret.reveal(), verifier),
        accept: async resource => credentials.accept(id, resource),
      }
    },
    list: principalId => credentials.list(principalId),
    revokeCredential(id) {
      const known = credentials.revoke(id)
      tell({ credentialId: id, reason: 'credential_revoked' })
      return known
    },
    revokeToken(jtiOrHash, until = now() + TOKEN_KEPT_MS) {
      for (const name of tokens.idsOf(jtiOrHash)) {
        revocations.revokeToken(name, now(), until)
        endToken(name)
      }
    },
    revokePrincipal(id, until) {
      revocations.revokePrincipal(id, now(), until)
      endPrincipal(id)
    },
    principalEndedAt: id => revocations.principalEndedAt(id, now()),
    endRun(run) {
      revocations.revokeRun(run, now())
      endRun(run)
    },
    runEndedAt: run => revocations.runEndedAt(run, now()),
    known,
    people: {
      begin: returnTo => browser.begin(returnTo),
      async finish(query, pending) {
        const { principal, returnTo, address } = await browser.finish(query, pending)
        const signedIn = signIns.create(holding(principal))
        known.seen(signedIn.principal)
        if (address !== undefined) people.note(address, signedIn.principal)
        return { ...signedIn, returnTo }
      },
      byAddress(address) {
        const found = people.find(address)
        const ended = found === undefined || revocations.ended(found, [found.credential.id], now())
        return ended ? undefined : found
      },
      end({ credential }) {
        if (credential.kind !== 'sign-in') return false
        endSignIns(principal => principal.credential.id === credential.id)
        return true
      },
      startDevice: asks => devices.start(asks),
      device: (userCode, person) => devices.find(userCode, person),
      answerDevice: (userCode, person, yes) => devices.answer(userCode, holding(person), yes),
      confirmed: deviceCode => holding(devices.take(deviceCode)),
      takeDevice(deviceCode) {
        const principal = holding(devices.take(deviceCode))
        return signIns.handOn(principal)
      },
    },
    onEnded(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    update,
    refresh,
    settled: () => writes.settled(),
    async close() {
      clearInterval(timer)
      certificates.close()
      await writes.settled()
    },
  }
}

/** The text of one of our own sign-in tokens; undefined for anything else. */
function signInOf(token: Secret): string | undefined {
  try {
    const text = token.reveal()
    return SignIns.is(text) ? text : undefined
  } catch {
    // Not UTF-8: no token of ours, and `tokens.verify` says what it is.
    return undefined
  }
}
