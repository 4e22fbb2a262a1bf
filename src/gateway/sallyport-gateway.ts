// The gateway itself: authenticates, opens sessions, and keeps live ones in step with identity, policies,
// resources and grants. It knows no protocol.
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
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
import { Approvals, type HoldTimes } from './approvals.ts'
import { principalEntry, sourceEntry } from './evidence.ts'
import { factsOf, Runs } from './facts.ts'
import { LiveSession, type Rules } from './live-session.ts'
import { LiveSessions } from './live-sessions.ts'
import type { Masks } from './masks.ts'
import type { EphemeralLogin, Gateway, Protocol } from './protocol.ts'
import type { Session } from './session.ts'

const OUTCOMES_MS = 1_000
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
  readonly #parts: GatewayParts
  readonly #runs = new Runs(RUN_IDLE_MS)
  readonly #timer: NodeJS.Timeout
  readonly #undo: (() => void)[] = []
  #stopping = false

  constructor(parts: GatewayParts) {
    this.#parts = parts
    this.sessions = new LiveSessions(parts.now)
    this.approvals = new Approvals({
      requests: parts.requests,
      append: entry => this.#durable(entry),
      now: parts.now,
      hold: parts.hold,
    })
    this.#timer = setInterval(() => {
      for (const session of this.sessions.all()) session.flushOutcomes()
      this.#endLapsedRights()
    }, OUTCOMES_MS)
    this.#timer.unref()
    this.#undo.push(
      parts.identity.onEnded(end => {
        void this.sessions.end(
          ({ principal }) =>
            (end.principalId !== undefined &&
              (principal.id === end.principalId ||
                principal.owners.includes(end.principalId) ||
                principal.actors.some(actor => actor.id === end.principalId))) ||
            (end.credentialId !== undefined && principal.credential.id === end.credentialId) ||
            (end.issuer !== undefined && principal.issuer === end.issuer),
          'identity_ended',
        )
      }),
      parts.grants.onChange(() => this.reviewSessions('grant_ended')),
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
    try {
      return await this.#parts.identity.verify(token)
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
        try {
          return await login.accept(resource)
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
    try {
      this.#parts.audit.append({
        kind: 'login.failed',
        source: sourceEntry(origin),
        details: { code },
      })
    } catch (error) {
      // Safe: the login is refused in any case, and the log says by itself that it has failed.
      if (!(error instanceof GatewayError)) throw error
    }
  }

  async open<Upstream>(
    principal: Principal,
    protocol: Protocol<Upstream>,
    name: string,
    origin: Origin,
  ): Promise<Session<Upstream>> {
    const { now, settings } = this.#parts
    if (this.#stopping) throw new Unavailable('unavailable', 'The gateway is stopping.')
    this.#refuseCrowds(principal)
    if (principal.expiresAt <= now())
      throw new AccessDenied('identity_ended', 'The identity has ended.')
    const resource = this.#resource(principal, protocol, name, origin)
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
    const recorder = await this.#parts.recordings.start(
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
      now,
      dial: this.#parts.dial,
      lease: () => this.#parts.vault.lease(resource),
      onClosed: reason => this.#closed(session as LiveSession, reason),
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
    const opened = session.evidence.entry('session.opened', {
      source: sourceEntry(origin),
      decision: { effect: 'permit', policies: [...decision.policies], policySet: rules.policySet },
    })
    try {
      await this.#durable(opened)
    } catch (error) {
      // Not safe to go on: without the entry there is no session.
      this.#runs.leave(principal, now())
      await this.#parts.recordings.end({
        ...session.summary(),
        endedAt: now(),
        closeReason: 'audit_unavailable',
      })
      throw error
    }
    this.sessions.add(session as LiveSession)
    this.#parts.metrics.sessionOpened(resource.name)
    return session
  }

  /** Judges a statement for somebody, runs nothing and records nothing: for `policy why` and the lists. */
  policiesFor(principal: Principal, resource: Pick<Resource, 'name' | 'tags'>): SessionPolicies {
    return this.#parts
      .policies()
      .narrow(principal, resource, this.#parts.grants.holding(principal.id, resource.name))
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
    return this.approvals.vote(approver, id, vote, said, request =>
      this.#asApprover(approver, request, origin),
    )
  }

  mayVote(approver: Principal, request: AccessRequest, origin: Origin): boolean {
    return this.approvals.mayVote(approver, request, each =>
      this.#asApprover(approver, each, origin),
    )
  }

  /** Policies, data classes, resources or grants changed: live sessions follow, or end. */
  reviewSessions(reason: 'policy_changed' | 'grant_ended' | 'resource_changed'): void {
    for (const session of this.sessions.all()) {
      const resource = this.#parts.inventory.get(session.resource.name)
      if (resource === undefined || !sameTarget(resource, session.resource)) {
        void session.close('resource_changed')
        continue
      }
      session.follow(this.#rulesFor(session.principal, resource))
      if (!holds(session.decide(CONNECT))) void session.close(reason)
    }
  }

  /** Ends every session and waits until all is on record. */
  async stop(): Promise<void> {
    this.#stopping = true
    clearInterval(this.#timer)
    for (const undo of this.#undo) undo()
    await this.sessions.end(() => true, 'shutdown')
  }

  #asApprover(
    approver: Principal,
    request: AccessRequest,
    origin: Origin,
  ): { policies: SessionPolicies; facts: Facts } {
    const resource = this.#parts.inventory.get(request.resource) ?? {
      name: request.resource,
      tags: {},
    }
    return {
      policies: this.policiesFor(approver, resource),
      facts: this.factsFor(approver, origin),
    }
  }

  #rulesFor(principal: Principal, resource: Pick<Resource, 'name' | 'tags'>): Rules {
    return {
      policies: this.policiesFor(principal, resource),
      policySet: this.#parts.policies().hash,
      masks: this.#parts.masks(),
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
    if (
      this.sessions.size >= sessions ||
      this.sessions.count(principal.id) >= sessionsPerPrincipal
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

  /** Grants end by the clock, and so do policies that ask for the hour. */
  #endLapsedRights(): void {
    for (const session of this.sessions.all()) {
      if (!holds(session.decide(CONNECT))) void session.close('grant_ended')
    }
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
