// An error as a problem document.
import { z } from 'zod'

/** RFC 9457. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  code: z.string(),
  hint: z.string().optional(),
  requestId: z.string().optional(),
  retryBefore: z.number().optional(),
})
