// Authorities whose client certificates say who somebody is. The rules for certificates themselves are in services/identity.
import { z } from 'zod'

const pem = z
  .string()
  .regex(
    /^(file:.+|-----BEGIN CERTIFICATE-----[\s\S]+)$/,
    'expected file:PATH or a PEM certificate',
  )

export const clientCertificatesSchema = z.strictObject({
  /**
   * What policies and the log know these authorities by, as the `iss` of tokens. One of `identity.issuers`: its subjects are the same
   * principals, whichever way they come.
   */
  issuer: z.string().regex(/^[!-~]{1,256}$/, 'is one word'),
  /** All that sign, intermediates too: what clients send besides their own certificate is not read. */
  ca: pem,
  /** Revocation lists of these. */
  crl: z
    .string()
    .regex(/^file:.+/, 'expected file:PATH')
    .optional(),
  /** Where the name of the principal stands: exactly one of that kind. */
  subject: z.enum(['uri', 'dns', 'email', 'cn']).default('uri'),
  /** What every such name begins with: `spiffe://example.org/`. */
  begins: z.string().min(1).max(256).optional(),
  principal: z.enum(['user', 'agent']).default('agent'),
  groups: z.array(z.string().min(1).max(256)).max(64).default([]),
  /** Put before subjects and groups, as of token issuers. Of one of these it is that one's. */
  prefix: z.string().max(64).optional(),
})

type Written = z.infer<typeof clientCertificatesSchema>

/** `file:` paths are absolute. */
export interface ClientCertificateSettings extends Omit<Written, 'prefix'> {
  readonly prefix: string
}

/** With the prefix of the token issuer of the same name. */
export function clientCertificatesOf(
  written: readonly Written[],
  issuers: readonly { readonly issuer: string; readonly prefix: string }[],
  reference: (text: string) => string,
): readonly ClientCertificateSettings[] {
  return written.map(({ ca, crl, prefix, ...rest }) => ({
    ...rest,
    prefix: prefix ?? issuers.find(each => each.issuer === rest.issuer)?.prefix ?? '',
    ca: reference(ca),
    ...(crl === undefined ? {} : { crl: reference(crl) }),
  }))
}
