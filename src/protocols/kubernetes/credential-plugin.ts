// What kubectl and all that is built on client-go ask of a credential plugin (client.authentication.k8s.io).
import { type CredentialPlugin, InvalidRequest } from '#model'

const GROUP = 'client.authentication.k8s.io'
/** kubectl 1.11 to 1.21 know v1beta1 only; it is still taken by all later ones. */
const VERSIONS = [`${GROUP}/v1`, `${GROUP}/v1beta1`]
/** The client asks again when this is over: a little before the credential is, so that no request comes too late. */
const EARLIER_MS = 5_000

export const credentialPlugin: CredentialPlugin = {
  option: 'kubernetes',
  description: 'printed as kubectl asks it of a credential plugin, and kept while it is fresh',
  variable: 'KUBERNETES_EXEC_INFO',
  print: ({ id, secret, expiresAt }, asked) =>
    JSON.stringify({
      apiVersion: asked === undefined || asked === '' ? VERSIONS[0] : versionOf(asked),
      kind: 'ExecCredential',
      status: {
        token: `${id}.${secret}`,
        expirationTimestamp: new Date(expiresAt - EARLIER_MS).toISOString(),
      },
    }),
}

function versionOf(asked: string): string {
  let version: unknown
  try {
    version = (JSON.parse(asked) as { apiVersion?: unknown } | null)?.apiVersion
  } catch {
    // Safe: nothing is printed then.
  }
  const known = VERSIONS.find(each => each === version)
  if (known !== undefined) return known
  const what = typeof version === 'string' ? version : 'what cannot be read'
  throw new InvalidRequest('request_invalid', `The client asks for ${what}.`, {
    hint: `Known are ${VERSIONS.join(' and ')}: it stands as apiVersion of the user in the kubeconfig.`,
  })
}
