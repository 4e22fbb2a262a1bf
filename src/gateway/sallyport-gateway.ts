// The gateway itself: authenticates, opens sessions, and keeps live ones in step with identity, policies,
// resources and grants. It knows no protocol.
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { explainUses, predicateRuleFor, type UsesWhy } from '#engines/exposure'
import type { Facts, PolicySet, SessionPolicies } from '#engines/policy'
import {
  AccessDenied,
  type AccessRequest,
  type AuditEntry,
  type CloseReason,
  type Decision,
  GatewayError,
  type Origin,
  type Principal,
  type ReasonCode,
  type Resource,
  type Secret,
  type SessionId,
  type Statement,
  Unavailable,
} from '#model'
import type { Grants, Requests } from '#services/access'
import type { AuditLog } from '#services/audit'
import type { Identity } from '#services/identity'
import type { Inventory } from '#services/inventory'
import type { Recordings } from '#services/recording'
import type { Vault } from '#services/vault'
import type { Log, Metrics } from '#telemetry'
import { addressGroup } from '#transport'
import { Approvals, type HoldTimes } from './approvals.ts'
import { type Approver, hasStake } from './approvers.ts'
import { AskedValues } from './asked-values.ts'
import { Attendance, type Presence, restsOn } from './attendance.ts'
import { principalEntry, sourceEntry } from './evidence.ts'
import { factsOf, Runs } from './facts.ts'
import { LiveSession, type Rules } from './live-session.ts'
import { LiveSessions } from './live-sessions.ts'
import { LoginFailures } from './login-failures.ts'
import { Previews } from './previews.ts'
import type { EphemeralLogin, Gateway, Protocol } from './protocol.ts'
import { requestEntry } from './request-entry.ts'
import type { Session } from './session.ts'
import { type Masks, Sight } from './sight.ts'
import { Voting } from './voting.ts'

/** Once a second: outcomes into the log, and whatever ends by the clock. */
const TICK_MS = 1_000
const RUN_IDLE_MS = 60 * 60_000

/** What an operator can change while we run. */
export interface GatewaySettings {
  readonly messageBytes: number
  readonly loginMs: number
  readonly upstreamLoginMs: number
  readonly sessions: number
  readonly sessionsPerPrincipal: number

  /** `audit.durability: strict`. */
  readonly strict: boolean
}

export interface GatewayParts {
  readonly now: () => number
  readonly audit: AuditLog
  readonly recordings: Recordings
  readonly requests: Requests
  readonly grants: Grants
  readonly identity: Identity
  readonly vault: Vault
  readonly inventory: Inventory
  readonly policies: () => PolicySet
  readonly masks: () => Masks
  readonly settings: () => GatewaySettings
  /** How long a statement on this resource is held. */
  readonly hold: (resource: string) => HoldTimes
  readonly tls: () => { context: SecureContext; certificate: Uint8Array }
  readonly dial: (host: string, port: number, signal: AbortSignal) => Promise<Socket>
  readonly log: Log
  readonly metrics: Pick<Metrics, 'sessionOpened' | 'sessionClosed' | 'decided' | 'login'>
}

export class SallyportGateway implements Gateway {
  readonly sessions: LiveSessions
  readonly approvals: Approvals
  readonly #previews: Previews
  readonly #voting: Voting
  readonly #parts: GatewayParts
  readonly #runs = new Runs(RUN_IDLE_MS)
  readonly #attendance = new Attendance()
  readonly #asked = new AskedValues()
  readonly #loginFailures = new LoginFailures()
  readonly #timer: NodeJS.Timeout
  readonly #undo: (() => void)[] = []
  #stopping = false
  /** Sessions that are being opened, by principal: they count too. */
  readonly #opening = new Map<symbol, string>()
  /** Goes up when rules change: whoever was judged by older ones is judged again. */
  #reviews = 0

  constructor(parts: GatewayParts) {
    this.#parts = parts
    this.sessions = new LiveSessions(parts.now)
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
    this.#voting = new Voting({ requests, append })
    this.approvals = new Approvals({
      requests,
      append,
      now: parts.now,
      hold: parts.hold,
      previews: this.#previews,
    })
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    this.#timer.unref()
    this.#undo.push(
      parts.identity.onEnded(end => {
        this.#attendance.ended(end, parts.now())
        void this.sessions.end(({ principal }) => restsOn(principal, end), 'identity_ended')
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
    const { messageBytes, loginMs, upstreamLoginMs } = this.#parts.settings()
    return { messageBytes, loginMs, upstreamLoginMs }
  }

  tls(): { context: SecureContext; certificate: Uint8Array } {
    return this.#parts.tls()
  }

  async authenticate(token: Secret, origin: Origin): Promise<Principal> {
    const mark = this.#attendance.mark()
    try {
      const principal = await this.#parts.identity.verify(token)
      this.#attendance.proved(principal, mark)
      return principal
    } catch (error) {
      // Not safe to pass over: it is put on record and thrown on.
      this.loginFailed(origin, error instanceof GatewayError ? error.code : 'internal')
      throw error
    }
  }

  isCredentialId(name: string): boolean {
    return this.#parts.identity.isCredentialId(name)
  }

  ephemeral(credentialId: string): EphemeralLogin {
    const login = this.#parts.identity.ephemeral(credentialId)
    return {
      verifier: login.verifier,
      accept: async (resource, origin) => {
        const mark = this.#attendance.mark()
        try {
          const principal = await login.accept(resource)
          this.#attendance.proved(principal, mark)
          return principal
        } catch (error) {
          // Not safe to pass over: it is put on record and thrown on.
          this.loginFailed(origin, error instanceof GatewayError ? error.code : 'internal')
          throw error
        }
      },
      reject: origin => this.loginFailed(origin, 'credential_invalid'),
    }
  }

  loginFailed(origin: Origin, code: ReasonCode): void {
    this.#parts.metrics.login('failed', code)
    if (this.#loginFailures.admit(addressGroup(origin.ip), this.#parts.now()))
      this.#note({ kind: 'login.failed', source: sourceEntry(origin), details: { code } })
  }

  #notePassedOver(now: number): void {
    for (const { ip, failures } of this.#loginFailures.takePassedOver(now))
      this.#note({ kind: 'login.failed', source: { ip }, details: { more: failures } })
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
  ): Promise<Session<Upstream>> {
    if (this.#stopping) throw new Unavailable('unavailable', 'The gateway is stopping.')
    this.#refuseCrowds(principal)
    // Taken before the first wait: of many that come at once, none slips past the bound.
    const place = Symbol()
    this.#opening.set(place, principal.id)
    try {
      return await this.#open(principal, protocol, name, origin, () => this.#opening.delete(place))
    } finally {
      this.#opening.delete(place)
    }
  }

  async #open<Upstream>(
    principal: Principal,
    protocol: Protocol<Upstream>,
    name: string,
    origin: Origin,
    counted: () => void,
  ): Promise<Session<Upstream>> {
    const { now, settings } = this.#parts
    if (!this.stillHolds(principal))
      throw new AccessDenied('identity_ended', 'The identity has ended.')
    const resource = this.#resource(principal, protocol, name, origin)
    const reviews = this.#reviews
    const rules = this.#rulesFor(principal, resource)
    const id = `ses-${randomBytes(9).toString('hex')}` as SessionId
    const run = this.#runs.enter(principal, now())
    const facts = factsOf({ principal, origin, run, reason: undefined }, now(), false)
    const decision = rules.policies.decide(CONNECT, facts)
    if (!holds(decision)) {
      this.#runs.leave(principal, now())
      throw await this.#refuseToOpen(
        principal,
        resource.name,
        origin,
        decision.policies,
        decision.code,
        decision.message,
      )
    }
    let session: LiveSession<Upstream> | undefined
    const recorder = await this.#startRecording(
      principal,
      {
        id,
        resource: resource.name,
        protocol: resource.protocol,
        principal: principal.id,
        principalKind: principal.kind,
        ...(principal.actors[0] === undefined ? {} : { actor: principal.actors[0].id }),
        run: principal.run,
        origin,
        startedAt: now(),
        statements: 0,
        denied: 0,
        rows: 0,
        bytes: 0,
      },
      () => void session?.close('recording_unavailable'),
    )
    session = new LiveSession<Upstream>({
      id,
      principal,
      resource,
      origin,
      rules,
      audit: this.#parts.audit,
      strict: settings().strict,
      recorder,
      approvals: this.approvals,
      run,
      asked: this.#asked,
      now,
      dial: this.#parts.dial,
      lease: () => this.#parts.vault.lease(resource),
      onClosed: reason => this.#closed(session as LiveSession, reason),
      onTrouble: error =>
        this.#parts.log.error({ err: error, session: id }, 'session.close_failed'),
      onDecided: effect => this.#parts.metrics.decided(resource.name, effect),
    })
    recorder.add({
      kind: 'opened',
      at: now(),
      header: {
        session: id,
        resource: resource.name,
        protocol: resource.protocol,
        principal: principalEntry(principal),
      },
    })
    // From here on whatever ends it (a revocation, a changed policy) finds it, also while its opening is written.
    this.sessions.add(session as LiveSession)
    counted()
    this.#parts.metrics.sessionOpened(resource.name)
    const opened = session.evidence.entry('session.opened', {
      source: sourceEntry(origin),
      decision: { effect: 'permit', policies: [...decision.policies], policySet: rules.policySet },
    })
    try {
      await this.#durable(opened)
    } catch (error) {
      // Not safe to go on: without the entry there is no session.
      await session.close('audit_unavailable')
      throw error
    }
    // What changed while it was opened counts: rules that were narrowed before are not those of now.
    if (reviews !== this.#reviews) this.#review(session as LiveSession, 'policy_changed')
    if (session.signal.aborted || !this.stillHolds(principal)) {
      await session.close('identity_ended')
      throw new AccessDenied(
        'session_ended',
        'The right to this session ended while it was opened.',
      )
    }
    return session
  }

  /** Judges a statement for somebody, runs nothing and records nothing: for `policy why` and the lists. */
  policiesFor(principal: Principal, resource: Pick<Resource, 'name' | 'tags'>): SessionPolicies {
    const grants = this.#parts.grants
      .holding(principal.id, resource.name)
      // Who owns an agent is in its token alone: a right that the owner gave it is a yes to one's own asking.
      .filter(({ approvedBy }) => !approvedBy.some(giver => hasStake(giver, principal)))
    return this.#parts.policies().narrow(principal, resource, grants)
  }

  /** True when `giver` is known to own or steer the principal, by a session that it has now. */
  isOwn(giver: string, principal: string): boolean {
    return this.sessions
      .all()
      .some(each => each.principal.id === principal && hasStake(giver, each.principal))
  }

  /** What it would show, ask and send of what is masked for that principal: for `policy why`. */
  explainUses(
    principal: Principal,
    resource: Pick<Resource, 'name' | 'tags' | 'masking'>,
    statement: Statement,
    facts: Facts,
  ): UsesWhy {
    const masks = this.#parts.masks()
    const view = new Sight(masks, this.policiesFor(principal, resource)).at(facts)
    const rule = predicateRuleFor(principal, resource.masking.predicates)
    return explainUses(statement, rule, view, column => masks.masking.classOf(column))
  }

  /** True when the principal may connect to the resource now: what `resources` lists. */
  mayConnect(principal: Principal, resource: Resource, origin: Origin): boolean {
    const facts = this.factsFor(principal, origin)
    return holds(this.policiesFor(principal, resource).decide(CONNECT, facts))
  }

  factsFor(principal: Principal, origin: Origin): Facts {
    const run = { rows: 0, bytes: 0, statements: 0 }
    return factsOf({ principal, origin, run, reason: undefined }, this.#parts.now(), false)
  }

  /** A vote on a held statement, by the one gate that every channel uses. */
  vote(
    approver: Principal,
    id: string,
    vote: 'approve' | 'deny',
    said: { reason?: string; maxRows?: number },
    origin: Origin,
  ): Promise<AccessRequest> {
    return this.#voting.vote(approver, id, vote, said, this.#rightsOf(approver, origin))
  }

  /** Tells whether this principal may vote on a request, for as many as are listed at once. */
  ballot(approver: Principal, origin: Origin): (request: AccessRequest) => boolean {
    const rights = this.#rightsOf(approver, origin)
    return request => this.#voting.mayVote(approver, request, rights)
  }

  /** Policies, data classes, resources or grants changed: live sessions follow, or end. */
  reviewSessions(reason: 'policy_changed' | 'grant_ended' | 'resource_changed'): void {
    this.#reviews += 1
    for (const session of this.sessions.all()) this.#review(session, reason)
    this.#attendance.review(this.#parts.now())
  }

  /** Ends every session and waits until all is on record. */
  async stop(): Promise<void> {
    this.#stopping = true
    clearInterval(this.#timer)
    for (const undo of this.#undo) undo()
    this.#attendance.endAll()
    this.#notePassedOver(Number.POSITIVE_INFINITY)
    await this.sessions.end(() => true, 'shutdown')
    await Promise.all([this.approvals.settled(), this.#previews.stop()])
  }

  /** Narrowed once for each resource, however many requests are asked about. */
  #rightsOf(approver: Principal, origin: Origin): Approver {
    const facts = this.factsFor(approver, origin)
    const narrowed = new Map<string, SessionPolicies>()
    return ({ resource: name }) => {
      let policies = narrowed.get(name)
      if (policies === undefined) {
        policies = this.policiesFor(approver, this.#parts.inventory.get(name) ?? { name, tags: {} })
        narrowed.set(name, policies)
      }
      return { policies, facts }
    }
  }

  #review(session: LiveSession, reason: CloseReason): void {
    try {
      const resource = this.#parts.inventory.get(session.resource.name)
      if (resource === undefined || !sameTarget(resource, session.resource)) {
        void session.close('resource_changed')
        return
      }
      session.follow(this.#rulesFor(session.principal, resource))
      if (!holds(session.decide(CONNECT))) void session.close(reason)
    } catch (error) {
      // What cannot be judged by the new rules does not go on by the old ones; the other sessions are reviewed.
      this.#parts.log.error({ err: error, session: session.id }, 'session.review_failed')
      void session.close('failed')
    }
  }

  async #startRecording(
    principal: Principal,
    ...recording: Parameters<Recordings['start']>
  ): ReturnType<Recordings['start']> {
    try {
      return await this.#parts.recordings.start(...recording)
    } catch (cause) {
      // Not passed over: what is not recorded does not run.
      this.#runs.leave(principal, this.#parts.now())
      throw new Unavailable('recording_unavailable', 'The session cannot be recorded.', { cause })
    }
  }

  /** Nothing here may throw: it is called by a timer, and a throw would end the process. */
  #tick(): void {
    for (const session of this.sessions.all()) {
      try {
        session.flushOutcomes()
        // Grants end by the clock, and so do policies that ask for the hour.
        if (!holds(session.decide(CONNECT))) void session.close('grant_ended')
      } catch (error) {
        // What cannot be judged does not go on; the other sessions are looked at all the same.
        this.#parts.log.error({ err: error, session: session.id }, 'session.review_failed')
        void session.close('failed')
      }
    }
    try {
      for (const grant of this.#parts.grants.takeEnded())
        this.#note({ kind: 'grant.ended', details: { grant: grant.id, why: 'expired' } })
      this.#attendance.review(this.#parts.now())
      this.#notePassedOver(this.#parts.now())
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

  #rulesFor(principal: Principal, resource: Resource): Rules {
    return {
      policies: this.policiesFor(principal, resource),
      policySet: this.#parts.policies().hash,
      masks: this.#parts.masks(),
      masking: resource.masking,
    }
  }

  /** Unknown, of another protocol, or not permitted: one answer, so that names cannot be probed. */
  #resource<Upstream>(
    principal: Principal,
    protocol: Protocol<Upstream>,
    name: string,
    origin: Origin,
  ): Resource<Upstream> {
    const resource = this.#parts.inventory.get(name)
    if (resource !== undefined && resource.protocol === protocol.name) {
      // The inventory holds what the protocol's own schema has checked.
      return resource as Resource<Upstream>
    }
    this.#parts.audit.append({
      kind: 'session.refused',
      principal: principalEntry(principal),
      source: sourceEntry(origin),
      target: { resource: name.slice(0, 64), protocol: protocol.name },
      decision: { effect: 'deny', code: 'resource_unknown' },
    })
    throw notHere(name)
  }

  async #refuseToOpen(
    principal: Principal,
    resource: string,
    origin: Origin,
    policies: readonly string[],
    code: ReasonCode,
    message: string,
  ): Promise<AccessDenied> {
    await this.#durable({
      kind: 'session.refused',
      principal: principalEntry(principal),
      source: sourceEntry(origin),
      target: { resource },
      decision: { effect: 'deny', code, policies: [...policies] },
    })
    // A policy that forbids in words is meant to be read; the lack of any permit tells as little as a wrong name.
    if (code !== 'forbidden' && code !== 'policy_error') return notHere(resource)
    return new AccessDenied(code, message, { detail: `policies: ${policies.join(', ')}` })
  }

  #refuseCrowds(principal: Principal): void {
    const { sessions, sessionsPerPrincipal } = this.#parts.settings()
    let opening = 0
    for (const id of this.#opening.values()) if (id === principal.id) opening += 1
    if (
      this.sessions.size + this.#opening.size >= sessions ||
      this.sessions.count(principal.id) + opening >= sessionsPerPrincipal
    ) {
      throw new Unavailable('too_many_sessions', 'There are too many sessions.', {
        hint: 'Close some, or try later.',
      })
    }
  }

  /** Never rejects: who ends a session cannot do anything about a disk that is full. */
  async #closed(session: LiveSession, reason: CloseReason): Promise<void> {
    const { now, recordings, audit, log } = this.#parts
    this.#runs.leave(session.principal, now())
    const summary = { ...session.summary(), endedAt: now(), closeReason: reason }
    const { statements, denied, rows, bytes } = summary
    try {
      await recordings.end(summary)
    } catch (error) {
      // Safe: the session runs nothing more; its end is still put on record.
      log.error({ err: error, session: session.id }, 'recording.end_failed')
    }
    try {
      audit.append(
        session.evidence.entry('session.closed', {
          result: { reason, statements, denied, rows, bytes },
        }),
      )
    } catch (error) {
      // Safe: the session runs nothing more. That its end is missing in the log is visible there, and here.
      log.error({ err: error, session: session.id }, 'session.close_failed')
    }
    this.sessions.remove(session.id)
    this.#parts.metrics.sessionClosed(session.resource.name, reason)
  }

  async #durable(entry: AuditEntry): Promise<void> {
    await this.#parts.audit.durable(this.#parts.audit.append(entry))
  }
}

const CONNECT: Statement = {
  text: '',
  operations: [
    {
      action: 'connect',
      verb: 'CONNECT',
      object: { name: '', kind: 'resource' },
      columns: [],
      flags: [],
    },
  ],
  functions: [],
  phase: 'execute',
  mayDeriveFrom: [],
}

/** Permitted, and nothing is missing that would have to be asked for first. */
function holds(decision: Decision): boolean {
  return decision.effect === 'permit' && decision.obligations.every(each => each.kind === 'limit')
}

function notHere(name: string): AccessDenied {
  return new AccessDenied(
    'resource_unknown',
    `There is no resource "${name.slice(0, 64)}" that you may connect to.`,
    {
      hint: 'The names that you may use: sallyport resources.',
    },
  )
}

function sameTarget(a: Resource, b: Resource): boolean {
  return (
    a.protocol === b.protocol &&
    JSON.stringify([a.upstream, a.credential, a.connector]) ===
      JSON.stringify([b.upstream, b.credential, b.connector])
  )
}
