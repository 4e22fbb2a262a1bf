// Opening a session: whoever may not is refused in words that tell nothing they could not know; whoever may has a
// recording begun and an entry in the log before anything goes upstream.
import { randomBytes } from 'node:crypto'
import type { Facts } from '#engines/policy'
import {
  AccessDenied,
  type AuditEntry,
  type CloseReason,
  type Decision,
  type Grant,
  type Origin,
  type Principal,
  type ReasonCode,
  type Resource,
  type SessionId,
  Unavailable,
} from '#model'
import type { Recordings } from '#services/recording'
import type { Approvals } from './approvals.ts'
import type { AskedValues } from './asked-values.ts'
import type { Attendance } from './attendance.ts'
import { recordedInFull } from './break-glass.ts'
import { Departures } from './departures.ts'
import { principalEntry, sourceEntry } from './evidence.ts'
import { factsOf, type Runs } from './facts.ts'
import { LiveSession } from './live-session.ts'
import type { LiveSessions } from './live-sessions.ts'
import type { Protocol } from './protocol.ts'
import type { Rates } from './rates.ts'
import { replayInputs } from './replay-inputs.ts'
import { CONNECT, holds, type Rights } from './rights.ts'
import type { Rules } from './rules.ts'
import type { GatewayParts } from './sallyport-gateway.ts'
import type { OpeningSession, Session } from './session.ts'

export interface OpeningParts
  extends Pick<
    GatewayParts,
    'now' | 'settings' | 'audit' | 'recordings' | 'inventory' | 'vault' | 'dial' | 'log' | 'metrics'
  > {
  readonly sessions: LiveSessions
  readonly rates: Rates
  readonly rights: Rights
  readonly runs: Runs
  readonly asked: AskedValues
  readonly attendance: Attendance
  readonly approvals: Approvals
  /** Puts an entry in the log and resolves when it is durable. */
  readonly append: (entry: AuditEntry) => Promise<void>
  /** Goes up when rules change. */
  readonly reviews: () => number
  /** Takes one use of a right for so many sessions. False when none is left. */
  readonly takeUse: (grant: Grant) => Promise<boolean>
  /** Judges a session by the rules of now; ends it when they do not let it be. */
  readonly review: (session: LiveSession, reason: CloseReason) => void
  readonly onClosed: (session: LiveSession, reason: CloseReason) => Promise<void>
}

/** What a session begins with, when `decision` holds. */
interface Entered {
  readonly decision: Decision
  readonly rules: Rules
  readonly carried: ReadonlySet<string>
  readonly breakGlass: boolean
}

export class Opening {
  readonly #parts: OpeningParts
  readonly #departures: Departures
  /** Sessions that are being opened, by principal: they count too. */
  readonly #opening = new Map<symbol, string>()

  constructor(parts: OpeningParts) {
    this.#parts = parts
    this.#departures = new Departures(parts.audit)
  }

  async open<Upstream>(
    principal: Principal,
    protocol: Protocol<Upstream>,
    name: string,
    origin: Origin,
    begin?: (session: OpeningSession<Upstream>) => void,
  ): Promise<Session<Upstream>> {
    this.#refuseCrowds(principal)
    // Taken before the first wait: of many that come at once, none slips past the bound.
    const place = Symbol()
    this.#opening.set(place, principal.id)
    try {
      const counted = () => void this.#opening.delete(place)
      return await this.#open(principal, protocol, name, origin, counted, begin)
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
    begin: ((session: OpeningSession<Upstream>) => void) | undefined,
  ): Promise<Session<Upstream>> {
    const { now, settings, attendance, runs } = this.#parts
    if (!attendance.holds(principal, now()))
      throw new AccessDenied('identity_ended', 'The identity has ended.')
    const known = this.#resource(principal, protocol, name, origin)
    const reviews = this.#parts.reviews()
    const id = `ses-${randomBytes(9).toString('hex')}` as SessionId
    const run = runs.enter(principal, now())
    const { decision, rules, carried, breakGlass } = await this.#enter(
      principal,
      known,
      (approved, broken) =>
        factsOf({ principal, origin, run, reason: undefined, breakGlass: broken }, now(), approved),
    )
    // Whatever its settings keep: what is done in an emergency is looked at afterwards.
    const resource = breakGlass ? recordedInFull(known) : known
    if (!holds(decision)) {
      runs.leave(principal, now())
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
      carried,
      breakGlass,
      audit: this.#parts.audit,
      departures: this.#departures,
      strict: settings().strict,
      recorder,
      approvals: this.#parts.approvals,
      run,
      asked: this.#parts.asked,
      now,
      dial: this.#parts.dial,
      lease: () => this.#parts.vault.lease(resource),
      onClosed: reason => this.#parts.onClosed(session as LiveSession, reason),
      onTrouble: error =>
        this.#parts.log.error({ err: error, session: id }, 'session.close_failed'),
      onDecided: effect => {
        this.#parts.rates.count(effect, now())
        this.#parts.metrics.decided(resource.name, effect)
      },
      onMasked: () => this.#parts.rates.count('masked', now()),
    })
    recorder.add({
      kind: 'opened',
      at: now(),
      header: {
        session: id,
        resource: resource.name,
        protocol: resource.protocol,
        principal: principalEntry(principal),
        inputs: replayInputs(principal, origin),
      },
    })
    // From here on whatever ends it (a revocation, a changed policy) finds it, also while its opening is written.
    this.#parts.sessions.add(session as LiveSession)
    counted()
    this.#parts.metrics.sessionOpened(resource.name)
    const opened = session.evidence.entry('session.opened', {
      source: sourceEntry(origin),
      decision: { effect: 'permit', policies: [...decision.policies], policySet: rules.policySet },
      ...(carried.size === 0 ? {} : { details: { grants: [...carried], breakGlass } }),
    })
    try {
      const index = this.#parts.audit.append(opened)
      // No crash of ours can lose it now. That the machine does not lose it either is waited for below.
      begin?.(session)
      await this.#parts.audit.durable(index)
    } catch (error) {
      // Not safe to go on: without the entry there is no session.
      await session.close('audit_unavailable')
      throw error
    }
    // What changed while it was opened counts: rules that were narrowed before are not those of now.
    if (reviews !== this.#parts.reviews())
      this.#parts.review(session as LiveSession, 'policy_changed')
    if (session.signal.aborted || !attendance.holds(principal, now())) {
      await session.close('identity_ended')
      throw new AccessDenied(
        'session_ended',
        'The right to this session ended while it was opened.',
      )
    }
    return session
  }

  /** Tries the ways in, and takes the use that the chosen one costs. What comes back may be a refusal. */
  async #enter(
    principal: Principal,
    resource: Resource,
    factsOfNow: (approved: boolean, breakGlass: boolean) => Facts,
  ): Promise<Entered> {
    const { rights, takeUse } = this.#parts
    let entered: Entered | undefined
    for (const { carried, take, breakGlass } of rights.ways(principal, resource.name)) {
      const rules = rights.rulesFor(principal, resource, carried)
      const decide = (approved: boolean): Decision =>
        rules.policies.decide(CONNECT, factsOfNow(approved, breakGlass))
      const decision = rights.connection(decide, principal, resource.name, carried)
      entered = { decision, rules, carried, breakGlass }
      if (holds(decision) && (take === undefined || (await takeUse(take)))) return entered
      // Another session was first, or this right alone does not help: the next way is tried.
    }
    if (entered === undefined) throw new Error('there is always a way to try')
    return entered
  }

  async #startRecording(
    principal: Principal,
    ...recording: Parameters<Recordings['start']>
  ): ReturnType<Recordings['start']> {
    try {
      return await this.#parts.recordings.start(...recording)
    } catch (cause) {
      // Not passed over: what is not recorded does not run.
      this.#parts.runs.leave(principal, this.#parts.now())
      throw new Unavailable('recording_unavailable', 'The session cannot be recorded.', { cause })
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
    await this.#parts.append({
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
    const { sessions, settings } = this.#parts
    const most = settings()
    let opening = 0
    for (const id of this.#opening.values()) if (id === principal.id) opening += 1
    if (
      sessions.size + this.#opening.size >= most.sessions ||
      sessions.count(principal.id) + opening >= most.sessionsPerPrincipal
    ) {
      throw new Unavailable('too_many_sessions', 'There are too many sessions.', {
        hint: 'Close some, or try later.',
      })
    }
  }
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
