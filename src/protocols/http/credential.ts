// The upstream's credential as fields of a request and as a TLS client's certificate.
import type { Session } from '#gateway'
import { fieldValue, originOf, type Resolved } from '#proxy'
import type { AccessToken, AccessTokens, OauthSettings } from './oauth.ts'
import type { HttpSettings } from './settings.ts'

/** Throws UpstreamError, ConfigurationError. */
export async function serviceCredential(
  session: Session<HttpSettings>,
  tokens: AccessTokens,
): Promise<Resolved> {
  const { upstream } = session.resource
  const lease = await session.credential()
  try {
    const fields: [string, string][] = []
    const secrets: string[] = []
    const { token, password, clientCertificate, clientKey } = lease.secrets
    const clientSecret = lease.secrets['oauth.clientSecret']
    const oauth = session.resource.credential.settings?.['oauth']
    let asked: AccessToken | undefined
    for (const [field, secret] of Object.entries(lease.secrets)) {
      if (!field.startsWith('headers.')) continue
      fields.push([field.slice('headers.'.length).toLowerCase(), fieldValue(secret.reveal())])
      // What a service shows of it is often without the scheme.
      secrets.push(secret.reveal(), secret.reveal().replace(/^[A-Za-z]+ +/, ''))
    }
    if (token !== undefined) {
      fields.push(['authorization', `Bearer ${fieldValue(token.reveal())}`])
      secrets.push(token.reveal())
    } else if (oauth !== undefined && clientSecret !== undefined) {
      // (Checked by its schema when the configuration was read.)
      const settings = oauth as OauthSettings
      const place = {
        ...settings,
        url: settings.tokenUrl,
        tls: 'verify-full',
        version: '1.1',
      } as const
      const origin = await originOf(place)
      asked = await tokens.of(session.resource.name, settings, origin, clientSecret)
      fields.push(['authorization', `Bearer ${asked.value}`])
      secrets.push(asked.value, clientSecret.reveal())
    } else if (password !== undefined) {
      const pair = Buffer.from(`${lease.user}:${password.reveal()}`).toString('base64')
      fields.push(['authorization', `Basic ${pair}`])
      secrets.push(password.reveal(), pair)
    }
    const access = asked
    return {
      injected: {
        fields,
        origin: await originOf(upstream, clientCertificate?.reveal(), clientKey?.reveal()),
        secrets,
      },
      until: access?.until,
      renew:
        access === undefined
          ? undefined
          : () => tokens.refused(session.resource.name, access.value),
    }
  } finally {
    lease.release()
  }
}
