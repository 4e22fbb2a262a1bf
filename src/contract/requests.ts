// What waits for a person, the votes on it, and rights that come of it.
import { z } from 'zod'
import { timeAsked, timeVote } from './time.ts'

/** What a held statement would do, without running it: estimates, and text of the system's own, untrusted. */
export const preview = z.object({
  tables: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      rows: z.number().optional(),
      /** Counted, not estimated. */
      exact: z.boolean(),
      /** What rests on it, where the statement defines or empties it. */
      dependents: z.number().optional(),
    }),
  ),
  estimate: z
    .object({
      rows: z.number(),
      effect: z.enum(['changes', 'returns']),
      /** Changed rows are counted as it runs: a bound on them holds. */
      guarded: z.boolean(),
    })
    .optional(),
  plan: z.string().optional(),
  /** What would be other than it is: a line each, which begins with `+`, `-` or `~`. */
  changes: z.string().optional(),
  /** Why there is neither. */
  unavailable: z.string().optional(),
  notes: z.array(z.string()),
})

export const accessRequest = z.object({
  id: z.string(),
  /** `statement`: one statement; `time`: a right for a time; `review`: a look back at a broken glass. */
  kind: z.enum(['statement', 'time', 'review']),
  state: z.enum([
    'pending',
    'approved',
    'denied',
    'expired',
    'cancelled',
    'superseded',
    'consumed',
    'revoked',
  ]),
  resource: z.string(),
  protocol: z.string(),
  /** Of a statement. */
  session: z.string().optional(),
  principal: z.string(),
  principalKind: z.enum(['user', 'agent']),
  actor: z.string().optional(),
  /** Who owns the agent that asks or acts: they may not decide. */
  owners: z.array(z.string()),
  /** The resource's tags, as they are now. */
  tags: z.record(z.string(), z.string()),
  /** Verbatim: whoever shows it escapes it. Of the other kinds: what is asked, in our words. */
  statement: z.string(),
  parameters: z.array(z.string().nullable()),
  objects: z.array(z.string()),
  verbs: z.array(z.string()),
  flags: z.array(z.string()),
  message: z.string(),
  policies: z.array(z.string()),
  /** The asking principal's own words: untrusted. */
  reason: z.string().optional(),
  approvers: z.array(z.string()),
  quorum: z.number(),
  /** Each has to be met, by people of its own. Absent: `quorum` of `approvers`. */
  needs: z.array(z.object({ groups: z.array(z.string()), count: z.number() })).optional(),
  votes: z.array(
    z.object({
      approver: z.string(),
      vote: z.enum(['approve', 'deny']),
      at: z.number(),
      reason: z.string().optional(),
      counts: z.array(z.number()).optional(),
    }),
  ),
  createdAt: z.number(),
  expiresAt: z.number(),
  /**
   * For approvers and who may read the console, never for whoever asks. Absent until somebody has looked, shortly after
   * it was made; and where nobody can.
   */
  preview: preview.optional(),
  /** The bound on changed rows that a yes carries when it names none. */
  defaultMaxRows: z.number().optional(),
  maxRows: z.number().optional(),
  digest: z.string(),
  ...timeAsked,
  /** True when the caller may vote on it. */
  mayVote: z.boolean(),
})

export const vote = z.strictObject({
  reason: z.string().max(2000).optional(),
  /** The most rows that the statement may change; more is rolled back. Default: the request's `defaultMaxRows`. */
  maxRows: z.number().int().min(0).optional(),
  ...timeVote,
})

export const grant = z.object({
  id: z.string(),
  principal: z.string(),
  resource: z.string(),
  actions: z.array(z.string()),
  createdAt: z.number(),
  expiresAt: z.number(),
  revokedAt: z.number().optional(),
  approvedBy: z.array(z.string()),
  reason: z.string(),
  /** The request that asked for it. */
  request: z.string().optional(),
  /** So many sessions may be opened with it, and so many were. */
  maxUses: z.number().optional(),
  uses: z.number().optional(),
  breakGlass: z.literal(true).optional(),
})
