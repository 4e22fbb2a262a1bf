// What an operator says about a PostgreSQL upstream. Knows the schema only; secrets are references elsewhere.
import { z } from 'zod'

/** libpq's words for how far the upstream's certificate is checked. */
export const tlsModes = ['verify-full', 'verify-ca', 'require', 'disable'] as const

export const postgresSettings = z.strictObject({
  host: z.string().min(1).max(255),
  port: z.int().min(1).max(65_535).default(5432),
  /** The database that `dbname=RESOURCE` opens. */
  database: z.string().min(1).max(63),
  tls: z.enum(tlsModes).default('verify-full'),
  /** Who signs the upstream's certificate: `file:PATH` (config makes PATH absolute) or the PEM text itself. */
  ca: z
    .string()
    .regex(
      /^(file:.+|-----BEGIN CERTIFICATE-----[\s\S]+)$/,
      'expected file:PATH or a PEM certificate',
    )
    .optional(),
  /**
   * Other databases that `dbname=RESOURCE/OTHER` may open with this credential. They are the same
   * resource to the policies: name them, or give `[]`, where the credential reaches more than it should.
   */
  databases: z.union([z.array(z.string().min(1).max(63)), z.literal('any')]).default('any'),
})

export type PostgresSettings = z.infer<typeof postgresSettings>

/** The fields of `resources[].credential` that may hold a secret reference. */
export const secretFields = ['password', 'clientCertificate', 'clientKey'] as const
