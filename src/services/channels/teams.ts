// Microsoft Teams: a Workflows webhook ("When a Teams webhook request is received") takes an Adaptive Card. A flow
// cannot change a card later, and cannot say who clicked: the card has a link and nothing else that acts.
import type { ChannelSettings, SettingsOf } from '#config'
import type { JsonObject } from '#model'
import { type Channel, type ChannelTools, DeliveryFailed, type Message } from './channel.ts'
import { facts, heading, when } from './facts.ts'
import { addressOf, postJson, withSecret } from './sending.ts'

export class TeamsChannel implements Channel {
  readonly settings: ChannelSettings
  readonly target = 'a Teams workflow'
  readonly #settings: SettingsOf<'teams'>
  readonly #tools: ChannelTools

  constructor(settings: SettingsOf<'teams'>, tools: ChannelTools) {
    this.settings = settings
    this.#settings = settings
    this.#tools = tools
  }

  async send(message: Message, signal: AbortSignal): Promise<JsonObject> {
    await withSecret(this.#tools, this.#settings.url, async text => {
      const url = addressOf(text)
      if (url === undefined) throw new DeliveryFailed('the secret "url" is not an address')
      await postJson(this.#settings, this.#tools, { url, body: teamsMessage(message), signal })
    })
    return {}
  }
}

/** The envelope that Workflows asks for. */
export function teamsMessage(message: Message): JsonObject {
  const { notice } = message
  const rows = facts(message)
  const statement = notice?.statement
  const body: JsonObject[] = [
    text(heading(message), { weight: 'Bolder', size: 'Medium' }),
    ...rows.map(({ name, value }) => ({
      type: 'RichTextBlock',
      spacing: 'Small',
      inlines: [
        { type: 'TextRun', text: `${name}: `, isSubtle: true },
        { type: 'TextRun', text: value },
      ],
    })),
    ...(statement === undefined ? [] : [text(statement, { fontType: 'Monospace' })]),
    ...(notice === undefined || message.event !== 'asked'
      ? []
      : [text(`Can be decided until ${when(notice.expiresAt)}.`, { isSubtle: true })]),
  ]
  const link = notice?.link
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body,
          ...(link === undefined
            ? {}
            : { actions: [{ type: 'Action.OpenUrl', title: 'Open the request', url: link }] }),
        },
      },
    ],
  }
}

/** TextBlock reads Markdown; the runs of a RichTextBlock are shown as they are. */
function text(words: string, look: JsonObject): JsonObject {
  return {
    type: 'RichTextBlock',
    inlines: [{ type: 'TextRun', text: words, ...look }],
  }
}
