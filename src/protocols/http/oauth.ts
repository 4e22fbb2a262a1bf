// Access tokens of upstreams by client credentials (RFC 6749 section 4.4): asked of one named token endpoint over TLS, kept until
// shortly before they end, one asking at a time for all sessions. Nothing of it is logged.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { isGatewayError, type Secret, UpstreamError } from '#model'
import type { Upstreams } from '#proxy'
import { Fields, type UpstreamOrigin } from '#transport/http'

const tokenUrl = z
  .string()
  .refine(isTokenUrl, 'expected https://HOST[:PORT]/PATH, nothing behind it')

/** `credential.oauth`, without its secret. */
export const oauthSettings = z.strictObject({
  tokenUrl,
  clientId: z.string().min(1).max(1_024),
  scope: z
    .string()
    .regex(
      /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/,
      'expected words with one blank between',
    )
    .optional(),
  /** What Auth0 and others want; RFC 8707 has `resource`. */
  audience: z.string().min(1).max(1_024).optional(),
  resource: z.string().min(1).max(1_024).optional(),
  /** How the client proves itself: by Basic, or in the body. */
  authentication: z.enum(['basic', 'post']).default('basic'),
  ca: z
    .string()
    .regex(
      /^(file:.+|-----BEGIN CERTIFICATE-----[\s\S]+)$/,
      'expected file:PATH or a PEM certificate',
    )
    .optional(),
  /** As `upstream.addresses`, for the token endpoint. */
  addresses: z.array(z.string().min(1).max(64)).max(64).default([]),
})

export type OauthSettings = z.infer<typeof oauthSettings>

export interface AccessToken {
  readonly value: string
  /** By `performance.now()`. */
  readonly until: number
}

interface Kept {
  readonly token: Promise<AccessToken>
  /** Undefined while it is asked for. */
  until: number | undefined
}

const DEADLINE_MS = 15_000
const LARGEST_ANSWER = 65_536
const MOST_KEPT = 1_000
/** What an endpoint does not say. */
const UNSAID_S = 60
const LONGEST_S = 86_400
/** Before its end, when it is long enough; so that it does not end on its way. */
const EARLY_MS = 30_000
/** After a failure nobody asks again at once; a token that was refused is replaced no oftener. */
const RETRY_MS = 2_000
const REPLACED_MS = 10_000
/** RFC 6749 section 5.2: what an operator can act upon; nothing else of the answer is shown. */
const ERRORS: ReadonlySet<unknown> = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
])
/** RFC 6750 section 2.1. */
const BEARER = /^[\w\-.~+/]+=*$/

export class AccessTokens {
  readonly #upstreams: Upstreams
  readonly #kept = new Map<string, Kept>()
  /** When a token was last replaced because it was refused. */
  readonly #replaced = new Map<string, number>()

  constructor(upstreams: Upstreams) {
    this.#upstreams = upstreams
  }

  /** Throws UpstreamError. */
  of(
    resource: string,
    settings: OauthSettings,
    origin: UpstreamOrigin,
    secret: Secret,
  ): Promise<AccessToken> {
    const words = secret.reveal()
    const key = keyOf(resource, settings, origin, words)
    const now = performance.now()
    const known = this.#kept.get(key)
    if (known !== undefined && (known.until === undefined || known.until > now)) return known.token
    this.#forget(now)
    const token = this.#ask(resource, settings, origin, words)
    const kept: Kept = { token, until: undefined }
    this.#kept.set(key, kept)
    token.then(
      ({ until }) => {
        kept.until = until
      },
      () => {
        // Said to everybody who asks meanwhile; a new try is made after it.
        kept.until = performance.now() + RETRY_MS
      },
    )
    return token
  }

  /** The upstream of this resource did not take this token: the next who asks gets another. False: it is too early for that. */
  async refused(resource: string, token: string): Promise<boolean> {
    const now = performance.now()
    for (const [key, kept] of this.#kept) {
      // Two resources may have been given the same token.
      if (kept.until === undefined || !key.startsWith(`${resource} `)) continue
      const value = await kept.token.then(
        each => each.value,
        () => undefined,
      )
      if (value !== token) continue
      if (now - (this.#replaced.get(key) ?? -Infinity) < REPLACED_MS) return false
      this.#replaced.set(key, now)
      if (this.#kept.get(key) === kept) this.#kept.delete(key)
      return true
    }
    // It was replaced already.
    return true
  }

  async #ask(
    resource: string,
    settings: OauthSettings,
    origin: UpstreamOrigin,
    secret: string,
  ): Promise<AccessToken> {
    const asked = performance.now()
    const { host, pathname } = new URL(settings.tokenUrl)
    const { fields, body } = question(settings, secret)
    let status: number
    let bytes: Buffer
    try {
      const call = await this.#upstreams.of(`${resource} oauth`, origin).open({
        method: 'POST',
        target: pathname,
        authority: host,
        fields,
        body: { kind: 'length', length: body.length },
        signal: AbortSignal.timeout(DEADLINE_MS),
      })
      call.body.write(body)
      call.body.end()
      const response = await call.response
      status = response.head.status
      bytes = (await response.body.collect(LARGEST_ANSWER, () => refused('a longer answer'))).bytes
    } catch (cause) {
      if (isGatewayError(cause) && cause.code === 'upstream_refused') throw cause
      throw new UpstreamError(
        'upstream_unreachable',
        'the token endpoint of the resource cannot be reached',
        { cause },
      )
    }
    return readToken(status, bytes, asked)
  }

  #forget(now: number): void {
    if (this.#kept.size < MOST_KEPT) return
    for (const [key, { until }] of this.#kept)
      if (until !== undefined && until <= now) this.#kept.delete(key)
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear()
    for (const key of this.#replaced.keys()) if (!this.#kept.has(key)) this.#replaced.delete(key)
  }
}

function question(
  settings: OauthSettings,
  secret: string,
): { readonly fields: Fields; readonly body: Buffer } {
  const { clientId, scope, audience, resource, authentication } = settings
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (scope !== undefined) form.set('scope', scope)
  if (audience !== undefined) form.set('audience', audience)
  if (resource !== undefined) form.set('resource', resource)
  const fields: [string, string][] = [
    ['accept', 'application/json'],
    ['accept-encoding', 'identity'],
    ['content-type', 'application/x-www-form-urlencoded'],
    ['user-agent', 'sallyport'],
  ]
  if (authentication === 'post') {
    form.set('client_id', clientId)
    form.set('client_secret', secret)
  } else {
    // RFC 6749 section 2.3.1: each is a form's value first.
    const pair = `${formValue(clientId)}:${formValue(secret)}`
    fields.push(['authorization', `Basic ${Buffer.from(pair).toString('base64')}`])
  }
  return { fields: Fields.of(...fields), body: Buffer.from(form.toString()) }
}

function formValue(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

/** Redirects are no answers, and neither is anything but a Bearer token: nobody knows how it would be used. */
function readToken(status: number, bytes: Buffer, asked: number): AccessToken {
  const answer = objectOf(bytes)
  if (status !== 200) {
    const error = answer?.['error']
    throw refused(ERRORS.has(error) ? String(error) : `status ${status}`)
  }
  const { access_token: value, token_type: type, expires_in: seconds } = answer ?? {}
  if (typeof value !== 'string' || !BEARER.test(value) || value.length > 16_384)
    throw refused('an answer without a token')
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    throw refused('a token that is no Bearer token')
  const said = typeof seconds === 'string' && /^\d{1,9}$/.test(seconds) ? Number(seconds) : seconds
  const lasts = typeof said === 'number' && said > 0 ? Math.min(said, LONGEST_S) : UNSAID_S
  const ms = lasts * 1_000
  return { value, until: asked + ms - Math.min(EARLY_MS, ms / 5) }
}

function objectOf(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined
  } catch {
    // Safe: it is no token, and said to be none.
    return undefined
  }
}

function refused(what: string): UpstreamError {
  return new UpstreamError(
    'upstream_refused',
    `the token endpoint of the resource gave no token: ${what}`,
  )
}

/** In one process's memory only; another secret, endpoint or wish is another token. */
function keyOf(
  resource: string,
  settings: OauthSettings,
  origin: UpstreamOrigin,
  secret: string,
): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([settings, origin, secret]))
    .digest('hex')
  return `${resource} ${hash}`
}

function isTokenUrl(text: string): boolean {
  const url = URL.parse(text)
  return (
    url?.protocol === 'https:' &&
    url.username === '' &&
    url.password === '' &&
    !/[?#%\s]|\/\/.*\/\//.test(text)
  )
}
