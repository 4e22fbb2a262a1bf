// Sessions, and the lines of their recordings.
import { z } from 'zod'

export const session = z.object({
  id: z.string(),
  resource: z.string(),
  protocol: z.string(),
  principal: z.string(),
  principalKind: z.enum(['user', 'agent']),
  actor: z.string().optional(),
  run: z.string(),
  ip: z.string(),
  client: z.string(),
  startedAt: z.number(),
  endedAt: z.number().optional(),
  closeReason: z.string().optional(),
  statements: z.number(),
  denied: z.number(),
  rows: z.number(),
  bytes: z.number(),
})

/** A line of a recording: see services/recording; `kind` tells which fields stand. */
export const recordedEvent = z.looseObject({ kind: z.string(), at: z.number() })
