// Keeps live sessions in step with what they rest on: when policies, data classes, resources or grants change, and once a
// second for what ends by the clock, each is judged again; it follows the rules of now, or ends.
import type { CloseReason, Decision, Resource } from '#model'
import type { Inventory } from '#services/inventory'
import type { Log } from '#telemetry'
import { CONNECT, holds, type Rights } from '../rights/index.ts'
import type { LiveSession } from './live-session.ts'
import type { LiveSessions } from './live-sessions.ts'

export interface SessionReviewsParts {
  readonly sessions: LiveSessions
  readonly rights: Rights
  readonly inventory: Inventory
  readonly log: Log
}

export class SessionReviews {
  readonly #parts: SessionReviewsParts
  #changes = 0

  constructor(parts: SessionReviewsParts) {
    this.#parts = parts
  }

  /** Goes up when rules change: whoever was judged by older ones is judged again. */
  get changes(): number {
    return this.#changes
  }

  /** What sessions rest on has changed. */
  changed(reason: CloseReason): void {
    this.#changes += 1
    for (const session of this.#parts.sessions.all()) this.review(session, reason)
  }

  /** Judges one by the rules of now; ends it for `reason` when they do not let it be. Never throws. */
  review(session: LiveSession, reason: CloseReason): void {
    const { inventory, rights } = this.#parts
    this.#orEnd(session, () => {
      const resource = inventory.get(session.resource.name)
      if (resource === undefined || !sameTarget(resource, session.resource)) {
        void session.close('resource_changed')
        return
      }
      session.follow(rights.rulesFor(session.principal, resource, session.carried))
      if (!this.#mayGoOn(session)) void session.close(reason)
    })
  }

  /** Grants end by the clock, and so do policies that ask for the hour. Never throws. */
  tick(): void {
    for (const session of this.#parts.sessions.all())
      this.#orEnd(session, () => {
        session.flushOutcomes()
        if (!this.#mayGoOn(session)) void session.close('grant_ended')
      })
  }

  /** Connecting is permitted still; and what was opened with the glass broken ends with that. */
  #mayGoOn(session: LiveSession): boolean {
    const { rights } = this.#parts
    const { principal, resource, carried } = session
    if (session.breakGlass && !rights.stillBroken(principal, resource.name, carried)) return false
    const decide = (approved: boolean): Decision => session.decide(CONNECT, approved)
    return holds(rights.connection(decide, principal, resource.name, carried))
  }

  #orEnd(session: LiveSession, look: () => void): void {
    try {
      look()
    } catch (error) {
      // What cannot be judged by the new rules does not go on by the old ones; the other sessions are reviewed.
      this.#parts.log.error({ err: error, session: session.id }, 'session.review_failed')
      void session.close('failed')
    }
  }
}

function sameTarget(a: Resource, b: Resource): boolean {
  return (
    a.protocol === b.protocol &&
    JSON.stringify([a.upstream, a.credential, a.connector]) ===
      JSON.stringify([b.upstream, b.credential, b.connector])
  )
}
