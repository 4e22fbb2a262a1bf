// A made-up issuer for the tests of this room: keys, tokens of every honest and dishonest kind, and a `fetch` that
// answers for it. Never part of the program.
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { CompactSign, exportJWK, type JWK } from 'jose'
import type { IssuerSettings } from '#config'
import { Secret } from '#model'

export const ISSUER = 'https://idp.example.com'
/** 2026-11-21, in seconds. */
export const NOW_S = 1_795_219_200

export type Fields = Readonly<Record<string, unknown>>

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')
export const keys = { RS256: rsa, PS256: rsa, ES256: ec, EdDSA: ed }
export type Alg = keyof typeof keys

/** The published set. */
export async function jwks(entries: Readonly<Record<string, Alg>> = { 'rsa-1': 'RS256' }) {
  const published: JWK[] = []
  for (const [kid, alg] of Object.entries(entries)) {
    published.push({ ...(await exportJWK(keys[alg].publicKey)), kid, alg, use: 'sig' })
  }
  return { keys: published }
}

export const settings = (more: Partial<IssuerSettings> = {}): IssuerSettings => ({
  issuer: ISSUER,
  audience: ['sallyport'],
  profile: 'rfc9068',
  groups: 'groups',
  principal: 'user',
  prefix: '',
  algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
  owners: 'owners',
  attributes: ['client_id', 'scope'],
  mfa: [],
  clockSkew: 30_000,
  ...more,
})

export interface TokenParts {
  /** Laid over good claims; `undefined` takes one away. */
  readonly claims?: Fields
  readonly header?: Fields
  readonly alg?: Alg
  readonly key?: KeyObject
  /** The payload as it is to be, in place of claims. */
  readonly payload?: string
}

export async function token({ claims, header, alg = 'RS256', key, payload }: TokenParts = {}) {
  const text = payload ?? JSON.stringify({ ...goodClaims(), ...claims })
  // A JWS library refuses to make some of the headers that are tested, so those are put in by hand.
  const head = { alg, typ: 'at+jwt', kid: 'rsa-1', ...header }
  const { crit, b64, zip, ...harmless } = head as Fields
  const signer = new CompactSign(new TextEncoder().encode(text))
  const privateKey = key ?? keys[alg].privateKey
  if (crit === undefined && b64 === undefined && zip === undefined) {
    return signer.setProtectedHeader(harmless as { alg: string }).sign(privateKey)
  }
  return signByHand(JSON.stringify(head), text)
}

/** RS256 over any text as header and payload, however malformed. */
export async function signByHand(header: string, payload: string): Promise<string> {
  const { sign } = await import('node:crypto')
  const signed = `${encode(header)}.${encode(payload)}`
  return `${signed}.${sign('sha256', Buffer.from(signed), rsa.privateKey).toString('base64url')}`
}

/** No signature, in the three ways that libraries were fooled with. */
export function unsigned(alg: string): string {
  return `${encode(JSON.stringify({ alg, typ: 'at+jwt' }))}.${encode(JSON.stringify(goodClaims()))}.`
}

/** HS256 keyed with the text of the public key. */
export function confused(secret: string | Buffer): string {
  const head = JSON.stringify({ alg: 'HS256', typ: 'at+jwt', kid: 'rsa-1' })
  const signed = `${encode(head)}.${encode(JSON.stringify(goodClaims()))}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

export function goodClaims(): Fields {
  return {
    iss: ISSUER,
    sub: 'alice',
    aud: 'sallyport',
    client_id: 'cli',
    jti: 'token-1',
    iat: NOW_S - 60,
    exp: NOW_S + 600,
    groups: ['analysts'],
  }
}

export const encode = (text: string): string => Buffer.from(text).toString('base64url')
export const secret = (text: string): Secret => new Secret(text)

/** What the network answers, by URL; counts what it was asked. */
export class Network {
  readonly asked: string[] = []
  /** What was asked to be done about redirects. */
  readonly redirects = new Set<string | undefined>()
  readonly answers = new Map<string, () => Response | Promise<Response>>()

  readonly fetch: typeof fetch = async (input, init) => {
    const url = String(input)
    this.asked.push(url)
    this.redirects.add(init?.redirect)
    const answer = this.answers.get(url)
    if (answer === undefined) return new Response('', { status: 404 })
    const aborted = new Promise<never>((_, reject) =>
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)),
    )
    return Promise.race([answer(), aborted])
  }

  /** An honest issuer at `issuer`. */
  async publish(
    entries?: Readonly<Record<string, Alg>>,
    issuer: string = ISSUER,
    metadata: Fields = {},
  ): Promise<void> {
    const set = await jwks(entries)
    this.json(`${issuer}/.well-known/openid-configuration`, {
      issuer,
      jwks_uri: `${issuer}/keys`,
      ...metadata,
    })
    this.json(`${issuer}/keys`, set)
  }

  json(url: string, body: unknown): void {
    this.answers.set(url, () => Response.json(body))
  }

  count(part: string): number {
    return this.asked.filter(url => url.includes(part)).length
  }
}
