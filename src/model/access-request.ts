// Asking, a person's yes, and the right that follows (standards: request, approval, grant).
import type { Preview } from './preview.ts'
import type { Operation } from './statement.ts'

/**
 * SHA-256 (hex) of the JCS of what is asked: target, protocol, role, session state, the statement's raw
 * bytes, its parameters, principal and current actor. Any change of any of these is another digest.
 */
export type StatementDigest = string

export type AccessRequestState =
  | 'pending'
  | 'approved'
  | 'denied'
  | 'expired'
  | 'cancelled'
  | 'superseded'
  | 'consumed'
  | 'revoked'

export interface ApprovalVote {
  readonly approver: string
  readonly vote: 'approve' | 'deny'
  readonly at: number
  readonly reason?: string
}

/** A request for one statement. Times are Unix ms. */
export interface AccessRequest {
  readonly id: string
  readonly state: AccessRequestState
  readonly digest: StatementDigest
  readonly resource: string
  readonly protocol: string
  readonly session: string
  /** Entity ids of the principal and of its current actor, and those who may never approve. */
  readonly principal: string
  readonly principalKind: 'user' | 'agent'
  readonly actor?: string
  readonly excluded: readonly string[]
  /** Verbatim. Shown escaped. */
  readonly statement: string
  /** Bound values as text, for the approver; null is NULL. */
  readonly parameters: readonly (string | null)[]
  readonly objects: readonly string[]
  readonly verbs: readonly string[]
  readonly flags: readonly string[]
  /** The operations and functions as they were judged: what policies about `approve` may ask for. */
  readonly operations?: readonly Operation[]
  readonly functions?: readonly string[]
  /** Why it is held: the policies' own words and ids. */
  readonly message: string
  readonly policies: readonly string[]
  /** The principal's own words: untrusted. */
  readonly reason?: string
  readonly approvers: readonly string[]
  readonly quorum: number
  readonly votes: readonly ApprovalVote[]
  readonly createdAt: number
  /** Until when it can be decided, or, once approved, consumed. */
  readonly expiresAt: number
  /** What it would do. Absent: not looked at yet, or the protocol cannot tell. */
  readonly preview?: Preview
  /** The bound on changed rows that a yes carries when the approver names none: from the preview's estimate. */
  readonly defaultMaxRows?: number
  /** The most rows that the approved statement may change. */
  readonly maxRows?: number
}

/** A time-bound right: a policy linked from a template. */
export interface Grant {
  readonly id: string
  readonly principal: string
  readonly resource: string
  readonly actions: readonly string[]
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt?: number
  readonly approvedBy: readonly string[]
  readonly reason: string
}
