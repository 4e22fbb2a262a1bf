// What a page shows that opens now, and goes on with by the live stream. Times are Unix ms.
import { z } from 'zod'
import { liveEvent } from './events.ts'
import { session } from './sessions.ts'

/** Statements per step, oldest first; the last step is not over. Of this gateway, since it started. */
export const rates = z.object({
  /** When the first step began. */
  from: z.number(),
  stepMs: z.number(),
  permitted: z.array(z.number()),
  held: z.array(z.number()),
  denied: z.array(z.number()),
  /** Answers in which something was masked: they are among the permitted. */
  masked: z.array(z.number()),
})

export const now = z.object({
  at: z.number(),
  /** The last quarter of an hour. */
  rates,
  /** How many sessions live; `sessions` are the newest of them. */
  live: z.number(),
  sessions: z.array(session),
  /** How many requests wait for a person; `held` are the newest of them. */
  waiting: z.number(),
  held: z.array(
    z.object({
      id: z.string(),
      principal: z.string(),
      resource: z.string(),
      kind: z.enum(['statement', 'time', 'review']),
      verbs: z.array(z.string()),
      createdAt: z.number(),
      expiresAt: z.number(),
    }),
  ),
  /** What happened last, in order, as the live stream tells it. */
  recent: z.array(liveEvent),
})
