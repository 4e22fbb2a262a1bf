// A command as a shell would read it, for whoever decides on it. An aid: nothing is decided by it.
import { z } from 'zod'

export const EXPLAINS = 'as a shell would read it; nothing is decided by this'

export const explanation = z.object({
  about: z.literal(EXPLAINS),
  /** Programs in the order of the text. Without `program`, its name is computed, or no program runs there. */
  commands: z
    .array(
      z.object({
        program: z.string().optional(),
        text: z.string(),
        notes: z.array(z.string()).readonly(),
      }),
    )
    .readonly(),
  /** Parts of it do not read as a command: the list is not whole. */
  hasError: z.boolean(),
  /** There is more than is explained. */
  cut: z.boolean(),
  /** There is none: the statement is no such command, or explaining it took too long. */
  missing: z.enum(['no_command', 'too_long']).optional(),
})
