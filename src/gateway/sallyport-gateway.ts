// What everybody asks of the gateway: protocols, the API, the wiring. Each answer is in a file of its own; here they are put
// together, and told when an identity, a policy, a resource or a right ends.
import type { KeyObject } from 'node:crypto'
import {
  type AccessRequest,
  type AuditEntry,
  GatewayError,
  type Grant,
  type Origin,
  type Principal,
  type ReasonCode,
  type Resource,
  type Secret,
  type TimeRequest,
  Unavailable,
} from '#model'
import { Repeats } from '#telemetry'
import type { KeyAuthorities } from '#transport'
import { Approvals, Previews, type Said, Voting } from './approvals/index.ts'
import type { GatewayParts } from './gateway-parts.ts'
import { type AskedTime, BreakGlass, Granting, TimeRequests } from './grants/index.ts'
import { Attendance, Logins, type Presence, restsOn } from './logins/index.ts'
import type {
  AskedPerson,
  EphemeralLogin,
  Gateway,
  OpeningSession,
  Protocol,
  Session,
} from './protocol/index.ts'
import { grantEndedEntry, oneLine, Rates, Runs, requestEntry } from './record/index.ts'
import { hasStake, Rights } from './rights/index.ts'
import { LiveSessions, Opening, SessionReviews } from './sessions/index.ts'
import { AskedValues } from './sight/index.ts'

/** Once a second: outcomes into the log, and whatever ends by the clock. */
const TICK_MS = 1_000
const RUN_IDLE_MS = 60 * 60_000

export class SallyportGateway implements Gateway {
  readonly sessions: LiveSessions
  readonly approvals: Approvals
  /** What a principal may do, for whoever only wants to know. */
  readonly rights: Rights
  readonly rates = new Rates()
  readonly #previews: Previews
  readonly #voting: Voting
  readonly #times: TimeRequests
  readonly #granting: Granting
  readonly #glass: BreakGlass
  readonly #reviews: SessionReviews
  readonly #parts: GatewayParts
  readonly #runs = new Runs(RUN_IDLE_MS)
  readonly #attendance = new Attendance()
  readonly #logins: Logins
  readonly #opening: Opening
  readonly #repeats: Repeats
  readonly #timer: NodeJS.Timeout
  readonly #undo: (() => void)[] = []
  #stopping = false

  constructor(parts: GatewayParts) {
    this.#parts = parts
    this.#repeats = new Repeats(parts.log)
    this.sessions = new LiveSessions(parts.now)
    this.rights = new Rights(parts)
    this.#reviews = new SessionReviews({ ...parts, sessions: this.sessions, rights: this.rights })
    const { requests } = parts
    const append = (entry: AuditEntry): Promise<void> => this.#durable(entry)
    this.#previews = new Previews({
      requests,
      append,
      reach: (resource, signal) => ({
        signal,
        dial: (host, port) => parts.dial(host, port, signal),
        credential: () => parts.vault.lease(resource),
      }),
      onTrouble: error => parts.log.error({ err: error }, 'preview.failed'),
    })
    this.#granting = new Granting({ ...parts, append })
    this.#times = new TimeRequests({ ...parts, rights: this.rights, append })
    this.#glass = new BreakGlass({ ...parts, rights: this.rights, append })
    this.#voting = new Voting({
      requests,
      append,
      granted: request => this.#granting.grant(request),
    })
    this.approvals = new Approvals({
      requests,
      append,
      now: parts.now,
      hold: parts.hold,
      previews: this.#previews,
    })
    this.#logins = new Logins({
      ...parts,
      attendance: this.#attendance,
      note: entry => this.#note(entry),
    })
    this.#opening = new Opening({
      ...parts,
      append,
      sessions: this.sessions,
      rates: this.rates,
      rights: this.rights,
      runs: this.#runs,
      asked: new AskedValues(),
      attendance: this.#attendance,
      approvals: this.approvals,
      reviews: this.#reviews,
      repeats: this.#repeats,
      takeUse: grant => this.#granting.takeUse(grant),
    })
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    this.#timer.unref()
    this.#undo.push(
      parts.identity.onEnded(end => {
        this.#attendance.ended(end, parts.now())
        const reason = end.run === undefined ? 'identity_ended' : 'ended_by_operator'
        void this.sessions.end(({ principal }) => restsOn(principal, end), reason)
      }),
      parts.grants.onChange(() => this.reviewSessions('grant_ended')),
      parts.requests.onChange(request => {
        // Nobody's act, and still evidence.
        if (request.state === 'expired')
          this.#note(requestEntry('request.ended', request, { state: request.state }))
      }),
    )
  }

  get limits(): Gateway['limits'] {
    return this.#parts.settings()
  }

  tls(): ReturnType<Gateway['tls']> {
    return this.#parts.tls()
  }

  hostKey(): KeyObject {
    return this.#parts.keys.host
  }

  authorities(): KeyAuthorities {
    return this.#parts.keys.authorities
  }

  names(): readonly string[] {
    return this.#parts.names()
  }

  authenticate(token: Secret, origin: Origin): Promise<Principal> {
    return this.#logins.byToken(token, origin)
  }

  authenticateCertificate(der: Uint8Array, origin: Origin): Promise<Principal> {
    return this.#logins.byCertificate(der, origin)
  }

  isCredentialId(name: string): boolean {
    return this.#parts.identity.isCredentialId(name)
  }

  asksPeople(): boolean {
    return this.#parts.devicePage() !== undefined
  }

  askPerson(client: string, origin: Origin): AskedPerson | undefined {
    return this.#logins.byBrowser(client, origin)
  }

  ephemeral(credentialId: string): EphemeralLogin {
    return this.#logins.byCredential(credentialId)
  }

  loginFailed(origin: Origin, code: ReasonCode): void {
    this.#logins.failed(origin, code)
  }

  resources<Upstream>({ name }: Protocol<Upstream>): readonly Resource<Upstream>[] {
    const spoken = this.#parts.inventory.list().filter(({ protocol }) => protocol === name)
    // (What `upstream` holds the protocol's own schema has checked.)
    return spoken as readonly Resource<Upstream>[]
  }

  upstreamFailed({ id, resource }: Pick<Session, 'id' | 'resource'>, error: GatewayError): void {
    const { code, message, cause } = error
    const why = cause instanceof Error ? oneLine(cause.message.slice(0, 1_000)) : undefined
    const about = { resource: resource.name, code, message, why }
    this.#repeats.tell('warn', 'upstream.failed', about, { session: id })
  }

  /** True while an identity that `authenticate` proved has not ended since. */
  stillHolds(principal: Principal): boolean {
    return this.#attendance.holds(principal, this.#parts.now())
  }

  /** For what goes on besides sessions (live streams): ends with the identity, and when `may` says no. */
  attend(principal: Principal, may: () => boolean): Presence {
    return this.#attendance.enter(principal, may)
  }

  async open<Upstream>(
    principal: Principal,
    protocol: Protocol<Upstream>,
    name: string,
    origin: Origin,
    begin?: (session: OpeningSession<Upstream>) => void,
  ): Promise<Session<Upstream>> {
    if (this.#stopping) throw new Unavailable('unavailable', 'The gateway is stopping.')
    return this.#opening.open(principal, protocol, name, origin, begin)
  }

  /** True when `giver` is known to own or steer the principal, by a session that it has now. */
  isOwn(giver: string, principal: string): boolean {
    return this.sessions
      .all()
      .some(each => each.principal.id === principal && hasStake(giver, each.principal))
  }

  /** A vote on a held statement, by the one gate that every channel uses. */
  vote(
    approver: Principal,
    id: string,
    vote: 'approve' | 'deny',
    said: Said,
    origin: Origin,
  ): Promise<AccessRequest> {
    return this.#voting.vote(approver, id, vote, said, this.rights.ofApprover(approver, origin))
  }

  /** Asks for a right for a time. */
  askForTime(principal: Principal, wish: AskedTime, origin: Origin): Promise<TimeRequest> {
    return this.#times.ask(principal, wish, origin)
  }

  /** Makes the rights that a crash left out. Call once, before anybody comes. */
  grantLeftOut(): Promise<void> {
    return this.#granting.grantLeftOut()
  }

  cancelRequest(principal: Principal, id: string): Promise<AccessRequest> {
    return this.#times.cancel(principal, id)
  }

  /** Ends a right; the sessions that rest on it end. On record before. */
  revoke(by: Principal, id: string): Promise<Grant> {
    return this.#granting.revoke(by, id)
  }

  breakGlass(
    principal: Principal,
    wish: { readonly resource: string; readonly seconds: number; readonly reason: string },
    origin: Origin,
  ): Promise<{ grant: Grant; review: AccessRequest }> {
    return this.#glass.take(principal, wish, origin)
  }

  /** Closes the review of what was done with the glass broken. */
  review(reviewer: Principal, id: string, note: string, origin: Origin): Promise<AccessRequest> {
    return this.#glass.review(reviewer, id, note, this.rights.ofApprover(reviewer, origin))
  }

  /** Tells whether this principal may vote on a request, for as many as are listed at once. */
  ballot(approver: Principal, origin: Origin): (request: AccessRequest) => boolean {
    const rights = this.rights.ofApprover(approver, origin)
    return request => this.#voting.mayVote(approver, request, rights)
  }

  /** Policies, data classes, resources or grants changed: live sessions follow, or end. */
  reviewSessions(reason: 'policy_changed' | 'grant_ended' | 'resource_changed'): void {
    this.#reviews.changed(reason)
    this.#attendance.review(this.#parts.now())
  }

  /** Ends every session and waits until all is on record. */
  async stop(): Promise<void> {
    this.#stopping = true
    clearInterval(this.#timer)
    for (const undo of this.#undo) undo()
    this.#attendance.endAll()
    this.#logins.notePassedOver(Number.POSITIVE_INFINITY)
    await this.sessions.end(() => true, 'shutdown')
    await Promise.all([this.approvals.settled(), this.#previews.stop()])
    this.#repeats.end()
  }

  /** Nothing here may throw: it is called by a timer, and a throw would end the process. */
  #tick(): void {
    this.#reviews.tick()
    try {
      for (const grant of this.#parts.grants.takeEnded())
        this.#note(grantEndedEntry(grant, 'expired'))
      this.#attendance.review(this.#parts.now())
      this.#logins.notePassedOver(this.#parts.now())
    } catch (error) {
      // Safe: it is tried again in a second.
      this.#parts.log.error({ err: error }, 'gateway.tick_failed')
    }
  }

  /** Puts on record what has happened already, and what nobody waits for. */
  #note(entry: AuditEntry): void {
    try {
      this.#parts.audit.append(entry)
    } catch (error) {
      // Safe: it permits nothing, and the log says by itself that it has failed.
      if (!(error instanceof GatewayError)) throw error
    }
  }

  async #durable(entry: AuditEntry): Promise<void> {
    await this.#parts.audit.durable(this.#parts.audit.append(entry))
  }
}
