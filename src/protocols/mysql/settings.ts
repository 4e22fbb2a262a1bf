// What an operator says about a MySQL or MariaDB upstream. Knows the schema only; secrets are references elsewhere.
import { z } from 'zod'

/** How far the upstream's certificate is checked, as for every upstream. */
export const tlsModes = ['verify-full', 'verify-ca', 'require', 'disable'] as const

export const mysqlSettings = z.strictObject({
  host: z.string().min(1).max(255),
  port: z.int().min(1).max(65_535).default(3306),
  /** The database that a session begins in; absent: none. */
  database: z.string().min(1).max(64).optional(),
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
   * Other databases that `RESOURCE/OTHER` may begin in. A statement may name any database that the credential
   * reaches, whatever stands here: policies tell them apart by their objects (`Object::"RESOURCE/DATABASE.TABLE"`).
   */
  databases: z.union([z.array(z.string().min(1).max(64)), z.literal('any')]).default('any'),
  /**
   * The server's RSA key (PEM, or `file:PATH`), for caching_sha2_password without TLS: one that the server offers
   * itself could be anybody's.
   */
  serverKey: z
    .string()
    .regex(/^(file:.+|-----BEGIN PUBLIC KEY-----[\s\S]+)$/, 'expected file:PATH or a PEM key')
    .optional(),
  /**
   * LOAD DATA LOCAL, for whoever a policy lets `execute` it: the server asks the client for a file, and the gateway lets that one
   * request through. The greeting says so to all who come to this listener, for it comes before anybody is known.
   */
  localInfile: z
    .boolean('must be true or false: whether clients may load files of their own')
    .default(false),
})

export type MysqlSettings = z.infer<typeof mysqlSettings>

/** The fields of `resources[].credential` that may hold a secret reference. */
export const secretFields = ['password', 'clientCertificate', 'clientKey'] as const
