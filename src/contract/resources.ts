// What there is to connect to, and credentials for it.
import { z } from 'zod'

export const resource = z.object({
  name: z.string(),
  protocol: z.string(),
  /** The protocol's name for people. */
  label: z.string().optional(),
  tags: z.record(z.string(), z.string()),
  /** Where clients reach it, and lines to paste. */
  endpoint: z.object({ host: z.string(), port: z.number() }).optional(),
  connect: z.array(z.string()),
  tool: z.array(z.string()),
})

export const credential = z.object({
  id: z.string(),
  resource: z.string(),
  principal: z.string(),
  expiresAt: z.number(),
})

export const issuedCredential = credential.extend({
  /** Shown once; the gateway keeps a verifier only. */
  secret: z.string(),
})
