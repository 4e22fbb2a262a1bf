// Slack, with an app of one's own: chat.postMessage, chat.update once it is decided, and what people click there.
// A click is somebody's word that Slack vouches for; who that is here is found by a verified address.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { ChannelSettings, SettingsOf } from '#config'
import {
  AccessDenied,
  AuthenticationFailed,
  InvalidRequest,
  type JsonObject,
  Unavailable,
} from '#model'
import {
  type Channel,
  type ChannelTools,
  type Claimant,
  type Decision,
  DeliveryFailed,
  type Incoming,
  type Message,
  type Received,
} from './channel.ts'
import { postJson, withSecret } from './sending.ts'
import { APPROVE, DENY, slackMessage, slackWords } from './slack-message.ts'

/** "More than five minutes from local time": theirs, and ours. */
const API = 'https://slack.com/api'
const TOLERANCE_MS = 300_000
const ANSWER_MS = 10_000
/** What will not be right however often it is said. */
const FINAL = [
  'msg_too_long',
  'invalid_blocks',
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
]

const clickSchema = z.looseObject({
  type: z.literal('block_actions'),
  user: z.looseObject({ id: z.string().regex(/^[UW][A-Z0-9]{2,30}$/) }),
  channel: z.looseObject({ id: z.string().max(32) }),
  actions: z
    .array(z.looseObject({ action_id: z.string(), value: z.string().max(200).optional() }))
    .length(1),
})
type Click = z.infer<typeof clickSchema>

const userSchema = z.looseObject({
  id: z.string(),
  team_id: z.string(),
  deleted: z.boolean().optional(),
  is_bot: z.boolean().optional(),
  is_stranger: z.boolean().optional(),
  is_email_confirmed: z.boolean().optional(),
  profile: z.looseObject({ email: z.string().max(254).optional() }),
})

export class SlackChannel implements Channel {
  readonly settings: ChannelSettings
  readonly target: string
  readonly revises = true
  readonly receive?: (incoming: Incoming) => Promise<Received>
  readonly #settings: SettingsOf<'slack'>
  readonly #tools: ChannelTools
  #team: string | undefined

  constructor(settings: SettingsOf<'slack'>, tools: ChannelTools) {
    this.settings = settings
    this.#settings = settings
    this.#tools = tools
    this.target = `channel ${settings.channel}`
    const { signingSecret } = settings
    if (signingSecret !== undefined)
      this.receive = incoming => this.#receive(signingSecret, incoming)
  }

  async send(message: Message, signal: AbortSignal): Promise<JsonObject> {
    const said = slackMessage(message, this.receive !== undefined)
    const [channel, ts] = [message.earlier?.['channel'], message.earlier?.['ts']]
    if (message.event !== 'asked' && typeof channel === 'string' && typeof ts === 'string') {
      await this.#call('chat.update', { channel, ts, ...said }, signal)
      return { channel, ts }
    }
    const answer = await this.#call(
      'chat.postMessage',
      { channel: this.#settings.channel, ...said },
      signal,
    )
    const sent = z.object({ channel: z.string(), ts: z.string() }).safeParse(answer)
    if (!sent.success) throw new DeliveryFailed('answered without the message’s place')
    return sent.data
  }

  async #receive(signingSecret: string, incoming: Incoming): Promise<Received> {
    const { signature, freshUntil } = await withSecret(this.#tools, signingSecret, secret =>
      verifySlack(incoming, secret, this.#tools.now()),
    )
    return { once: signature, freshUntil, decision: this.#decision(incoming.body) }
  }

  #decision(body: Uint8Array): Decision | undefined {
    const click = clickOf(body)
    const [action] = click?.actions ?? []
    const vote =
      action?.action_id === APPROVE ? 'approve' : action?.action_id === DENY ? 'deny' : undefined
    // Opening the page is a click too.
    if (click === undefined || action === undefined || vote === undefined) return undefined
    const [, request, nonce] = /^(\S{1,64}) (\S{1,64})$/.exec(action.value ?? '') ?? []
    if (
      request === undefined ||
      nonce === undefined ||
      click.channel.id !== this.#settings.channel
    ) {
      throw new InvalidRequest('request_invalid', 'This is no button of a message of this gateway.')
    }
    return {
      request,
      nonce,
      vote,
      waits: false,
      who: () => this.#who(click),
      told: async words => {
        const said = { channel: click.channel.id, user: click.user.id, ...slackWords(words) }
        await this.#call('chat.postEphemeral', said, AbortSignal.timeout(ANSWER_MS))
      },
    }
  }

  /** By users.info, asked anew for each click: who has left the workspace decides nothing. */
  async #who({ user }: Click): Promise<Claimant> {
    const signal = AbortSignal.timeout(ANSWER_MS)
    try {
      this.#team ??= z
        .object({ team_id: z.string() })
        .parse(await this.#call('auth.test', {}, signal)).team_id
      const answer = await this.#call('users.info', new URLSearchParams({ user: user.id }), signal)
      const found = userSchema.parse(answer['user'])
      const { email } = found.profile
      const own =
        found.id === user.id &&
        // People of other workspaces are vouched for by other workspaces' administrators.
        found.team_id === this.#team &&
        found.deleted === false &&
        found.is_bot === false &&
        found.is_stranger !== true &&
        found.is_email_confirmed === true
      if (own && email !== undefined) return { email }
    } catch (cause) {
      // Refused: who cannot be told decides nothing. It may be tried again.
      throw new Unavailable(
        'unavailable',
        'Slack does not say who you are. Decide in the console.',
        { cause },
      )
    }
    throw new AccessDenied(
      'not_allowed',
      'Slack does not vouch for your address. Decide in the console.',
    )
  }

  async #call(
    method: string,
    said: JsonObject | URLSearchParams,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    return withSecret(this.#tools, this.#settings.token, async token => {
      const form = said instanceof URLSearchParams
      const { text } = await postJson(this.#settings, this.#tools, {
        url: new URL(`${(this.#settings.api ?? API).replace(/\/$/, '')}/${method}`),
        body: form ? said.toString() : said,
        headers: {
          authorization: `Bearer ${token}`,
          ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
        },
        signal,
      })
      return answerOf(text)
    })
  }
}

/** They answer 200 to nearly all; `ok` tells. */
function answerOf(text: string): JsonObject {
  const answer = jsonOf(text)
  if (answer?.['ok'] === true) return answer
  const error = answer?.['error']
  const code =
    typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? error : 'no answer to be read'
  throw new DeliveryFailed(`Slack says: ${code}`, { final: FINAL.includes(code) })
}

/** `v0` of https://docs.slack.dev/authentication/verifying-requests-from-slack. Throws AuthenticationFailed. */
export function verifySlack(
  { headers, body }: Incoming,
  secret: string,
  nowMs: number,
): { readonly signature: string; readonly freshUntil: number } {
  const signature = headers['x-slack-signature']
  const timestamp = headers['x-slack-request-timestamp']
  if (
    typeof signature !== 'string' ||
    typeof timestamp !== 'string' ||
    !/^v0=[0-9a-f]{64}$/.test(signature) ||
    !/^\d{1,12}$/.test(timestamp)
  ) {
    throw new AuthenticationFailed('token_required', 'This is not signed as Slack signs.')
  }
  const expected = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest()
  if (!timingSafeEqual(expected, Buffer.from(signature.slice(3), 'hex'))) {
    throw new AuthenticationFailed('token_invalid', 'The signature of this does not hold.')
  }
  const sentMs = Number(timestamp) * 1_000
  if (Math.abs(nowMs - sentMs) > TOLERANCE_MS) {
    throw new AuthenticationFailed(
      'token_expired',
      'This was signed too long ago, or ahead of time.',
    )
  }
  return { signature, freshUntil: sentMs + TOLERANCE_MS }
}

/** Undefined for whatever is no click on a button. */
function clickOf(body: Uint8Array): Click | undefined {
  const payload = new URLSearchParams(Buffer.from(body).toString('utf8')).get('payload')
  const checked = clickSchema.safeParse(payload === null ? undefined : jsonOf(payload))
  return checked.success ? checked.data : undefined
}

function jsonOf(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : undefined
  } catch {
    // What is no JSON says nothing.
    return undefined
  }
}
