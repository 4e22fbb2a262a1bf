// Who calls, and how a program is signed in by a person elsewhere.
import { z } from 'zod'

export const principal = z.object({
  id: z.string(),
  kind: z.enum(['user', 'agent']),
  name: z.string(),
  issuer: z.string(),
  groups: z.array(z.string()),
  actor: z.string().optional(),
  owners: z.array(z.string()),
  mfa: z.boolean(),
  run: z.string(),
  expiresAt: z.number(),
  /** What the policies permit in the console, now: a page offers nothing else. Each call is decided by itself all the same. */
  rights: z
    .array(z.enum(['console:read', 'console:audit', 'console:operate', 'console:administer']))
    .optional(),
})

export const deviceCode = z.object({
  deviceCode: z.string(),
  userCode: z.string(),
  /** Where a person types the code, and the same with the code in it. */
  page: z.string(),
  pageWithCode: z.string(),
  expiresAt: z.number(),
  pollSeconds: z.number(),
})

export const signedIn = z.object({
  /** Shown once; the gateway keeps its hash only. */
  token: z.string(),
  principal: z.string(),
  expiresAt: z.number(),
})
