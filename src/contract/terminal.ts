// What is read of terminals. It stands apart from what was decided and recorded: an aid is no evidence.
import { z } from 'zod'

export const AID = 'as read from the screen; not evidence'

export const typedCommands = z.object({
  about: z.literal(AID),
  /** `at` is Unix ms: when the line was left. */
  commands: z.array(z.object({ at: z.number(), text: z.string() })).readonly(),
  /** There is more than was read. */
  cut: z.boolean(),
})
