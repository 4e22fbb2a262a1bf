// What an operator says about an SSH upstream. Knows the schema only; secrets are references elsewhere.
import { z } from 'zod'
import { readHostKey } from './certificates/known-host.ts'

export const sshSettings = z.strictObject({
  host: z.string().min(1).max(255),
  port: z.int().min(1).max(65_535).default(22),
  /** The host's keys, as `ssh-keyscan` or `/etc/ssh/*.pub` print them, or the authority that certifies them, behind `@cert-authority`; behind `@revoked`, what is taken from nobody any more. Any other key is refused: nothing is trusted on first use. */
  hostKeys: z
    .array(
      z.string().refine(line => readHostKey(line) !== undefined, {
        message:
          'expected a public key: TYPE BASE64, as /etc/ssh/ssh_host_ed25519_key.pub has it; or that of an authority behind @cert-authority, or one that is taken no more behind @revoked',
      }),
    )
    .refine(lines => lines.some(line => readHostKey(line)?.kind !== 'revoked'), {
      message: 'name at least one key of the host: ssh-keyscan HOST prints them',
    }),
})

export type SshSettings = z.infer<typeof sshSettings>

/** The field of `resources[].credential` that may say `ours`: a certificate of our authority, for each login. */
export const CERTIFICATE = 'certificate'
/** The fields of `resources[].credential` that may hold a secret reference. */
export const secretFields = ['password', 'privateKey', 'passphrase'] as const
