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

/** What is asked for: one statement, a right for a time, or a look back at a glass that was broken. */
export type AccessRequestKind = 'statement' | 'time' | 'review'

/** So many people of one of these groups; no group: of those whom Cedar permits to `approve`. */
export interface ApprovalNeed {
  readonly groups: readonly string[]
  readonly count: number
}

/** Whose yes is asked for. */
export interface ApprovalTerms {
  readonly approvers: readonly string[]
  /** How many people in all. */
  readonly quorum: number
  /** Each has to be met, by people of its own. Absent: `quorum` of `approvers`. */
  readonly needs?: readonly ApprovalNeed[]
}

export interface ApprovalVote {
  readonly approver: string
  readonly vote: 'approve' | 'deny'
  readonly at: number
  readonly reason?: string
  /** Where the request has `needs`: those that this vote can count for, by their place. */
  readonly counts?: readonly number[]
}

/** What every request has. Times are Unix ms. */
interface Asked extends ApprovalTerms {
  readonly id: string
  readonly state: AccessRequestState
  readonly digest: StatementDigest
  readonly resource: string
  readonly protocol: string
  /** Entity ids of the principal and of its current actor, and those who may never approve. */
  readonly principal: string
  readonly principalKind: 'user' | 'agent'
  readonly actor?: string
  readonly excluded: readonly string[]
  /** Why it is held: the policies' own words and ids. */
  readonly message: string
  readonly policies: readonly string[]
  /** The principal's own words: untrusted. */
  readonly reason?: string
  readonly votes: readonly ApprovalVote[]
  readonly createdAt: number
  /** Until when it can be decided; once approved, consumed; once in force, until when. Of a review: when it is due. */
  readonly expiresAt: number
}

export interface StatementRequest extends Asked {
  readonly kind: 'statement'
  readonly session: string
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
  /** What it would do. Absent: not looked at yet, or the protocol cannot tell. */
  readonly preview?: Preview
  /** The bound on changed rows that a yes carries when the approver names none: from the preview's estimate. */
  readonly defaultMaxRows?: number
  /** The most rows that the approved statement may change. */
  readonly maxRows?: number
}

/** A right for a time, as it was asked for, or as far as the yeses go. */
export interface TimeTerms {
  readonly actions: readonly string[]
  readonly seconds: number
  /** So many sessions at most. */
  readonly uses?: number
}

export interface TimeRequest extends Asked, TimeTerms {
  readonly kind: 'time'
  /** What becomes of each action with the right, by the policies of the moment when it was asked. */
  readonly outlook: readonly {
    readonly action: string
    readonly effect: 'permit' | 'held' | 'deny'
  }[]
  /** As far as the yeses go: the least of them. Absent: nobody said yes yet. */
  readonly approved?: TimeTerms
  /** What the policies ask for before one connects: a yes to this request is that yes, for as long as they ask for it. */
  readonly answers?: readonly ApprovalTerms[]
}

/** Somebody broke the glass: another person looks at what was done with it, however late. */
export interface ReviewRequest extends Asked {
  readonly kind: 'review'
  /** Until when it was taken. */
  readonly until: number
}

/** A request is told apart by its `kind`. */
export type AccessRequest = StatementRequest | TimeRequest | ReviewRequest

/** What is asked, in one text: the statement itself, else our words for it. */
export function askedFor(request: AccessRequest): string {
  switch (request.kind) {
    case 'statement':
      return request.statement
    case 'time': {
      const { actions, seconds, uses } = request.approved ?? request
      const sessions = uses === undefined ? '' : `, ${uses} ${uses === 1 ? 'session' : 'sessions'}`
      return `${actions.join(', ')} for ${lengthOf(seconds)}${sessions}`
    }
    case 'review':
      return 'what was done with the glass broken'
  }
}

/** The right that follows from a request for one. */
export function grantIdOf({ id }: TimeRequest | ReviewRequest): string {
  return id.replace(/^req-/, 'grant-')
}

/** A length of time in words: `1 h 30 min`. */
export function lengthOf(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)]
  const parts = [
    ...(hours === 0 ? [] : [`${hours} h`]),
    ...(minutes === 0 ? [] : [`${minutes} min`]),
    ...(seconds % 60 === 0 ? [] : [`${seconds % 60} s`]),
  ]
  return parts.join(' ') || '0 s'
}

/** A time-bound right: a policy linked from a template. */
export interface Grant {
  readonly id: string
  readonly principal: string
  /** Who asked for it or took it: a person, or an agent. Absent: it was given to the name, whoever bears it. */
  readonly principalKind?: 'user' | 'agent'
  readonly resource: string
  readonly actions: readonly string[]
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt?: number
  readonly approvedBy: readonly string[]
  readonly reason: string
  /** The request that asked for it. */
  readonly request?: string
  /** What the yeses to that request were: they count where a policy asks for just these before one connects. */
  readonly answers?: readonly ApprovalTerms[]
  /** So many sessions may be opened with it, and so many were. */
  readonly maxUses?: number
  readonly uses?: number
  /** A person took it in an emergency. */
  readonly breakGlass?: true
}
