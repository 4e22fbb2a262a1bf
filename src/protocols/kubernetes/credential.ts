// The gateway's own credential at a cluster, and as whom it asks there.
import type { Session } from '#gateway'
import { UpstreamError } from '#model'
import { fieldValue, originOf, type Resolved, type Upstreams } from '#proxy'
import type { ExecSettings } from './exec-plugin.ts'
import { impersonationFields } from './impersonation.ts'
import type { GivenCredential, PluginCredentials } from './plugin-credentials.ts'
import type { KubernetesSettings } from './settings.ts'

/** What all sessions share. */
export interface ClusterParts {
  readonly upstreams: Upstreams
  readonly plugins: PluginCredentials
}

/** Throws UpstreamError, AccessDenied: the principal cannot be named there. */
export async function clusterCredential(
  session: Pick<Session<KubernetesSettings>, 'id' | 'principal' | 'resource' | 'credential'>,
  plugins: PluginCredentials,
): Promise<Resolved> {
  const { resource, principal, id } = session
  const { upstream } = resource
  const lease = await session.credential()
  try {
    const { token, clientCertificate, clientKey } = lease.secrets
    let proof = token?.reveal()
    let certificate = clientCertificate?.reveal()
    let key = clientKey?.reveal()
    let given: GivenCredential | undefined
    const exec = resource.credential.settings?.['exec']
    if (exec !== undefined) {
      const environment: Record<string, string> = {}
      for (const [field, secret] of Object.entries(lease.secrets))
        if (field.startsWith(ENVIRONMENT))
          environment[field.slice(ENVIRONMENT.length)] = secret.reveal()
      // (Checked by its schema when the configuration was read.)
      given = await plugins.of(resource.name, exec as ExecSettings, environment)
      proof = given.token
      certificate = given.certificate ?? certificate
      key = given.key ?? key
    }
    if (proof === undefined && certificate === undefined)
      throw new UpstreamError('upstream_refused', 'the resource has no credential for its cluster')
    const fields: (readonly [string, string])[] = [...impersonationFields(principal, id, upstream)]
    if (proof !== undefined) fields.push(['authorization', `Bearer ${fieldValue(proof.trim())}`])
    const refused = given?.refused
    return {
      injected: {
        fields,
        origin: await originOf({ ...upstream, url: upstream.server }, certificate, key),
        secrets: proof === undefined ? [] : [proof.trim()],
      },
      until: given?.until,
      renew: refused === undefined ? undefined : async () => refused(),
    }
  } finally {
    lease.release()
  }
}

const ENVIRONMENT = 'environment.'
