// PagerDuty, Events API v2: a request that waits triggers an alert, its end resolves it. Decisions are made elsewhere.
import type { ChannelSettings, SettingsOf } from '#config'
import type { JsonObject } from '#model'
import { type Channel, type ChannelTools, DeliveryFailed, type Message } from './channel.ts'
import { facts, heading } from './facts.ts'
import { postJson, withSecret } from './sending.ts'
import { line } from './text.ts'

const API = 'https://events.pagerduty.com/v2/enqueue'
/** Their bound on `summary`. */
const MOST_SUMMARY = 1_024

export class PagerDutyChannel implements Channel {
  readonly settings: ChannelSettings
  readonly target: string
  readonly #settings: SettingsOf<'pagerduty'>
  readonly #tools: ChannelTools
  readonly #api: URL

  constructor(settings: SettingsOf<'pagerduty'>, tools: ChannelTools) {
    this.settings = settings
    this.#settings = settings
    this.#tools = tools
    this.#api = new URL(settings.api ?? API)
    this.target = this.#api.host
  }

  async send(message: Message, signal: AbortSignal): Promise<JsonObject> {
    return withSecret(this.#tools, this.#settings.routingKey, async key => {
      const events = eventsOf(message, key, this.#settings.severity)
      for (const body of events) {
        const { text } = await postJson(this.#settings, this.#tools, {
          url: this.#api,
          body,
          signal,
        })
        if (!isAccepted(text)) throw new DeliveryFailed('answered without "status": "success"')
      }
      return { dedupKey: dedupKey(message) }
    })
  }
}

function eventsOf(message: Message, key: string, severity: string): JsonObject[] {
  const about = { routing_key: key, dedup_key: dedupKey(message) }
  const resolve = { ...about, event_action: 'resolve' }
  if (message.event === 'decided') return [resolve]
  const link = message.notice?.link
  const statement = message.notice?.statement
  const trigger: JsonObject = {
    ...about,
    event_action: 'trigger',
    client: 'Sallyport',
    ...(link === undefined
      ? {}
      : { client_url: link, links: [{ href: link, text: 'Open the request' }] }),
    payload: {
      summary: line(heading(message), MOST_SUMMARY),
      source: message.notice?.resource ?? 'sallyport',
      severity: message.notice === undefined ? 'info' : severity,
      timestamp: new Date(message.at).toISOString(),
      class: 'access request',
      custom_details: {
        ...Object.fromEntries(facts(message).map(({ name, value }) => [name, value])),
        ...(statement === undefined ? {} : { statement }),
      },
    },
  }
  // Nobody has to close what was only a test.
  return message.notice === undefined ? [trigger, resolve] : [trigger]
}

/** The same for all that is about one request. */
function dedupKey({ id, notice }: Message): string {
  return `sallyport-${notice?.request ?? id}`
}

function isAccepted(text: string): boolean {
  try {
    const answer: unknown = JSON.parse(text)
    return (
      typeof answer === 'object' &&
      answer !== null &&
      'status' in answer &&
      answer.status === 'success'
    )
  } catch {
    // No JSON is no acceptance.
    return false
  }
}
