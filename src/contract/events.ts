// The audit log's entries, and what the live stream tells of them.
import { z } from 'zod'

export const auditRecord = z.looseObject({ seq: z.number(), ts: z.string(), kind: z.string() })

/** What just happened, without texts or values: whoever is interested asks for the thing itself. */
export const liveEvent = z.object({
  /** The entry of the audit log: `Last-Event-ID` of a stream that goes on from there. */
  seq: z.number(),
  at: z.number(),
  kind: z.string(),
  session: z.string().optional(),
  principal: z.string().optional(),
  resource: z.string().optional(),
  request: z.string().optional(),
  grant: z.string().optional(),
  /** Whose right it is. */
  to: z.string().optional(),
  verbs: z.array(z.string()).optional(),
  objects: z.array(z.string()).optional(),
  effect: z.string().optional(),
  code: z.string().optional(),
  /** Of `statement.completed`: what came of statements, by the entry of each. */
  outcomes: z
    .array(
      z.object({
        entry: z.number(),
        at: z.number(),
        status: z.string(),
        rows: z.number(),
        /** Something in the answer was masked. */
        masked: z.boolean(),
      }),
    )
    .optional(),
})
