// Certificates for keys of clients, and the lines by which clients know the gateway.
import { z } from 'zod'
import { credential } from './resources.ts'

export const askedCertificate = z.strictObject({
  resource: z.string(),
  /** One line, as the client's tools write it. */
  publicKey: z.string().min(1).max(4_096),
  /** Seconds; 900 at most. */
  ttl: z.number().int().min(10).max(900).optional(),
  /** Addresses and networks from which alone it is to be used, with commas between. */
  from: z.string().min(1).max(256).optional(),
})

/** Revoked as any other credential is, by its id. */
export const issuedCertificate = credential.extend({
  certificate: z.string(),
  /** Of the key that it is for. */
  fingerprint: z.string(),
  endpoint: z.object({ host: z.string(), port: z.number() }).optional(),
})

export const knownHosts = z.array(
  z.object({
    protocol: z.string(),
    lines: z.array(z.string()),
    /** For resources that are to let the gateway in by a certificate of its own. */
    trust: z.string(),
  }),
)
