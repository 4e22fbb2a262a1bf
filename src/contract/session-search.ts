// What sessions are looked for by. The same words in the address of the page, in the API and in the CLI.
import { z } from 'zod'

/** The index knows three letters at a time. */
export const SHORTEST_TEXT = 3

export const sessionQuery = z.strictObject({
  principal: z.string().max(1_000).optional(),
  resource: z.string().max(1_000).optional(),
  live: z.stringbool().optional(),
  /** Of one statement: an object that it touches, by its whole name or by its last part. */
  table: z.string().max(1_000).optional(),
  /** A data class of which values were masked in its answer. */
  class: z.string().max(1_000).optional(),
  decision: z.enum(['permit', 'held', 'deny']).optional(),
  /** A part of its text. Others' texts need console:audit, and looking through them is on record. */
  text: z
    .string()
    .min(SHORTEST_TEXT)
    .max(1_000)
    // To the index a NUL is the end of what it is asked for.
    .refine(text => !text.includes('\0'), 'a text has no NUL')
    .optional(),
  /** Sessions that lived at some time from `from` until `until`, in Unix ms. */
  from: z.coerce.number().int().min(0).optional(),
  until: z.coerce.number().int().min(0).optional(),
  /** The next page: the id of the last one of this page. */
  before: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})
