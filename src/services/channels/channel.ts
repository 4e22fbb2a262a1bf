// What every channel is: it tells people outside what waits for them, and some bring an answer back. Knows no target.
import type { ChannelSettings } from '#config'
import type { JsonObject, Secret } from '#model'
import type { Notice } from './notice.ts'

/**
 * `asked`: a request waits for people; `voted`: some of them said yes, and it waits for more; `decided`: it no longer
 * waits; `test`: an operator wants to see it arrive.
 */
export type NoticeEvent = 'asked' | 'voted' | 'decided' | 'test'

/** One message for one channel. The id stays the same however often it is tried. */
export interface Message {
  readonly id: string
  readonly event: NoticeEvent
  readonly at: number
  /** Absent from a test. */
  readonly notice?: Notice
  /** Drawn for each request's first message, and kept in those that change it: what a button carries besides the request. */
  readonly nonce: string
  /** What the target called the first message about this request, to change it or to answer in its place. */
  readonly earlier?: JsonObject
}

export interface Channel {
  readonly settings: ChannelSettings
  /** Where it leads, in words that hold no secret. */
  readonly target: string
  /** What was said can be changed where it stands: each vote is shown there. Elsewhere it would be noise. */
  readonly revises?: true
  /** Tells it. What it resolves with is kept and given to later messages. Throws DeliveryFailed. */
  send(message: Message, signal: AbortSignal): Promise<JsonObject>
  /** Reads what came in from the other side. Channels without it take nothing in. Throws GatewayError. */
  receive?(incoming: Incoming): Promise<Received>
}

/** Bytes that came from outside, as they came: a signature is about exactly these. */
export interface Incoming {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Uint8Array
}

/** Who a decision is said to come from: found by the rules of each channel, judged by the gateway. */
export type Claimant =
  | { readonly email: string }
  | { readonly service: string; readonly groups: readonly string[] }

/** A decision whose signature held. It counts once. */
export interface Received {
  /** What makes it one of its kind: the same again is a replay. */
  readonly once: string
  /** Until when it could be sent again and still be fresh (Unix ms). */
  readonly freshUntil: number
  readonly decision: Decision | undefined
}

export interface Decision {
  readonly request: string
  readonly vote: 'approve' | 'deny'
  /** The digest of what the decider saw; a decision about something else does not count. */
  readonly digest?: string
  /** The nonce of the message whose button it was. */
  readonly nonce?: string
  readonly reason?: string
  readonly maxRows?: number
  /** False: the answer is due at once, and the outcome is told afterwards. */
  readonly waits: boolean
  /** Throws GatewayError when the other side does not say who it was. */
  who(): Promise<Claimant>
  /** Tells whoever decided what became of it. */
  told?(words: string): Promise<void>
}

/** What a channel is built on. */
export interface ChannelTools {
  secret(reference: string): Promise<Secret>
  now(): number
}

/** It did not arrive, as far as we know. The message is shown to operators: no secrets, no texts of the other side. */
export class DeliveryFailed extends Error {
  /** True: the same message can never arrive. */
  readonly final: boolean
  /** How long the other side asks to be left alone. */
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    { final = false, retryAfterMs }: { final?: boolean; retryAfterMs?: number } = {},
  ) {
    super(message)
    this.name = 'DeliveryFailed'
    this.final = final
    this.retryAfterMs = retryAfterMs
  }
}
