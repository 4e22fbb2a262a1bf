// The upstream's credential as fields of a request and as a TLS client's certificate. Kept for seconds, so that a secret
// that was changed is used soon, and nothing is resolved for each request.
import { readFile } from 'node:fs/promises'
import type { Session } from '#gateway'
import { UpstreamError } from '#model'
import type { UpstreamOrigin } from '#transport/http'
import type { HttpSettings } from './settings.ts'

const KEPT_MS = 15_000
/** Shorter ones would be found everywhere. */
const SHORTEST_SECRET = 6

export interface Injected {
  readonly fields: readonly (readonly [string, string])[]
  readonly origin: UpstreamOrigin
  /** What must not come back to the client. */
  readonly secrets: readonly string[]
}

export class UpstreamCredential {
  readonly #session: Session<HttpSettings>
  #kept: { readonly until: number; readonly injected: Promise<Injected> } | undefined

  constructor(session: Session<HttpSettings>) {
    this.#session = session
  }

  /** Throws UpstreamError, ConfigurationError. */
  current(): Promise<Injected> {
    const now = performance.now()
    if (this.#kept !== undefined && this.#kept.until > now) return this.#kept.injected
    const injected = resolve(this.#session)
    this.#kept = { until: now + KEPT_MS, injected }
    injected.catch(() => {
      // It is thrown where it was asked for; the next request tries again.
      this.#kept = undefined
    })
    return injected
  }
}

async function resolve(session: Session<HttpSettings>): Promise<Injected> {
  const { upstream } = session.resource
  const lease = await session.credential()
  try {
    const fields: [string, string][] = []
    const secrets: string[] = []
    const { token, password, clientCertificate, clientKey } = lease.secrets
    for (const [field, secret] of Object.entries(lease.secrets)) {
      if (!field.startsWith('headers.')) continue
      fields.push([field.slice('headers.'.length).toLowerCase(), fieldValue(secret.reveal())])
      // What a service shows of it is often without the scheme.
      secrets.push(secret.reveal(), secret.reveal().replace(/^[A-Za-z]+ +/, ''))
    }
    if (token !== undefined) {
      fields.push(['authorization', `Bearer ${fieldValue(token.reveal())}`])
      secrets.push(token.reveal())
    } else if (password !== undefined) {
      const pair = Buffer.from(`${lease.user}:${password.reveal()}`).toString('base64')
      fields.push(['authorization', `Basic ${pair}`])
      secrets.push(password.reveal(), pair)
    }
    return {
      fields,
      origin: await originOf(upstream, clientCertificate?.reveal(), clientKey?.reveal()),
      secrets: [...new Set(secrets)].filter(secret => secret.length >= SHORTEST_SECRET),
    }
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
  settings: HttpSettings,
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

async function caText({ ca }: HttpSettings): Promise<string | undefined> {
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
