// What somebody needs who verifies the log: its key, its heads. Tiles and bundles are bytes (C2SP tlog-tiles).
import { z } from 'zod'

export const head = z.object({
  size: z.number(),
  /** The signed note, byte for byte. */
  note: z.string(),
  /** When the newest entry under it was written. A head itself has no time. */
  at: z.number().optional(),
})

export const log = z.object({
  origin: z.string(),
  /** The public key as the gateway states it: whoever verifies has it from elsewhere. */
  vkey: z.string(),
  /** All entries, signed or not. */
  size: z.number(),
  head,
  /** Where the log is sent by itself. */
  sinks: z.array(z.object({ name: z.string(), behind: z.number() })),
})
