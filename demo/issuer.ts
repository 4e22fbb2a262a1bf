// An OpenID Connect issuer for the demo and the tests: a real one (oidc-provider), in this process, on
// loopback. It hands out RFC 9068 access tokens by client credentials; every client is one principal.
// It must never be used for anything real: its clients' secrets are their names.
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, type JWK, SignJWT } from 'jose'
import type Provider from 'oidc-provider'
import { browserSignIn, choosePerson } from './sign-in-page.ts'

/** Who a client of the issuer is. The claims go into its access tokens as they stand. */
export interface Persona {
  readonly subject: string
  readonly claims: Readonly<Record<string, unknown>>
}

const SIGNED_IN = { amr: ['pwd', 'otp'], email_verified: true }

/** The people and agents of the demo, by client id. */
export const personas: Readonly<Record<string, Persona>> = {
  'order-bot': {
    subject: 'order-bot',
    claims: { name: 'Order bot', kind: 'agent', groups: ['agents'], owners: ['ana'] },
  },
  ana: {
    subject: 'ana',
    claims: {
      name: 'Ana',
      kind: 'user',
      groups: ['analysts'],
      ...SIGNED_IN,
      email: 'ana@example.com',
    },
  },
  dora: {
    subject: 'dora',
    claims: {
      name: 'Dora',
      kind: 'user',
      groups: ['dba'],
      ...SIGNED_IN,
      email: 'dora@example.com',
    },
  },
  // The agent at work for Ana: RFC 8693 section 4.1.
  'order-bot-for-ana': {
    subject: 'ana',
    claims: {
      name: 'Ana',
      kind: 'user',
      groups: ['analysts'],
      act: { sub: 'order-bot', kind: 'agent', groups: ['agents'] },
    },
  },
}

export interface TokenOptions {
  /** A client id of the issuer. */
  readonly client: string
  readonly audience?: string
  /** In seconds. */
  readonly ttl?: number
}

export interface ForgeOptions extends TokenOptions {
  /** Claims laid over the usual ones; `undefined` takes a claim away. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  /**
   * `issuer`: the issuer's own key; `stranger`: another key under the same kid; `none`: no signature;
   * `public-as-secret`: HS256 keyed with the issuer's public key (the classic confusion).
   */
  readonly key?: 'issuer' | 'stranger' | 'none' | 'public-as-secret'
}

export interface Issuer {
  /** The `iss` of its tokens, and where discovery starts. */
  readonly url: string
  /** An access token, asked for over HTTP as any client would. */
  token(options: TokenOptions): Promise<string>
  /** A token made by hand, for what no honest issuer would sign. */
  forge(options: ForgeOptions): Promise<string>
  stop(): Promise<void>
}

const SCOPE = 'gateway'
const KID = 'demo-1'
const TTL = 5400

/** The client that a gateway is where people sign in with a browser. */
export const LOGIN_CLIENT = { id: 'sallyport', secret: 'sallyport-demo' } as const

/**
 * Starts an issuer. `port` 0 takes a free one; `more` adds personas to those of the demo; `callback` is where the
 * gateway wants browsers back.
 */
export async function startIssuer(
  options: { port?: number; more?: Readonly<Record<string, Persona>>; callback?: string } = {},
): Promise<Issuer> {
  const people: Readonly<Record<string, Persona>> = { ...personas, ...options.more }
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const jwk: JWK = { ...(await exportJWK(privateKey)), kid: KID, use: 'sig', alg: 'RS256' }

  // The port is part of the issuer's name, so the server listens before the provider exists.
  let answer: ReturnType<Provider['callback']> | undefined
  let choose: ReturnType<typeof choosePerson> | undefined
  const server = createServer((request, response) => {
    if (choose?.(request, response) !== true) answer?.(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = await makeProvider(url, configuration(people, jwk, options.callback))
  answer = provider.callback()
  choose = choosePerson(provider, people)

  async function token({ client, audience = 'sallyport', ttl = TTL }: TokenOptions) {
    const response = await fetch(`${url}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${client}:${client}`).toString('base64')}` },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: SCOPE,
        resource: `urn:audience:${audience}:${ttl}`,
      }),
    })
    const answered = (await response.json()) as { access_token?: string; error?: string }
    if (typeof answered.access_token !== 'string') {
      throw new Error(
        `the issuer gave no token for ${client}: ${answered.error ?? response.status}`,
      )
    }
    return answered.access_token
  }

  async function forge(forged: ForgeOptions) {
    const persona = people[forged.client] ?? { subject: forged.client, claims: {} }
    const now = Math.floor(Date.now() / 1000)
    const claims: Record<string, unknown> = {
      ...persona.claims,
      iss: url,
      sub: persona.subject,
      aud: forged.audience ?? 'sallyport',
      client_id: forged.client,
      jti: randomUUID(),
      iat: now,
      exp: now + (forged.ttl ?? TTL),
      ...forged.claims,
    }
    for (const [name, value] of Object.entries(claims)) if (value === undefined) delete claims[name]
    const header = { alg: 'RS256', typ: 'at+jwt', kid: KID, ...forged.header }
    if (forged.key === 'none') return `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`
    if (forged.key === 'public-as-secret') {
      const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' })
      const signed = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`
      return `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`
    }
    return new SignJWT(claims)
      .setProtectedHeader(header)
      .sign(forged.key === 'stranger' ? stranger : privateKey)
  }

  async function stop() {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }

  return { url, token, forge, stop }
}

/** The library warns on the console that in-memory state is lost on restart: here that is the wish. */
async function makeProvider(url: string, settings: ReturnType<typeof configuration>) {
  const { warn } = console
  console.warn = () => {}
  try {
    const library = await import('oidc-provider')
    return new library.default(url, settings)
  } finally {
    console.warn = warn
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function configuration(
  people: Readonly<Record<string, Persona>>,
  jwk: JWK,
  callback: string | undefined,
) {
  const clients = Object.keys(people).map(id => ({
    client_id: id,
    client_secret: id,
    grant_types: ['client_credentials'],
    redirect_uris: [] as string[],
    response_types: [] as string[],
    scope: SCOPE,
  }))
  const login = {
    client_id: LOGIN_CLIENT.id,
    client_secret: LOGIN_CLIENT.secret,
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [callback ?? ''],
    scope: 'openid profile email',
  }
  return {
    clients: callback === undefined ? clients : [...clients, login],
    ...browserSignIn(people),
    jwks: { keys: [jwk] },
    cookies: { keys: [randomUUID()] },
    scopes: [SCOPE, 'openid', 'profile', 'email'],
    ttl: {
      AccessToken: 300,
      AuthorizationCode: 60,
      Grant: 3600,
      IdToken: 300,
      Interaction: 600,
      Session: 3600,
      ClientCredentials: (
        _context: unknown,
        token: { resourceServer?: { accessTokenTTL: number } },
      ) => token.resourceServer?.accessTokenTTL ?? TTL,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // The indicator carries what the caller asks for: `urn:audience:NAME:SECONDS`.
        getResourceServerInfo(_context: unknown, indicator: string) {
          const [, , audience, ttl] = indicator.split(':')
          return {
            scope: SCOPE,
            audience,
            accessTokenTTL: Number(ttl),
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          }
        },
      },
    },
    formats: {
      customizers: {
        jwt(
          _context: unknown,
          token: { clientId: string },
          jwt: { payload: Record<string, unknown> },
        ) {
          const persona = people[token.clientId]
          if (persona) Object.assign(jwt.payload, persona.claims, { sub: persona.subject })
        },
      },
    },
  }
}
