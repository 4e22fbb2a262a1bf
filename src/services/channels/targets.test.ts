import { generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SettingsOf } from '#config'
import {
  json,
  message,
  NOW,
  never,
  type OtherSide,
  otherSide,
  request,
  shared,
  toolsWith,
} from './channels.testing.ts'
import { PagerDutyChannel } from './pagerduty.ts'
import { TeamsChannel } from './teams.ts'
import { WebhookChannel } from './webhook.ts'

let side: OtherSide
beforeEach(async () => {
  side = await otherSide(json({}))
})
afterEach(() => side.close())
const said = (at = 0) => JSON.parse(side.heard[at]?.text ?? '{}')

describe('a card in Teams', () => {
  const channel = (show: 'summary' | 'statement' = 'statement') =>
    new TeamsChannel(
      { ...shared, show, type: 'teams', name: 'teams', url: 'env:URL' },
      toolsWith({ 'env:URL': `${side.url}/workflows/1/triggers/manual?sig=secret` }),
    )

  it('is what a workflow takes: an Adaptive Card with a link and no action that decides', async () => {
    side.answer = (_heard, response) => response.writeHead(202).end()
    await channel().send(message(channel(), 'asked'), never)
    expect(side.heard[0]).toMatchObject({
      path: '/workflows/1/triggers/manual?sig=secret',
      headers: { 'content-type': 'application/json; charset=utf-8' },
    })
    expect(said()).toMatchObject({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          contentUrl: null,
          content: {
            type: 'AdaptiveCard',
            version: '1.4',
            actions: [
              {
                type: 'Action.OpenUrl',
                title: 'Open the request',
                url: 'https://gate.example.com/requests/req-0123456789ab',
              },
            ],
          },
        },
      ],
    })
  })

  it('shows words from outside in runs, which read no Markdown', async () => {
    const wild = request({
      principal: '[click](https://evil.example) **x**',
      statement: '# heading\n- [a](b)',
      reason: '![](https://evil.example/a.png)',
    })
    await channel().send(message(channel(), 'asked', wild), never)
    const card = said().attachments[0].content
    const kinds = new Set(card.body.map((each: { type: string }) => each.type))
    expect(kinds).toEqual(new Set(['RichTextBlock']))
    expect(side.heard[0]?.text).not.toContain('"TextBlock"')
    expect(side.heard[0]?.text).not.toContain('FactSet')
    expect(JSON.stringify(card)).toContain('# heading\\n- [a](b)')
  })

  it('stays under what Teams takes, whatever the statement', async () => {
    const wild = request({
      statement: '🐘'.repeat(100_000),
      principal: 'ü'.repeat(5_000),
      message: '<'.repeat(9_000),
      objects: Array.from({ length: 900 }, (_, at) => `public.${'t'.repeat(200)}${at}`),
      reason: '\u202e'.repeat(9_000),
    })
    await channel().send(message(channel(), 'asked', wild), never)
    expect(Buffer.byteLength(side.heard[0]?.text ?? '')).toBeLessThan(28 * 1_024)
  })

  it('tells neither statement nor reason as a summary', async () => {
    await channel('summary').send(message(channel('summary'), 'asked'), never)
    expect(side.heard[0]?.text).not.toMatch(/ann@example|evil/)
  })

  it('never shows the address, which is the secret, when it fails', async () => {
    side.answer = json({ error: { code: 'WorkflowTriggerIsNotEnabled' } }, 403)
    const error = await channel()
      .send(message(channel(), 'asked'), never)
      .then(
        () => '',
        failed => String(failed),
      )
    expect(error).toBe('DeliveryFailed: answered 403')
    const wrong = new TeamsChannel(
      { ...shared, type: 'teams', name: 'teams', url: 'env:URL' },
      toolsWith({ 'env:URL': 'file:///etc/passwd' }),
    )
    await expect(wrong.send(message(wrong, 'test'), never)).rejects.toThrow('is not an address')
  })
})

describe('an event for PagerDuty', () => {
  const channel = () =>
    new PagerDutyChannel(
      {
        ...shared,
        type: 'pagerduty',
        name: 'oncall',
        routingKey: 'env:KEY',
        severity: 'warning',
        api: `${side.url}/v2/enqueue`,
      },
      toolsWith({ 'env:KEY': 'R0KEY' }),
    )
  const accepted = json({ status: 'success', message: 'Event processed', dedup_key: 'x' }, 202)

  it('triggers when somebody asks', async () => {
    side.answer = accepted
    const remote = await channel().send(message(channel(), 'asked'), never)
    expect(remote).toEqual({ dedupKey: 'sallyport-req-0123456789ab' })
    expect(side.heard[0]?.path).toBe('/v2/enqueue')
    const link = 'https://gate.example.com/requests/req-0123456789ab'
    expect(said()).toEqual({
      routing_key: 'R0KEY',
      dedup_key: 'sallyport-req-0123456789ab',
      event_action: 'trigger',
      client: 'Sallyport',
      client_url: link,
      links: [{ href: link, text: 'Open the request' }],
      payload: {
        summary: 'bot-7 asks for DELETE public.customers on shop',
        source: 'shop',
        severity: 'warning',
        timestamp: '2026-11-21T09:00:00.000Z',
        class: 'access request',
        custom_details: {
          request: 'req-0123456789ab',
          who: 'agent bot-7',
          resource: 'shop',
          what: 'DELETE public.customers',
          held: 'agents change data only with a person (agents-write-with-a-person)',
          'may decide': 'group dba',
          'says the asker, unverified': 'cleaning up, see https[:]//evil.example',
          statement: "delete from customers where email = 'ann@example.com'",
        },
      },
    })
  })

  it('resolves when it is decided, and closes its own tests', async () => {
    side.answer = accepted
    await channel().send(message(channel(), 'decided', request({ state: 'approved' })), never)
    expect(said()).toEqual({
      routing_key: 'R0KEY',
      dedup_key: 'sallyport-req-0123456789ab',
      event_action: 'resolve',
    })
    await channel().send(message(channel(), 'test'), never)
    expect([said(1).event_action, said(2).event_action]).toEqual(['trigger', 'resolve'])
    expect(said(1).dedup_key).toBe(said(2).dedup_key)
  })

  it('is not delivered when it was not accepted', async () => {
    for (const odd of [json({ status: 'invalid event' }, 200), json([], 202)]) {
      side.answer = odd
      await expect(channel().send(message(channel(), 'asked'), never)).rejects.toThrow('success')
    }
    side.answer = json({ status: 'invalid event', errors: ["'payload' is missing"] }, 400)
    await expect(channel().send(message(channel(), 'asked'), never)).rejects.toMatchObject({
      final: true,
    })
    side.answer = json({}, 429)
    await expect(channel().send(message(channel(), 'asked'), never)).rejects.toMatchObject({
      final: false,
    })
  })
})

describe('a webhook', () => {
  const symmetric = `whsec_${randomBytes(32).toString('base64')}`
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { d = '' } = privateKey.export({ format: 'jwk' })
  const signing = `whsk_${Buffer.from(d, 'base64url').toString('base64')}`
  const { x = '' } = publicKey.export({ format: 'jwk' })
  const opening = `whpk_${Buffer.from(x, 'base64url').toString('base64')}`
  const secrets = {
    'env:ONE': symmetric,
    'env:TWO': signing,
    'env:OPEN': opening,
    'env:BAD': 'whsec_short',
  }
  const channel = (changes: Partial<SettingsOf<'webhook'>> = {}, now = Date.now) =>
    new WebhookChannel(
      {
        ...shared,
        type: 'webhook',
        name: 'board',
        url: `${side.url}/hook`,
        secrets: ['env:ONE', 'env:TWO'],
        ...changes,
      },
      toolsWith(secrets, now),
    )

  it('is signed by every key, as their library and the public key confirm', async () => {
    const remote = await channel().send(message(channel(), 'asked'), never)
    expect(remote).toEqual({ status: 200 })
    const { headers, text } = side.heard[0]!
    expect(headers['webhook-id']).toBe('msg_1')
    const [, v1a = ''] = String(headers['webhook-signature']).split(' ')
    const content = `msg_1.${headers['webhook-timestamp']}.${text}`
    expect(verify(null, Buffer.from(content), publicKey, Buffer.from(v1a.slice(4), 'base64'))).toBe(
      true,
    )
    expect(new Webhook(symmetric).verify(text, headers as Record<string, string>)).toEqual({
      type: 'request.asked',
      timestamp: '2026-11-21T09:00:00.000Z',
      data: {
        request: 'req-0123456789ab',
        kind: 'statement',
        state: 'pending',
        digest: 'd'.repeat(64),
        title: 'bot-7 asks for DELETE public.customers on shop',
        who: 'agent bot-7',
        resource: 'shop',
        what: 'DELETE public.customers',
        held: 'agents change data only with a person',
        policies: ['agents-write-with-a-person'],
        approvers: 'group dba',
        expiresAt: NOW + 900_000,
        statement: "delete from customers where email = 'ann@example.com'",
        statementLeft: 0,
        boundValues: 0,
        untrustedReason: 'cleaning up, see https[:]//evil.example',
        link: 'https://gate.example.com/requests/req-0123456789ab',
      },
    })
  })

  it('keeps its id however often it is tried, and is signed anew each time', async () => {
    let now = NOW
    const one = channel({}, () => now)
    await one.send(message(one, 'decided', request({ state: 'expired' })), never)
    now += 3_600_000
    await one.send(message(one, 'decided', request({ state: 'expired' })), never)
    const [first, second] = side.heard
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
    expect(second?.headers['webhook-timestamp']).not.toBe(first?.headers['webhook-timestamp'])
    expect(said().data).toMatchObject({ state: 'expired', outcome: 'expired' })
  })

  it('says that a secret is no key, and not which', async () => {
    const wrong = channel({ secrets: ['env:BAD'] })
    await expect(wrong.send(message(wrong, 'test'), never)).rejects.toThrow(
      'begins with whsec_ or whsk_',
    )
    await expect(wrong.send(message(wrong, 'test'), never)).rejects.not.toThrow('short')
  })

  describe('that brings a decision', () => {
    const body = (data: Record<string, unknown> = {}) =>
      JSON.stringify({
        type: 'request.decision',
        timestamp: new Date().toISOString(),
        data: { request: 'req-0123456789ab', digest: 'd'.repeat(64), decision: 'deny', ...data },
      })
    const incoming = (text: string, secret = symmetric, id = 'dec_1') => {
      const at = new Date()
      return {
        headers: {
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
          'webhook-signature': new Webhook(secret).sign(id, at, text),
        },
        body: Buffer.from(text),
      }
    }
    const people = { secrets: ['env:ONE', 'env:OPEN'], groups: [] }
    const service = { ...people, approver: 'change-board', groups: ['change-board'] }

    it('gives it with whose it is', async () => {
      const text = body({ email: 'dora@example.com', reason: 'no', maxRows: 3 })
      const found = await channel({ decisions: people }).receive?.(incoming(text))
      expect(found).toMatchObject({
        once: 'dec_1',
        decision: {
          request: 'req-0123456789ab',
          digest: 'd'.repeat(64),
          vote: 'deny',
          reason: 'no',
          maxRows: 3,
          waits: true,
        },
      })
      expect(await found?.decision?.who()).toEqual({ email: 'dora@example.com' })
      const own = await channel({ decisions: service }).receive?.(incoming(body()))
      expect(await own?.decision?.who()).toEqual({
        service: 'change-board',
        groups: ['change-board'],
      })
    })

    it('refuses whose it cannot be', async () => {
      const nobody = await channel({ decisions: people }).receive?.(incoming(body()))
      await expect(nobody?.decision?.who()).rejects.toMatchObject({ code: 'request_invalid' })
      const other = await channel({ decisions: service }).receive?.(
        incoming(body({ email: 'dora@example.com' })),
      )
      await expect(other?.decision?.who()).rejects.toMatchObject({ code: 'request_invalid' })
    })

    it('refuses what is not a decision, or not signed for this channel', async () => {
      const one = channel({ decisions: people })
      for (const text of [
        '{',
        '[]',
        body({ decision: 'maybe' }),
        body({ digest: 'x' }),
        body({ more: 1 }),
        body({ maxRows: -1 }),
        body({ maxRows: 1.5 }),
        JSON.stringify({ type: 'request.asked', data: {} }),
        '\ud800',
      ]) {
        await expect(one.receive?.(incoming(text)), text).rejects.toMatchObject({
          code: 'request_invalid',
        })
      }
      const strange = `whsec_${randomBytes(32).toString('base64')}`
      await expect(one.receive?.(incoming(body(), strange))).rejects.toMatchObject({
        code: 'token_invalid',
      })
      expect(channel().receive).toBeUndefined()
    })
  })
})
