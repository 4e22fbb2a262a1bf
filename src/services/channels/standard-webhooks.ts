// Standard Webhooks (standardwebhooks.com, specification 1.0): signs what goes out, verifies what comes in. Symmetric
// `v1` (HMAC-SHA256, `whsec_`) and asymmetric `v1a` (Ed25519, `whsk_` signs, `whpk_` verifies).
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import { AuthenticationFailed } from '#model'
import type { Incoming } from './channel.ts'

/** "Verify the timestamp is within some allowable tolerance": five minutes, both ways. */
const TOLERANCE_MS = 300_000
const MOST_SIGNATURES = 16
/** The specification's bounds on a symmetric secret, in bytes. */
const LEAST_SECRET = 24
const MOST_SECRET = 64
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex')
const ED25519_BYTES = 32

export type WebhookKey =
  | { readonly kind: 'v1'; readonly secret: Uint8Array }
  | { readonly kind: 'v1a'; readonly key: KeyObject; readonly signs: boolean }

/** Undefined for what is no key. Never repeats it. */
export function webhookKey(text: string): WebhookKey | undefined {
  const [, prefix, encoded = ''] = /^(whsec|whsk|whpk)_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  const bytes = Buffer.from(encoded, 'base64')
  if (prefix === 'whsec') {
    const fits = bytes.length >= LEAST_SECRET && bytes.length <= MOST_SECRET
    return fits ? { kind: 'v1', secret: bytes } : undefined
  }
  // A secret key is written as its seed, or as seed and public key together.
  const fits = bytes.length === ED25519_BYTES || (prefix === 'whsk' && bytes.length === 64)
  if (prefix === undefined || !fits) return undefined
  const raw = bytes.subarray(0, ED25519_BYTES)
  const key =
    prefix === 'whsk'
      ? createPrivateKey({
          key: Buffer.concat([PKCS8_ED25519, raw]),
          format: 'der',
          type: 'pkcs8',
        })
      : createPublicKey({ key: Buffer.concat([SPKI_ED25519, raw]), format: 'der', type: 'spki' })
  return { kind: 'v1a', key, signs: prefix === 'whsk' }
}

/** The three headers. Each key signs: a receiver that knows one of them is served. */
export function webhookHeaders(
  id: string,
  nowMs: number,
  body: string,
  keys: readonly WebhookKey[],
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1_000))
  const content = signedContent(id, timestamp, Buffer.from(body, 'utf8'))
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': keys.map(key => signatureOf(key, content)).join(' '),
  }
}

/**
 * The id of a message that was signed with one of the keys, a moment ago, and until when it stays fresh. Throws
 * AuthenticationFailed.
 */
export function verifyWebhook(
  { headers, body }: Incoming,
  keys: readonly WebhookKey[],
  nowMs: number,
): { readonly id: string; readonly freshUntil: number } {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  const signatures = headers['webhook-signature']
  if (
    typeof id !== 'string' ||
    typeof timestamp !== 'string' ||
    typeof signatures !== 'string' ||
    !/^[\x21-\x7e]{1,128}$/.test(id) ||
    !/^\d{1,12}$/.test(timestamp)
  ) {
    throw new AuthenticationFailed('token_required', 'This is not signed as a Standard Webhook.')
  }
  const content = signedContent(id, timestamp, body)
  const written = signatures.split(' ').slice(0, MOST_SIGNATURES)
  if (!written.some(each => keys.some(key => holds(key, each, content)))) {
    throw new AuthenticationFailed('token_invalid', 'No signature of this holds.')
  }
  const sentMs = Number(timestamp) * 1_000
  if (Math.abs(nowMs - sentMs) > TOLERANCE_MS) {
    throw new AuthenticationFailed(
      'token_expired',
      'This was signed too long ago, or ahead of time.',
    )
  }
  return { id, freshUntil: sentMs + TOLERANCE_MS }
}

function signedContent(id: string, timestamp: string, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${id}.${timestamp}.`, 'utf8'), body])
}

function signatureOf(key: WebhookKey, content: Uint8Array): string {
  const bytes =
    key.kind === 'v1'
      ? createHmac('sha256', key.secret).update(content).digest()
      : sign(null, content, key.key)
  return `${key.kind},${bytes.toString('base64')}`
}

function holds(key: WebhookKey, written: string, content: Uint8Array): boolean {
  const comma = written.indexOf(',')
  if (written.slice(0, comma) !== key.kind) return false
  const given = Buffer.from(written.slice(comma + 1), 'base64')
  if (key.kind === 'v1a') return !key.signs && verify(null, content, key.key, given)
  const expected = createHmac('sha256', key.secret).update(content).digest()
  return given.length === expected.length && timingSafeEqual(given, expected)
}
