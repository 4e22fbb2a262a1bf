// Opening a session: who is let in has a recording begun and an entry in the log before anything goes upstream. What changed
// meanwhile counts.
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import {
  AccessDenied,
  type Origin,
  type Principal,
  type Resource,
  type SessionId,
  Unavailable,
} from '#model'
import type { Recordings, SessionRecorder } from '#services/recording'
import type { Vault } from '#services/vault'
import type { Log, Metrics, Repeats } from '#telemetry'
import type { Approvals } from '../approvals/index.ts'
import type { Attendance } from '../logins/index.ts'
import type { OpeningSession, Protocol, Session } from '../protocol/index.ts'
import {
  Departures,
  principalEntry,
  type Rates,
  type Runs,
  type RunTotals,
  replayInputs,
  sourceEntry,
} from '../record/index.ts'
import { factsOf } from '../rights/index.ts'
import type { AskedValues } from '../sight/index.ts'
import { Admission, type AdmissionParts, type Admitted, type SessionBounds } from './admission.ts'
import { afterClose } from './closing.ts'
import { LiveSession } from './live-session.ts'
import type { SessionReviews } from './session-reviews.ts'

export interface OpeningParts extends AdmissionParts {
  readonly now: () => number
  /** `strict`: reads wait for the disk too. */
  readonly settings: () => SessionBounds & { readonly strict: boolean }
  readonly recordings: Recordings
  readonly vault: Vault
  readonly dial: (host: string, port: number, signal: AbortSignal) => Promise<Socket>
  readonly log: Log
  /** For what fails in each session alike. */
  readonly repeats: Repeats
  readonly metrics: Pick<Metrics, 'sessionOpened' | 'sessionClosed' | 'decided'>
  readonly rates: Rates
  readonly runs: Runs
  readonly asked: AskedValues
  readonly attendance: Attendance
  readonly approvals: Approvals
  readonly reviews: SessionReviews
}

export class Opening {
  readonly #parts: OpeningParts
  readonly #admission: Admission
  readonly #departures: Departures

  constructor(parts: OpeningParts) {
    this.#parts = parts
    this.#admission = new Admission(parts)
    this.#departures = new Departures(parts.audit)
  }

  async open<Upstream>(
    principal: Principal,
    protocol: Protocol<Upstream>,
    name: string,
    origin: Origin,
    begin?: (session: OpeningSession<Upstream>) => void,
  ): Promise<Session<Upstream>> {
    // Taken before the first wait: of many that come at once, none slips past the bound.
    const leavePlace = this.#admission.takePlace(principal)
    try {
      return await this.#open(principal, protocol, name, origin, leavePlace, begin)
    } finally {
      leavePlace()
    }
  }

  async #open<Upstream>(
    principal: Principal,
    protocol: Protocol<Upstream>,
    name: string,
    origin: Origin,
    leavePlace: () => void,
    begin: ((session: OpeningSession<Upstream>) => void) | undefined,
  ): Promise<Session<Upstream>> {
    const { now, attendance, audit, runs, reviews } = this.#parts
    if (!attendance.holds(principal, now()))
      throw new AccessDenied('identity_ended', 'The identity has ended.')
    const known = this.#admission.resource(principal, protocol, name, origin)
    const changes = reviews.changes
    const id = `ses-${randomBytes(9).toString('hex')}` as SessionId
    const run = runs.enter(principal, now())
    let session: LiveSession<Upstream> | undefined
    let admitted: Admitted<Upstream>
    let recorder: SessionRecorder
    try {
      admitted = await this.#admission.admit(principal, known, origin, (approved, breakGlass) =>
        factsOf({ principal, origin, run, reason: undefined, breakGlass }, now(), approved),
      )
      recorder = await this.#startRecording(
        id,
        principal,
        origin,
        admitted.resource,
        () => void session?.close('recording_unavailable'),
      )
    } catch (error) {
      // Not passed over: what was not opened is no session of its run.
      runs.leave(principal, now())
      throw error
    }
    session = this.#begin(id, principal, origin, run, admitted, recorder)
    // From here on whatever ends it (a revocation, a changed policy) finds it, also while its opening is written.
    this.#parts.sessions.add(session as LiveSession)
    leavePlace()
    this.#parts.metrics.sessionOpened(known.name)
    const { policies, rules, carried, breakGlass } = admitted
    const opened = session.evidence.entry('session.opened', {
      source: sourceEntry(origin),
      decision: { effect: 'permit', policies: [...policies], policySet: rules.policySet },
      ...(carried.size === 0 ? {} : { details: { grants: [...carried], breakGlass } }),
    })
    try {
      const index = audit.append(opened)
      // No crash of ours can lose it now. That the machine does not lose it either is waited for below.
      begin?.(session)
      await audit.durable(index)
    } catch (error) {
      // Not safe to go on: without the entry there is no session.
      await session.close('audit_unavailable')
      throw error
    }
    // What changed while it was opened counts: rules that were narrowed before are not those of now.
    if (changes !== reviews.changes) reviews.review(session as LiveSession, 'policy_changed')
    if (session.signal.aborted || !attendance.holds(principal, now())) {
      await session.close('identity_ended')
      throw new AccessDenied(
        'session_ended',
        'The right to this session ended while it was opened.',
      )
    }
    return session
  }

  #begin<Upstream>(
    id: SessionId,
    principal: Principal,
    origin: Origin,
    run: RunTotals,
    { resource, rules, carried, breakGlass }: Admitted<Upstream>,
    recorder: SessionRecorder,
  ): LiveSession<Upstream> {
    const { audit, approvals, asked, now, dial, vault, log, repeats, rates, metrics } = this.#parts
    const session: LiveSession<Upstream> = new LiveSession<Upstream>({
      id,
      principal,
      resource,
      origin,
      rules,
      carried,
      breakGlass,
      audit,
      departures: this.#departures,
      strict: this.#parts.settings().strict,
      recorder,
      approvals,
      run,
      asked,
      now,
      dial,
      lease: () =>
        vault.lease(resource).catch((error: unknown) => {
          // What the client reads names no path: this does.
          repeats.tell(
            'error',
            'credential.failed',
            { resource: resource.name },
            { err: error, session: id },
          )
          throw error
        }),
      onClosed: reason => afterClose(session as LiveSession, reason, this.#parts),
      onTrouble: error => log.error({ err: error, session: id }, 'session.close_failed'),
      onDecided: effect => {
        rates.count(effect, now())
        metrics.decided(resource.name, effect)
      },
      onMasked: () => rates.count('masked', now()),
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
    return session
  }

  async #startRecording(
    id: SessionId,
    principal: Principal,
    origin: Origin,
    resource: Resource,
    onFailed: () => void,
  ): Promise<SessionRecorder> {
    const { recordings, now } = this.#parts
    const [actor] = principal.actors
    try {
      return await recordings.start(
        {
          id,
          resource: resource.name,
          protocol: resource.protocol,
          principal: principal.id,
          principalKind: principal.kind,
          ...(actor === undefined ? {} : { actor: actor.id }),
          run: principal.run,
          origin,
          startedAt: now(),
          statements: 0,
          denied: 0,
          rows: 0,
          bytes: 0,
        },
        onFailed,
      )
    } catch (cause) {
      // Not passed over: what is not recorded does not run.
      throw new Unavailable('recording_unavailable', 'The session cannot be recorded.', { cause })
    }
  }
}
