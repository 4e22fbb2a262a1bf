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

/** What was typed on the terminals of a session, in order; no text: a line that was typed and not shown back. */
export const typedInput = z.object({
  pieces: z
    .array(z.object({ at: z.number(), entry: z.number(), text: z.string().optional() }))
    .readonly(),
  /** There is more, from this piece on. */
  next: z.number().optional(),
})

/** What a terminal showed at a moment: pieces that draw it on a blank one, in order. */
export const shownScreen = z.object({
  /** Of what ran there: its entry in the log, when it began (Unix ms), its text. */
  entry: z.number(),
  at: z.number(),
  text: z.string(),
  pieces: z
    .array(
      z.union([
        z.object({ at: z.number(), text: z.string() }),
        z.object({ at: z.number(), columns: z.number(), rows: z.number() }),
      ]),
    )
    .readonly(),
})

export interface TypedLine {
  /** Of its first key. */
  readonly at: number
  readonly entry: number
  /** With its keys that are no text; undefined: it was not shown back, and is not kept. */
  readonly text: string | undefined
}

/** Pieces are keys as they came: here they are lines. */
export function typedLines(pieces: z.infer<typeof typedInput>['pieces']): readonly TypedLine[] {
  const lines: TypedLine[] = []
  let begun: { at: number; entry: number; text: string } | undefined
  for (const { at, entry, text } of pieces) {
    if (begun !== undefined && (begun.entry !== entry || text === undefined)) {
      lines.push(begun)
      begun = undefined
    }
    if (text === undefined) lines.push({ at, entry, text })
    else begun = { at: begun?.at ?? at, entry, text: (begun?.text ?? '') + text }
    if (begun === undefined || !/[\r\n]$/.test(begun.text)) continue
    lines.push(begun)
    begun = undefined
  }
  return begun === undefined ? lines : [...lines, begun]
}
