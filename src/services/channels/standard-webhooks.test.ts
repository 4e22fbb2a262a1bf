import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { NOW } from './channels.testing.ts'
import { verifyWebhook, type WebhookKey, webhookHeaders, webhookKey } from './standard-webhooks.ts'

/** Of the specification's own libraries. */
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
const AT = 1_614_265_330
const BODY = '{"test": 2432232314}'
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='

const key = (text: string): WebhookKey => {
  const found = webhookKey(text)
  if (found === undefined) throw new Error('no key')
  return found
}
const incoming = (headers: Readonly<Record<string, string>>, body = BODY) => ({
  headers,
  body: Buffer.from(body),
})

function pair(): { secret: string; whole: string; open: string } {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { d = '' } = privateKey.export({ format: 'jwk' })
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  const [seed, point] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]
  return {
    secret: `whsk_${seed.toString('base64')}`,
    whole: `whsk_${Buffer.concat([seed, point]).toString('base64')}`,
    open: `whpk_${point.toString('base64')}`,
  }
}

describe('Standard Webhooks', () => {
  it('signs the vector of the specification as its libraries do', () => {
    expect(webhookHeaders(ID, AT * 1_000, BODY, [key(SECRET)])).toEqual({
      'webhook-id': ID,
      'webhook-timestamp': String(AT),
      'webhook-signature': SIGNATURE,
    })
  })

  it('verifies the vector, and what their library signs', () => {
    const headers = {
      'webhook-id': ID,
      'webhook-timestamp': String(AT),
      'webhook-signature': SIGNATURE,
    }
    expect(verifyWebhook(incoming(headers), [key(SECRET)], AT * 1_000).id).toBe(ID)
    const secret = `whsec_${randomBytes(32).toString('base64')}`
    const body = '{"type":"x","words":"ünï 🐘"}'
    const at = new Date(NOW)
    const signature = new Webhook(secret).sign('msg_2', at, body)
    const theirs = {
      'webhook-id': 'msg_2',
      'webhook-timestamp': String(Math.floor(NOW / 1_000)),
      'webhook-signature': signature,
    }
    expect(verifyWebhook(incoming(theirs, body), [key(secret)], NOW)).toEqual({
      id: 'msg_2',
      freshUntil: Math.floor(NOW / 1_000) * 1_000 + 300_000,
    })
  })

  it('is verified by their library, whichever of two secrets it knows', () => {
    const [old, fresh] = [1, 2].map(() => `whsec_${randomBytes(24).toString('base64')}`) as [
      string,
      string,
    ]
    const now = Date.now()
    const headers = { ...webhookHeaders('msg_3', now, BODY, [key(fresh), key(old)]) }
    for (const secret of [old, fresh]) {
      expect(new Webhook(secret).verify(BODY, headers)).toEqual({ test: 2432232314 })
    }
  })

  it('signs with Ed25519 and verifies with the public key alone', () => {
    const { secret, whole, open } = pair()
    for (const mine of [secret, whole]) {
      const headers = webhookHeaders(ID, NOW, BODY, [key(mine)])
      expect(headers['webhook-signature']).toMatch(/^v1a,[A-Za-z0-9+/]{86}==$/)
      expect(verifyWebhook(incoming(headers), [key(open)], NOW).id).toBe(ID)
      expect(() => verifyWebhook(incoming(headers), [key(pair().open)], NOW)).toThrow(
        'No signature',
      )
    }
    const both = webhookHeaders(ID, NOW, BODY, [key(SECRET), key(secret)])
    expect(verifyWebhook(incoming(both), [key(open)], NOW).id).toBe(ID)
    expect(verifyWebhook(incoming(both), [key(SECRET)], NOW).id).toBe(ID)
  })

  it('refuses every change of one byte of id, time, body or signature', () => {
    const headers = webhookHeaders(ID, NOW, BODY, [key(SECRET)])
    const flipped = (text: string, at: number) =>
      text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1)
    let tried = 0
    for (const [name, value] of [...Object.entries(headers), ['body', BODY] as const]) {
      // The last characters of base64 carry bits that mean nothing.
      const end = name === 'webhook-signature' ? value.length - 2 : value.length
      for (let at = 0; at < end; at += 1) {
        const changed = flipped(value, at)
        const given =
          name === 'body' ? incoming(headers, changed) : incoming({ ...headers, [name]: changed })
        expect(() => verifyWebhook(given, [key(SECRET)], NOW), `${name} ${at}`).toThrow()
        tried += 1
      }
    }
    expect(tried).toBeGreaterThan(80)
  })

  it('refuses what is older than five minutes, or as much ahead, or not signed at all', () => {
    const headers = webhookHeaders(ID, NOW, BODY, [key(SECRET)])
    const at = (ms: number) => () => verifyWebhook(incoming(headers), [key(SECRET)], NOW + ms)
    expect(at(300_000)).not.toThrow()
    expect(at(-300_000)).not.toThrow()
    expect(at(301_000)).toThrow('too long ago')
    expect(at(-301_000)).toThrow('ahead of time')
    for (const name of Object.keys(headers)) {
      const { [name]: _, ...less } = headers
      expect(() => verifyWebhook(incoming(less), [key(SECRET)], NOW)).toThrow('not signed')
    }
    expect(() =>
      verifyWebhook(
        incoming({
          ...headers,
          'webhook-signature': `v0${headers['webhook-signature']?.slice(2)}`,
        }),
        [key(SECRET)],
        NOW,
      ),
    ).toThrow('No signature')
  })

  it('takes no key that is too short, too long or of another kind', () => {
    for (const bad of [
      'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      `whsec_${randomBytes(23).toString('base64')}`,
      `whsec_${randomBytes(65).toString('base64')}`,
      `whpk_${randomBytes(31).toString('base64')}`,
      `whpk_${randomBytes(64).toString('base64')}`,
      'whsec_',
      'whsk_not base64',
    ])
      expect(webhookKey(bad), bad).toBeUndefined()
  })

  it('does not verify with a key that signs', () => {
    const { secret } = pair()
    const headers = webhookHeaders(ID, NOW, BODY, [key(secret)])
    expect(() => verifyWebhook(incoming(headers), [key(secret)], NOW)).toThrow('No signature')
  })
})
