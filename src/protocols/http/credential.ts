// The upstream's credential as fields of a request and as a TLS client's certificate. Kept for seconds, so that a secret
// that was changed is used soon, and nothing is resolved for each request.
import { readFile } from 'node:fs/promises'
import type { Session } from '#gateway'
import { UpstreamError } from '#model'
import type { Injected, UpstreamCredential } from '#proxy'
import type { UpstreamOrigin } from '#transport/http'
import type { AccessToken, AccessTokens, OauthSettings } from './oauth.ts'
import type { HttpSettings } from './settings.ts'

const KEPT_MS = 15_000
/** Shorter ones would be found everywhere. */
const SHORTEST_SECRET = 6

/** Access tokens that were asked for, by what they went into: another can be had. */
const askedFor = new WeakMap<Injected, AccessToken>()

interface Kept {
  until: number
  readonly injected: Promise<Injected>
  /** The same, once it is there. */
  known?: Injected
}

export class ServiceCredential implements UpstreamCredential {
  readonly #session: Session<HttpSettings>
  readonly #tokens: AccessTokens
  #kept: Kept | undefined

  constructor(session: Session<HttpSettings>, tokens: AccessTokens) {
    this.#session = session
    this.#tokens = tokens
  }

  /** The same without waiting for it. Undefined: it has to be asked for. */
  get known(): Injected | undefined {
    const kept = this.#kept
    return kept !== undefined && kept.until > performance.now() ? kept.known : undefined
  }

  /** Throws UpstreamError, ConfigurationError. */
  current(): Promise<Injected> {
    const now = performance.now()
    if (this.#kept !== undefined && this.#kept.until > now) return this.#kept.injected
    const injected = resolve(this.#session, this.#tokens)
    const kept: Kept = { until: now + KEPT_MS, injected }
    this.#kept = kept
    injected.then(
      known => {
        kept.known = known
        kept.until = Math.min(kept.until, askedFor.get(known)?.until ?? Infinity)
      },
      () => {
        // It is thrown where it was asked for; the next request tries again.
        if (this.#kept === kept) this.#kept = undefined
      },
    )
    return injected
  }

  /** The upstream did not take it: true when another can be had. */
  async refused(injected: Injected): Promise<boolean> {
    const token = askedFor.get(injected)
    if (token === undefined || !(await this.#tokens.refused(token.value))) return false
    this.#kept = undefined
    return true
  }
}

async function resolve(session: Session<HttpSettings>, tokens: AccessTokens): Promise<Injected> {
  const { upstream } = session.resource
  const lease = await session.credential()
  try {
    const fields: [string, string][] = []
    const secrets: string[] = []
    const { token, password, clientCertificate, clientKey } = lease.secrets
    const clientSecret = lease.secrets['oauth.clientSecret']
    const oauth = session.resource.credential.settings?.['oauth']
    let access: AccessToken | undefined
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
      access = await tokens.of(session.resource.name, settings, origin, clientSecret)
      fields.push(['authorization', `Bearer ${access.value}`])
      secrets.push(access.value, clientSecret.reveal())
    } else if (password !== undefined) {
      const pair = Buffer.from(`${lease.user}:${password.reveal()}`).toString('base64')
      fields.push(['authorization', `Basic ${pair}`])
      secrets.push(password.reveal(), pair)
    }
    const injected: Injected = {
      fields,
      origin: await originOf(upstream, clientCertificate?.reveal(), clientKey?.reveal()),
      secrets: [...new Set(secrets)].filter(secret => secret.length >= SHORTEST_SECRET),
      renewable: access !== undefined,
    }
    if (access !== undefined) askedFor.set(injected, access)
    return injected
  } finally {
    lease.release()
  }
}

function fieldValue(text: string): string {
  if (/^[\t\x20-\x7e\x80-\xff]+$/.test(text) && text.trim() === text) return text
  throw new UpstreamError(
    'upstream_refused',
    'the credential of the resource cannot be a header field',
  )
}

async function originOf(
  settings: Pick<HttpSettings, 'url' | 'tls' | 'ca' | 'version' | 'addresses'>,
  cert?: string,
  key?: string,
): Promise<UpstreamOrigin> {
  const { protocol, hostname, port } = new URL(settings.url)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const secure = protocol === 'https:'
  const ca = await caText(settings)
  return {
    host,
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    version: settings.version,
    allowAddresses: [...named(host), ...settings.addresses],
    ...(secure
      ? {
          tls: {
            mode: settings.tls,
            servername: host,
            ...(ca === undefined ? {} : { ca }),
            ...(cert === undefined ? {} : { cert }),
            ...(key === undefined ? {} : { key }),
          },
        }
      : {}),
  }
}

/** An address that the URL itself gives is named by it. */
function named(host: string): readonly string[] {
  if (host === 'localhost') return ['loopback']
  if (/^\d+(?:\.\d+){3}$/.test(host)) return [`${host}/32`]
  return host.includes(':') ? [`${host}/128`] : []
}

async function caText({ ca }: Pick<HttpSettings, 'ca'>): Promise<string | undefined> {
  if (ca === undefined || !ca.startsWith('file:')) return ca
  try {
    return await readFile(ca.slice('file:'.length), 'utf8')
  } catch (cause) {
    // Without it the certificate cannot be checked as the operator wants: not reachable, not unchecked.
    throw new UpstreamError('upstream_unreachable', 'the CA file of the resource cannot be read', {
      cause,
    })
  }
}
