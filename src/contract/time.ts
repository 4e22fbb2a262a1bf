// What a request for time, and a review, have besides what every request has.
import { z } from 'zod'
import { grantable } from './actions.ts'

export const MOST_TIME_SECONDS = 8 * 60 * 60
export const MOST_USES = 1_000
export const MOST_EMERGENCY_SECONDS = 60 * 60

/** A right for a time, as far as the yeses to it go. */
const timeTerms = z.object({
  actions: z.array(z.string()),
  seconds: z.number(),
  /** So many sessions may be opened with it. */
  uses: z.number().optional(),
})

/** In a request: absent in one for a statement. */
export const timeAsked = {
  actions: z.array(z.string()).optional(),
  seconds: z.number().optional(),
  uses: z.number().optional(),
  /** What becomes of each action with the right, by the policies of the moment when it was asked. */
  outlook: z
    .array(z.object({ action: z.string(), effect: z.enum(['permit', 'held', 'deny']) }))
    .optional(),
  /** As far as the yeses go: the least of them. */
  approved: timeTerms.optional(),
  /** The right that came of it; of a review, the one that was taken, and until when. */
  grant: z.string().optional(),
  until: z.number().optional(),
}

const actions = z.array(z.enum(grantable)).min(1)
const seconds = z.number().int().min(10).max(MOST_TIME_SECONDS)
const uses = z.number().int().min(1).max(MOST_USES)

/** Asks for a right for a time. */
export const timeQuestion = z.strictObject({
  resource: z.string(),
  actions: actions.default(['connect', 'read']),
  seconds,
  uses: uses.optional(),
  reason: z.string().trim().min(1).max(2000),
})

/** Takes a right at once, in an emergency. */
export const emergency = z.strictObject({
  resource: z.string(),
  seconds: z.number().int().min(10).max(MOST_EMERGENCY_SECONDS),
  reason: z.string().trim().min(1).max(2000),
})

export const reviewNote = z.strictObject({ note: z.string().trim().min(1).max(2000) })

/** What an approver may change of it. */
export const timeVote = {
  seconds: seconds.optional(),
  actions: actions.optional(),
  uses: uses.optional(),
}
