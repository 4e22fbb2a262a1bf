// The policy engine's answer for a statement.
import type { ApprovalNeed } from './access-request.ts'
import type { ReasonCode } from './errors.ts'

/** A policy's `@id`, or a grant's id. */
export type PolicyId = string

export type Effect = 'permit' | 'deny'

/** A duty that must be met for a permit to hold (XACML's word). A kind nobody can discharge is a deny. */
export type Obligation =
  /** A person's yes, from one of `approvers` (group names; empty: whoever may `approve` on the resource). */
  | {
      readonly kind: 'approve'
      readonly approvers: readonly string[]
      /** How many distinct people. */
      readonly quorum: number
      /** Each has to be met, by people of its own. Absent: `quorum` of `approvers`. */
      readonly needs?: readonly ApprovalNeed[]
      /** How long the request stays open, in ms. */
      readonly withinMs: number
      /** The policy's own words for the approver and the requester. */
      readonly message: string
      readonly policies: readonly PolicyId[]
    }
  /** A reason, given by the principal. */
  | { readonly kind: 'justify'; readonly policies: readonly PolicyId[] }
  /** A fresh second factor. */
  | { readonly kind: 'step-up'; readonly policies: readonly PolicyId[] }
  /** At most so many rows or bytes of answer. */
  | {
      readonly kind: 'limit'
      readonly rows?: number
      readonly bytes?: number
      readonly policies: readonly PolicyId[]
    }

/** How one operation of the statement was decided. */
export interface OperationDecision {
  readonly effect: Effect
  /** The policies that determined it, as Cedar's diagnostics name them. Empty: no permit matched. */
  readonly policies: readonly PolicyId[]
  /** Ids of policies whose evaluation failed; a failed policy does not apply (Cedar's rule). */
  readonly errors: readonly PolicyId[]
}

/** The answer for a statement: permit only when each operation is permitted. */
export interface Decision {
  readonly effect: Effect
  readonly obligations: readonly Obligation[]
  /** Distinct, in the order of the operations. */
  readonly policies: readonly PolicyId[]
  readonly operations: readonly OperationDecision[]
  /** Why, on deny; `permitted` otherwise. */
  readonly code: ReasonCode
  /** The `@reason` of the policy that denied, or a sentence of ours. For the client. */
  readonly message: string
  /** What would be permitted, for the client's HINT. Empty when nothing can be said. */
  readonly hint: string
}
