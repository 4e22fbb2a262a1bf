// The room put together: what verifies, what is kept, and what ends by what.
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
import { Credentials } from './credentials.ts'
import { DeviceCodes } from './device-codes.ts'
import { Directory } from './directory.ts'
import { Ends } from './ends.ts'
import type { Identity } from './identity.ts'
import { KnownPeople } from './known-people.ts'
import { Revocations } from './revocations.ts'
import { isCredentialId, isSecretOf } from './scram.ts'
import { notSetUp } from './sign-in-failure.ts'
import { SignIns } from './sign-ins.ts'
import { identityMigrations } from './tables.ts'
import { Tokens } from './tokens.ts'
import { Writes } from './writes.ts'

const PRUNE_MS = 600_000
/** How long a token's revocation is kept when the caller does not say: longer than any token is accepted. */
const TOKEN_KEPT_MS = 30 * 86_400_000

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
    known: tokens,
    now,
  })
  const devices = new DeviceCodes(now)
  const ends = new Ends(credentials, signIns, people)
  const certificates = new ClientCertificates(now, id => ends.certificate(id))

  const update = (
    issuers: readonly IssuerSettings[],
    authorities: readonly ClientCertificateSettings[] = [],
  ) => {
    const conflict = issuersConflict(issuers, authorities)
    if (conflict) throw new ConfigurationError('configuration_invalid', conflict.message)
    certificates.update(authorities)
    for (const issuer of tokens.update(issuers)) ends.issuer(issuer)
  }

  const refresh = async () => {
    for (const id of await credentials.load()) ends.credential(id)
    const fresh = await revocations.load(now())
    for (const name of fresh.tokens) ends.token(name)
    for (const id of fresh.principals) ends.principal(id)
    for (const run of fresh.runs) ends.run(run)
  }

  update(options.issuers, options.certificates)
  await signIns.load()
  await people.load()
  await refresh()
  // Issued by an issuer that was taken away while we were not running.
  const names = new Set(options.issuers.map(({ issuer }) => issuer))
  ends.credentialsWhere(principal => !names.has(principal.issuer))
  // And without `identity.login`, or with another issuer in it, earlier sign-ins are not wanted any more.
  ends.signInsWhere(principal => principal.issuer !== login?.settings.issuer)
  const timer = setInterval(() => {
    credentials.prune()
    signIns.prune()
    people.prune()
    known.prune()
    revocations.prune(now())
  }, PRUNE_MS)
  timer.unref()

  const isEnded = (
    principal: Principal,
    names = [principal.credential.id] as readonly string[],
  ) => {
    const { credential, issuer } = principal
    // Sign-ins are timed by our own clock.
    const ahead = credential.kind === 'sign-in' ? 0 : (tokens.entry(issuer)?.clockSkew ?? 0)
    return revocations.ended(principal, names, now(), ahead)
  }
  const holding = (principal: Principal): Principal => {
    if (!isEnded(principal)) return principal
    throw new AuthenticationFailed('identity_ended', 'The identity was withdrawn.')
  }

  return {
    async verify(token) {
      const signedIn = signInOf(token)
      if (signedIn !== undefined) return holding(signIns.check(signedIn))
      const { principal, names } = await tokens.verify(token)
      if (isEnded(principal, names)) {
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
      if (isEnded(principal)) {
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
      ends.credential(id)
      return known
    },
    revokeToken(jtiOrHash, until = now() + TOKEN_KEPT_MS) {
      for (const name of tokens.idsOf(jtiOrHash)) {
        revocations.revokeToken(name, now(), until)
        ends.token(name)
      }
    },
    revokePrincipal(id, until) {
      revocations.revokePrincipal(id, now(), until)
      ends.principal(id)
    },
    principalEndedAt: id => revocations.principalEndedAt(id, now()),
    endRun(run) {
      revocations.revokeRun(run, now())
      ends.run(run)
    },
    runEndedAt: run => revocations.runEndedAt(run, now()),
    known,
    people: {
      begin: returnTo => browser.begin(returnTo),
      async finish(query, pending) {
        const { principal, returnTo, address } = await browser.finish(query, pending)
        // The issuer said it a moment ago, whatever its clock says.
        const credential = { kind: 'sign-in', id: '' } as const
        const signedIn = signIns.create(holding({ ...principal, credential, issuedAt: now() }))
        known.seen(signedIn.principal)
        if (address !== undefined) people.note(address, signedIn.principal)
        return { ...signedIn, returnTo }
      },
      byAddress(address) {
        const found = people.find(address)
        return found === undefined || isEnded(found) ? undefined : found
      },
      end({ credential }) {
        if (credential.kind !== 'sign-in') return false
        ends.signInsWhere(principal => principal.credential.id === credential.id)
        return true
      },
      startDevice(asks) {
        if (login === undefined) throw notSetUp()
        return devices.start(asks)
      },
      device: (userCode, person) => devices.find(userCode, person),
      answerDevice: (userCode, person, yes) => devices.answer(userCode, holding(person), yes),
      confirmed: deviceCode => holding(devices.take(deviceCode)),
      takeDevice(deviceCode) {
        const principal = holding(devices.take(deviceCode))
        return signIns.handOn(principal)
      },
    },
    onEnded: listener => ends.onEnded(listener),
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
