// What an operator says about a cluster. Knows the schema only; secrets are references elsewhere.
import { z } from 'zod'
import { originFields } from '#proxy'

const prefix = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9._:/@-]*$/, 'expected letters, digits and any of ._:/@-')
  .refine(
    text => !text.startsWith('system:'),
    'must not begin with system: (those names are the cluster’s own)',
  )

export const kubernetesSettings = z.strictObject({
  /** The API server: every request goes there, and nowhere else. */
  server: z
    .string()
    .refine(isServer, 'expected https://HOST[:PORT][/PATH], without a user, a query or a fragment'),
  ...originFields,
  /**
   * As whom requests are made there: `principal` (Impersonate-User, -Group and -Extra are set, and the cluster's own RBAC and audit log
   * see who asks), or `none`: as the credential itself.
   */
  impersonate: z.enum(['principal', 'none']).default('principal'),
  /** What stands before a principal's name and its groups in the cluster. */
  userPrefix: prefix.default('sallyport:'),
  groupPrefix: prefix.default('sallyport:'),
  /** Which of a principal's groups are named there; the credential must be allowed to name each. */
  groups: z.union([z.array(z.string().min(1).max(256)).max(256), z.literal('all')]).default('all'),
  /** Of a request's body, in bytes. API servers take 3 MiB. */
  bodyBytes: z.int().min(1_024).max(67_108_864).default(3_145_728),
})

export type KubernetesSettings = z.infer<typeof kubernetesSettings>

/** The fields of `resources[].credential` that may hold a secret reference. */
export const secretFields = ['token', 'clientCertificate', 'clientKey', 'environment.*'] as const

/** Each proves who we are in the field `Authorization`. */
export const oneOf = ['token', 'exec'] as const

function isServer(text: string): boolean {
  const url = URL.parse(text)
  return (
    url !== null &&
    url.protocol === 'https:' &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === '' &&
    !/[?#%]|\/\/.*\/\//.test(text)
  )
}
