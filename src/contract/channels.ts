// Where people are told that something waits for them, as operators see it. Times are Unix ms.
import { z } from 'zod'

const delivery = z.object({
  id: z.string(),
  event: z.enum(['asked', 'voted', 'decided', 'test']),
  /** Absent from a test. */
  request: z.string().optional(),
  /** `dropped`: there was nothing to tell any more. */
  state: z.enum(['waiting', 'delivered', 'failed', 'dropped']),
  attempts: z.number(),
  createdAt: z.number(),
  triedAt: z.number().optional(),
  /** While it waits: when it is tried next. */
  nextAt: z.number().optional(),
  /** What went wrong last, in words. */
  error: z.string().optional(),
})

export const channel = z.object({
  name: z.string(),
  type: z.enum(['slack', 'teams', 'pagerduty', 'email', 'webhook']),
  /** Where it leads, without any secret. */
  target: z.string(),
  /** What of a held statement leaves the gateway. */
  show: z.enum(['summary', 'statement']),
  /** Decisions may come back through it. */
  decides: z.boolean(),
  state: z.enum(['quiet', 'working', 'failing']),
  waiting: z.number(),
  /** Newest first. */
  deliveries: z.array(delivery),
})

export const tested = delivery

/** What a service is told whose signed decision counted. */
export const decided = z.object({ request: z.string(), state: z.string() })
