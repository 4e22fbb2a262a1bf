import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SettingsOf } from '#config'
import type { AccessRequest } from '#model'
import type { Incoming } from './channel.ts'
import {
  type Heard,
  json,
  message,
  NOW,
  never,
  type OtherSide,
  otherSide,
  request,
  shared,
  timeRequest,
  toolsWith,
} from './channels.testing.ts'
import { SlackChannel, verifySlack } from './slack.ts'

/** https://docs.slack.dev/authentication/verifying-requests-from-slack, the worked example. */
const DOC = {
  secret: '8f742231b10e8888abcd99yyyzzz85a5',
  at: 1_531_420_618,
  body: 'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
  signature: 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
}
const SECRET = 'signing-secret-of-the-app'
const TOKEN = 'xoxb-the-token'

let side: OtherSide
let answers: Record<string, unknown>
beforeEach(async () => {
  answers = {
    'chat.postMessage': { ok: true, channel: 'C0123456789', ts: '1700000000.000100' },
    'chat.update': { ok: true, channel: 'C0123456789', ts: '1700000000.000100' },
    'chat.postEphemeral': { ok: true, message_ts: '1700000001.000100' },
    'auth.test': { ok: true, team_id: 'T0OURS', user_id: 'UBOT' },
    'users.info': { ok: true, user: user() },
  }
  side = await otherSide((heard, response) =>
    json(answers[heard.path.slice(1)] ?? { ok: false, error: 'unknown_method' })(heard, response),
  )
})
afterEach(() => side.close())

function user(changes: Record<string, unknown> = {}) {
  return {
    id: 'U0DORA',
    team_id: 'T0OURS',
    deleted: false,
    is_bot: false,
    is_email_confirmed: true,
    profile: { email: 'dora@example.com', real_name: 'Dora' },
    ...changes,
  }
}

function channel(changes: Partial<SettingsOf<'slack'>> = {}): SlackChannel {
  const settings: SettingsOf<'slack'> = {
    ...shared,
    type: 'slack',
    name: 'dba-slack',
    token: 'env:TOKEN',
    channel: 'C0123456789',
    signingSecret: 'env:SIGNING',
    api: side.url,
    ...changes,
  }
  return new SlackChannel(settings, toolsWith({ 'env:TOKEN': TOKEN, 'env:SIGNING': SECRET }))
}

const said = (heard: Heard | undefined) => JSON.parse(heard?.text ?? '{}')
const paths = () => side.heard.map(({ path }) => path)

function signed(body: string, secret = SECRET, at = NOW): Incoming {
  const timestamp = String(Math.floor(at / 1_000))
  const mac = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')
  return {
    headers: { 'x-slack-signature': `v0=${mac}`, 'x-slack-request-timestamp': timestamp },
    body: Buffer.from(body),
  }
}

/** As Slack sends a click, cut down to what has a meaning here and some of what has none. */
function click(changes: Record<string, unknown> = {}, value = 'req-0123456789ab nonce-1'): string {
  const payload = {
    type: 'block_actions',
    user: { id: 'U0DORA', username: 'dora', name: 'dora', team_id: 'T0OURS' },
    api_app_id: 'A02',
    token: 'deprecated',
    container: { type: 'message', message_ts: '1700000000.000100', channel_id: 'C0123456789' },
    trigger_id: '1.2.3',
    team: { id: 'T0OURS', domain: 'ours' },
    channel: { id: 'C0123456789', name: 'dba' },
    response_url: 'https://hooks.slack.com/actions/T/1/x',
    actions: [
      {
        action_id: 'sallyport_approve',
        block_id: 'b',
        text: { type: 'plain_text', text: 'Approve', emoji: false },
        value,
        style: 'primary',
        type: 'button',
        action_ts: '1700000002.000100',
      },
    ],
    ...changes,
  }
  return new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
}

describe('a message in Slack', () => {
  it('is posted with the token, and its place is kept', async () => {
    const remote = await channel().send(message(channel(), 'asked'), never)
    expect(remote).toEqual({ channel: 'C0123456789', ts: '1700000000.000100' })
    const [post] = side.heard
    expect(post?.path).toBe('/chat.postMessage')
    expect(post?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json; charset=utf-8',
    })
    expect(said(post)).toEqual({
      channel: 'C0123456789',
      text: 'bot-7 asks for DELETE public.customers on shop',
      unfurl_links: false,
      unfurl_media: false,
      blocks: [
        {
          type: 'header',
          text: {
            type: 'plain_text',
            text: 'bot-7 asks for DELETE public.customers on shop',
            emoji: false,
          },
        },
        { type: 'rich_text', elements: expect.any(Array) },
        {
          type: 'rich_text',
          elements: [
            {
              type: 'rich_text_preformatted',
              elements: [
                { type: 'text', text: "delete from customers where email = 'ann@example.com'" },
              ],
            },
          ],
        },
        {
          type: 'context',
          elements: [
            {
              type: 'plain_text',
              text: 'Can be decided until 2026-11-21 09:15 UTC.',
              emoji: false,
            },
          ],
        },
        {
          type: 'actions',
          elements: [
            expect.objectContaining({
              action_id: 'sallyport_approve',
              value: 'req-0123456789ab nonce-1',
            }),
            expect.objectContaining({
              action_id: 'sallyport_deny',
              value: 'req-0123456789ab nonce-1',
            }),
            {
              type: 'button',
              action_id: 'sallyport_open',
              text: { type: 'plain_text', text: 'Open the request', emoji: false },
              url: 'https://gate.example.com/requests/req-0123456789ab',
            },
          ],
        },
      ],
    })
  })

  it('says nothing in mrkdwn, and escapes what notifications read as such', async () => {
    const wild = request({
      principal: '<!channel> *bold* <https://evil.example|click>',
      reason: '<@U0BOSS> said: https://evil.example\u202e',
      statement: '``` <!here> ```',
    })
    await channel().send(message(channel(), 'asked', wild), never)
    const body = said(side.heard[0])
    expect(body.text).toContain('&lt;!channel&gt; *bold* &lt;https://evil.example|click&gt;')
    const text = JSON.stringify(body.blocks)
    expect(text).not.toContain('mrkdwn')
    expect(text).not.toContain('"link"')
    expect(text).toContain('https[:]//evil.example\\\\u{202e}')
    expect(text).toContain('``` <!here> ```')
  })

  it('tells a summary without statement, reason or value, and then offers no approval', async () => {
    const settings = { show: 'summary' } as const
    const wild = request({ parameters: ['ann@example.com', null] })
    await channel(settings).send(message(channel(settings), 'asked', wild), never)
    expect(side.heard[0]?.text).not.toContain('ann@example.com')
    expect(side.heard[0]?.text).not.toContain('evil.example')
    const ids = said(side.heard[0])
      .blocks.at(-1)
      .elements.map((each: { action_id: string }) => each.action_id)
    expect(ids).toEqual(['sallyport_deny', 'sallyport_open'])
  })

  it('offers no approval of what it does not show whole', async () => {
    for (const part of [{ statement: 'x'.repeat(5_000) }, { parameters: ['1'] }]) {
      await channel().send(message(channel(), 'asked', request(part)), never)
      const body = said(side.heard.at(-1))
      expect(JSON.stringify(body)).not.toContain('sallyport_approve')
      expect(body.blocks.length).toBeLessThan(51)
    }
    expect(side.heard[0]?.text).toContain('2500 more characters of the statement')
    expect(side.heard[1]?.text).toContain("1, shown on the request's page alone")
  })

  it('asks for a right for a time with all that there is to it, also as a summary', async () => {
    const settings = { show: 'summary' } as const
    await channel(settings).send(message(channel(settings), 'asked', timeRequest()), never)
    const body = said(side.heard[0])
    expect(body.text).toBe('bot-7 asks for connect, read for 1 h on shop')
    expect(side.heard[0]?.text).toContain('sallyport_approve')
    expect(side.heard[0]?.text).not.toContain('evil')
  })

  it('has a link to a review, and no button that closes it', async () => {
    const { actions, seconds, outlook, ...asked } = timeRequest()
    const review: AccessRequest = { ...asked, kind: 'review', until: NOW }
    await channel().send(message(channel(), 'asked', review), never)
    expect(said(side.heard[0]).text).toBe(
      'bot-7 broke the glass on shop: somebody has to review it',
    )
    expect(side.heard[0]?.text).toContain('sallyport_open')
    expect(side.heard[0]?.text).not.toMatch(/sallyport_(approve|deny)/)
  })

  it('has no buttons that act without a signing secret, and no link without an address', async () => {
    const { signingSecret: _, ...settings } = channel().settings as SettingsOf<'slack'>
    const quiet = new SlackChannel(settings, toolsWith({ 'env:TOKEN': TOKEN }))
    await quiet.send(message(quiet, 'asked', request(), undefined, null), never)
    expect(quiet.receive).toBeUndefined()
    expect(side.heard[0]?.text).not.toContain('"actions"')
    expect(side.heard[0]?.text).toContain('in the console, or: sallyport approve req-0123456789ab')
  })

  it('is changed when some of those that it takes have said yes, and keeps its buttons', async () => {
    const between = request({
      quorum: 3,
      votes: [
        { approver: 'dora', vote: 'approve', at: NOW },
        { approver: '<!here>', vote: 'approve', at: NOW },
      ],
    })
    const earlier = { channel: 'C0123456789', ts: '1700000000.000100' }
    const place = await channel().send(message(channel(), 'voted', between, earlier), never)
    expect(place).toEqual(earlier)
    expect(paths()).toEqual(['/chat.update'])
    const body = said(side.heard[0])
    expect(body).toMatchObject({
      ...earlier,
      text: 'bot-7 asks for DELETE public.customers on shop',
    })
    const text = JSON.stringify(body.blocks)
    expect(text).toContain('said yes so far: ')
    expect(text).toContain('{"type":"text","text":"dora, <!here>"}')
    expect(text).toContain("email = 'ann@example.com'")
    expect(text).toContain('sallyport_approve')
  })

  it('is changed once it is decided, and loses its buttons', async () => {
    const after = request({
      state: 'denied',
      votes: [{ approver: 'dora', vote: 'deny', at: NOW, reason: 'no' }],
    })
    const earlier = { channel: 'C0123456789', ts: '1700000000.000100' }
    await channel().send(message(channel(), 'decided', after, earlier), never)
    expect(paths()).toEqual(['/chat.update'])
    const body = said(side.heard[0])
    expect(body).toMatchObject({
      ...earlier,
      text: 'Denied by dora: bot-7 asks for DELETE public.customers on shop',
    })
    expect(JSON.stringify(body.blocks)).not.toContain('"actions"')
  })

  it('is tried again when Slack is busy, and not when it will never do', async () => {
    side.answer = json({ ok: false, error: 'ratelimited' }, 429, { 'retry-after': '30' })
    await expect(channel().send(message(channel(), 'asked'), never)).rejects.toMatchObject({
      retryAfterMs: 30_000,
      final: false,
    })
    for (const [error, final] of [
      ['internal_error', false],
      ['channel_not_found', false],
      ['invalid_auth', false],
      ['invalid_blocks', true],
      ['msg_too_long', true],
    ] as const) {
      side.answer = json({ ok: false, error })
      await expect(channel().send(message(channel(), 'asked'), never)).rejects.toMatchObject({
        message: `Slack says: ${error}`,
        final,
      })
    }
    for (const odd of ['<html>', '[]', '{"ok":"true"}', '']) {
      side.answer = (_heard, response) => response.end(odd)
      await expect(channel().send(message(channel(), 'asked'), never)).rejects.toThrow(
        'no answer to be read',
      )
    }
  })
})

describe('a signature of Slack', () => {
  const incoming: Incoming = {
    headers: {
      'x-slack-signature': DOC.signature,
      'x-slack-request-timestamp': String(DOC.at),
    },
    body: Buffer.from(DOC.body),
  }

  it('holds for the example of their documentation', () => {
    expect(verifySlack(incoming, DOC.secret, DOC.at * 1_000).signature).toBe(DOC.signature)
  })

  it('does not hold for another body, time, secret or form', () => {
    const at = DOC.at * 1_000
    const { headers, body } = incoming
    const wrong: [Incoming, string, number][] = [
      [{ headers, body: Buffer.from(`${DOC.body}&`) }, DOC.secret, at],
      [incoming, `${DOC.secret}x`, at],
      [
        { headers: { ...headers, 'x-slack-request-timestamp': String(DOC.at + 1) }, body },
        DOC.secret,
        at,
      ],
      [
        { headers: { ...headers, 'x-slack-signature': DOC.signature.slice(0, -1) }, body },
        DOC.secret,
        at,
      ],
      [
        { headers: { ...headers, 'x-slack-signature': DOC.signature.toUpperCase() }, body },
        DOC.secret,
        at,
      ],
      [
        { headers: { ...headers, 'x-slack-signature': DOC.signature.replace('v0', 'v1') }, body },
        DOC.secret,
        at,
      ],
      [
        { headers: { ...headers, 'x-slack-signature': [DOC.signature, DOC.signature] }, body },
        DOC.secret,
        at,
      ],
      [{ headers: { 'x-slack-signature': DOC.signature }, body }, DOC.secret, at],
      [{ headers: {}, body }, DOC.secret, at],
    ]
    for (const [given, secret, now] of wrong) {
      expect(() => verifySlack(given, secret, now)).toThrow(/signed|signature/)
    }
  })

  it('is fresh for five minutes, both ways', () => {
    const at = (ms: number) => () => verifySlack(incoming, DOC.secret, DOC.at * 1_000 + ms)
    for (const ms of [300_000, -300_000]) expect(at(ms)).not.toThrow()
    for (const ms of [301_000, -301_000, 86_400_000]) expect(at(ms)).toThrow('too long ago')
  })
})

describe('a click in Slack', () => {
  const receive = (incoming: Incoming) => channel().receive?.(incoming)

  it('is a decision of whom Slack vouches for, with the message’s nonce', async () => {
    const received = await receive(signed(click()))
    expect(received?.decision).toMatchObject({
      request: 'req-0123456789ab',
      nonce: 'nonce-1',
      vote: 'approve',
      waits: false,
    })
    // Nothing was asked before it was acknowledged.
    expect(side.heard).toEqual([])
    expect(await received?.decision?.who()).toEqual({ email: 'dora@example.com' })
    expect(side.heard.map(({ path, text }) => [path, text])).toEqual([
      ['/auth.test', '{}'],
      ['/users.info', 'user=U0DORA'],
    ])
    expect(side.heard[1]?.headers['content-type']).toBe('application/x-www-form-urlencoded')
  })

  it('is one of its kind: the same again has the same mark', async () => {
    const one = await receive(signed(click()))
    const two = await receive(signed(click()))
    expect(one?.once).toBe(two?.once)
    expect((await receive(signed(click(), SECRET, NOW + 1_000)))?.once).not.toBe(one?.once)
  })

  it('is nobody’s when Slack does not vouch for the address', async () => {
    for (const changes of [
      { is_email_confirmed: false },
      { is_email_confirmed: undefined },
      { team_id: 'T0THEIRS' },
      { deleted: true },
      { is_bot: true },
      { is_stranger: true },
      { id: 'U0OTHER' },
      { profile: {} },
    ]) {
      answers['users.info'] = { ok: true, user: user(changes) }
      const received = await receive(signed(click()))
      await expect(received?.decision?.who(), JSON.stringify(changes)).rejects.toMatchObject({
        code: 'not_allowed',
      })
    }
    for (const broken of [
      { ok: false, error: 'user_not_found' },
      { ok: true },
      { ok: true, user: 7 },
    ]) {
      answers['users.info'] = broken
      const received = await receive(signed(click()))
      await expect(received?.decision?.who()).rejects.toMatchObject({ code: 'unavailable' })
    }
  })

  it('decides nothing when it opens the page, or is no click at all', async () => {
    for (const body of [
      click({ actions: [{ action_id: 'sallyport_open', type: 'button' }] }),
      click({ type: 'view_submission' }),
      click({ actions: [] }),
      'ssl_check=1&token=x',
      'payload=%7B',
      '',
    ]) {
      expect((await receive(signed(body)))?.decision).toBeUndefined()
    }
  })

  it('is refused on a button that is not ours', async () => {
    for (const body of [
      click({}, 'req-1'),
      click({}, 'req-1 nonce more'),
      click({ channel: { id: 'C0999999999' } }),
    ]) {
      await expect(receive(signed(body))).rejects.toMatchObject({ code: 'request_invalid' })
    }
    await expect(receive(signed(click(), 'another'))).rejects.toMatchObject({
      code: 'token_invalid',
    })
  })

  it('is answered to whoever clicked alone', async () => {
    const received = await receive(signed(click()))
    await received?.decision?.told?.('Only group dba may approve this. <!channel>')
    expect(paths()).toEqual(['/chat.postEphemeral'])
    expect(said(side.heard[0])).toEqual({
      channel: 'C0123456789',
      user: 'U0DORA',
      text: 'Only group dba may approve this. &lt;!channel&gt;',
      blocks: [
        {
          type: 'section',
          text: {
            type: 'plain_text',
            text: 'Only group dba may approve this. <!channel>',
            emoji: false,
          },
        },
      ],
    })
  })
})
