// Any program: Standard Webhooks out, and signed decisions in. The one target that is given data, not words.
import { z } from 'zod'
import type { ChannelSettings, SettingsOf } from '#config'
import { ConfigurationError, InvalidRequest, type JsonObject } from '#model'
import type { Channel, ChannelTools, Claimant, Incoming, Message, Received } from './channel.ts'
import { postJson, withSecrets } from './sending.ts'
import { verifyWebhook, type WebhookKey, webhookHeaders, webhookKey } from './standard-webhooks.ts'

const decisionSchema = z.strictObject({
  type: z.literal('request.decision'),
  timestamp: z.string().max(64).optional(),
  data: z.strictObject({
    request: z.string().max(64),
    /** What was looked at: that of the message which asked. */
    digest: z.string().regex(/^[0-9a-f]{64}$/),
    decision: z.enum(['approve', 'deny']),
    /** Who decided, where the service does not decide by itself. */
    email: z.string().max(254).optional(),
    reason: z.string().max(2_000).optional(),
    maxRows: z.int().min(0).optional(),
  }),
})

export class WebhookChannel implements Channel {
  readonly settings: ChannelSettings
  readonly target: string
  readonly receive?: (incoming: Incoming) => Promise<Received>
  readonly #settings: SettingsOf<'webhook'>
  readonly #tools: ChannelTools

  constructor(settings: SettingsOf<'webhook'>, tools: ChannelTools) {
    this.settings = settings
    this.#settings = settings
    this.#tools = tools
    this.target = new URL(settings.url).host
    const { decisions } = settings
    if (decisions !== undefined) this.receive = incoming => this.#receive(decisions, incoming)
  }

  async send(message: Message, signal: AbortSignal): Promise<JsonObject> {
    const body = JSON.stringify(webhookBody(message))
    const headers = await withSecrets(this.#tools, this.#settings.secrets, secrets =>
      webhookHeaders(message.id, this.#tools.now(), body, keysOf(secrets, ['whsec', 'whsk'])),
    )
    const { status } = await postJson(this.#settings, this.#tools, {
      url: new URL(this.#settings.url),
      body,
      headers,
      signal,
    })
    return { status }
  }

  async #receive(
    decisions: NonNullable<SettingsOf<'webhook'>['decisions']>,
    incoming: Incoming,
  ): Promise<Received> {
    const { id, freshUntil } = await withSecrets(this.#tools, decisions.secrets, secrets =>
      verifyWebhook(incoming, keysOf(secrets, ['whsec', 'whpk']), this.#tools.now()),
    )
    const { request, digest, decision, email, reason, maxRows } = read(incoming.body)
    return {
      once: id,
      freshUntil,
      decision: {
        request,
        digest,
        vote: decision,
        ...(reason === undefined ? {} : { reason }),
        ...(maxRows === undefined ? {} : { maxRows }),
        waits: true,
        who: async () => claimant(decisions, email),
      },
    }
  }
}

function claimant(
  { approver, groups }: NonNullable<SettingsOf<'webhook'>['decisions']>,
  email: string | undefined,
): Claimant {
  if (approver === undefined && email !== undefined) return { email }
  if (approver !== undefined && email === undefined) return { service: approver, groups }
  throw new InvalidRequest(
    'request_invalid',
    approver === undefined
      ? 'The decision does not say whose it is (data.email).'
      : 'This service decides by itself: data.email has no meaning.',
  )
}

function read(body: Uint8Array): z.infer<typeof decisionSchema>['data'] {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    // Refused: what cannot be read decides nothing.
    throw new InvalidRequest('request_invalid', 'The body is not JSON.')
  }
  const checked = decisionSchema.safeParse(value)
  if (checked.success) return checked.data.data
  const [issue] = checked.error.issues
  const where = issue?.path.join('.') || 'the body'
  const why = issue?.message.replace(/^Invalid \w+: /, '') ?? ''
  throw new InvalidRequest('request_invalid', `This is no decision: ${where}: ${why}.`)
}

/** Throws ConfigurationError, without the secret in it. */
function keysOf(
  secrets: readonly string[],
  kinds: readonly ('whsec' | 'whsk' | 'whpk')[],
): readonly WebhookKey[] {
  return secrets.map(secret => {
    const key = kinds.some(kind => secret.startsWith(`${kind}_`)) ? webhookKey(secret) : undefined
    if (key !== undefined) return key
    throw new ConfigurationError(
      'configuration_invalid',
      `a secret of this channel is not a key: it begins with ${kinds.map(each => `${each}_`).join(' or ')}, base64 follows`,
    )
  })
}

/** "type", "timestamp" and "data", as the specification recommends. */
export function webhookBody({ event, at, notice }: Message): JsonObject {
  const timestamp = new Date(at).toISOString()
  if (notice === undefined) return { type: 'test', timestamp, data: {} }
  return {
    type: event === 'asked' ? 'request.asked' : 'request.decided',
    timestamp,
    data: {
      request: notice.request,
      kind: notice.kind,
      state: notice.state,
      digest: notice.digest,
      title: notice.title,
      who: notice.who,
      resource: notice.resource,
      what: notice.what,
      held: notice.held,
      policies: [...notice.policies],
      approvers: notice.approvers,
      expiresAt: notice.expiresAt,
      ...(notice.statement === undefined ? {} : { statement: notice.statement }),
      statementLeft: notice.statementLeft,
      boundValues: notice.values,
      ...(notice.reason === undefined ? {} : { untrustedReason: notice.reason }),
      ...(notice.outcome === undefined ? {} : { outcome: notice.outcome }),
      ...(notice.link === undefined ? {} : { link: notice.link }),
    },
  }
}
