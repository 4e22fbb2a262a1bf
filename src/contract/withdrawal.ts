// Withdrawing an identity: nothing that proves it so far counts any more. Times are Unix ms.
import { z } from 'zod'

/** A day: what proves an identity is the issuer's to give and to refuse; this bridges the time until it does. */
export const MOST_SECONDS = 86_400

export const withdrawal = z.strictObject({
  principal: z.string().min(1).max(2_048),
  /** Proofs made within so long from now do not count either. */
  seconds: z.int().min(0).max(MOST_SECONDS).default(0),
})

export const withdrawn = z.object({
  principal: z.string(),
  /** What was made up to then is refused. */
  until: z.number(),
})
