// What ends with what: credentials and sign-ins that rest on an identity go with it. Each end is told at once, to whoever keeps
// something that rests on it besides (sessions, live streams).
import type { Principal } from '#model'
import type { Credentials } from './credentials.ts'
import type { IdentityEnd } from './identity.ts'
import type { KnownPeople } from './known-people.ts'
import type { RunName } from './revocations.ts'
import type { SignIns } from './sign-ins.ts'

export class Ends {
  readonly #credentials: Credentials
  readonly #signIns: SignIns
  readonly #people: KnownPeople
  readonly #listeners = new Set<(end: IdentityEnd) => void>()

  constructor(credentials: Credentials, signIns: SignIns, people: KnownPeople) {
    this.#credentials = credentials
    this.#signIns = signIns
    this.#people = people
  }

  onEnded(listener: (end: IdentityEnd) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** It has ended already. */
  credential(credentialId: string): void {
    this.#tell({ credentialId, reason: 'credential_revoked' })
  }

  /** By `jti`, hash or a sign-in's id. */
  token(name: string): void {
    this.credentialsWhere(({ credential }) => credential.id === name)
    this.#tell({ credentialId: name, reason: 'token_revoked' })
  }

  certificate(id: string): void {
    this.credentialsWhere(({ credential }) => credential.id === id)
    this.#tell({ credentialId: id, reason: 'credential_revoked' })
  }

  principal(id: string): void {
    this.credentialsWhere(
      principal =>
        principal.id === id ||
        principal.owners.includes(id) ||
        principal.actors.some(actor => actor.id === id),
    )
    this.signInsWhere(principal => principal.id === id)
    this.#tell({ principalId: id, reason: 'principal_revoked' })
  }

  run({ principal: id, run }: RunName): void {
    const ofRun = (principal: Principal) => principal.id === id && principal.run === run
    this.credentialsWhere(ofRun)
    for (const name of this.#signIns.endWhere(ofRun)) this.token(name)
    this.#tell({ run: { principal: id, run }, reason: 'run_ended' })
  }

  issuer(issuer: string): void {
    this.credentialsWhere(
      principal =>
        principal.issuer === issuer || principal.actors.some(actor => actor.issuer === issuer),
    )
    this.signInsWhere(principal => principal.issuer === issuer)
    this.#tell({ issuer, reason: 'issuer_changed' })
  }

  /** They are told of one by one. */
  credentialsWhere(test: (principal: Principal) => boolean): void {
    for (const id of this.#credentials.idsWhere(test)) {
      this.#credentials.revoke(id)
      this.credential(id)
    }
  }

  signInsWhere(test: (principal: Principal) => boolean): void {
    this.#people.endWhere(test)
    for (const id of this.#signIns.endWhere(test)) this.token(id)
  }

  #tell(end: IdentityEnd): void {
    for (const listener of this.#listeners) listener(end)
  }
}
