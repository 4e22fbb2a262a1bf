// One attempt to tell one message: what there is to tell at this moment, and when to try again.
import { type AccessRequest, isGatewayError } from '#model'
import type { Log } from '#telemetry'
import {
  type Channel,
  type ChannelTools,
  DeliveryFailed,
  type Message,
  type NoticeEvent,
} from './channel.ts'
import type { Deliveries, Delivery } from './deliveries.ts'
import { noticeOf } from './notice.ts'
import { nextAttempt } from './retry.ts'

/** Whatever the other side does; shorter than the lease of a delivery. */
const LONGEST_MS = 60_000

export interface SenderParts extends ChannelTools {
  /** Where browsers reach the console, when that was said. */
  readonly url: () => string | undefined
  /** Undefined when there is no such request. */
  readonly find: (request: string) => Promise<AccessRequest | undefined>
  /** Hears what became of a message: the first failure, and the end. */
  readonly onOutcome: (delivery: Delivery) => void
  readonly log: Log
  readonly die?: () => number
}

export class Sender {
  readonly #parts: SenderParts
  readonly #deliveries: Deliveries

  constructor(parts: SenderParts, deliveries: Deliveries) {
    this.#parts = parts
    this.#deliveries = deliveries
  }

  /** Tries it once, and writes down what became of it. Throws only when that cannot be written. */
  async attempt(channel: Channel, delivery: Delivery, stop: AbortSignal): Promise<Delivery> {
    const { now, die = Math.random } = this.#parts
    const put = async (outcome: Parameters<Deliveries['put']>[1]): Promise<Delivery> => {
      await this.#deliveries.put(delivery, outcome)
      const { error: _, ...rest } = delivery
      const after = { ...rest, ...outcome }
      const over = outcome.state === 'delivered' || outcome.state === 'failed'
      if (over || (outcome.state === 'waiting' && delivery.attempts === 1)) {
        this.#tell(after)
      }
      return after
    }
    try {
      const message = await this.#message(channel, delivery)
      if (typeof message === 'string') return await put({ state: 'dropped', error: message })
      const signal = AbortSignal.any([stop, AbortSignal.timeout(LONGEST_MS)])
      const remote = await channel.send(message, signal)
      return await put({ state: 'delivered', remote })
    } catch (error) {
      // Safe: nobody waits for a message; it is tried again, and shown.
      const failed = failureOf(error)
      if (failed === undefined) {
        this.#parts.log.error({ err: error, channel: delivery.channel }, 'channel.failed')
      }
      const words = failed?.message ?? 'a defect of ours: it is in the log of the gateway'
      const nextAt =
        failed?.final === true || delivery.event === 'test'
          ? undefined
          : nextAttempt(delivery.attempts, delivery.createdAt, now(), die, failed?.retryAfterMs)
      if (nextAt === undefined) return await put({ state: 'failed', error: words })
      const after = await put({ state: 'waiting', nextAt, error: words })
      if (failed?.retryAfterMs !== undefined) {
        // It asks to be left alone, not to be asked something else.
        await this.#deliveries.hold(delivery.channel, now() + failed.retryAfterMs)
      }
      return after
    }
  }

  /** What to send, or why there is nothing to tell any more. */
  async #message(channel: Channel, delivery: Delivery): Promise<Message | string> {
    const { id, event, createdAt: at, nonce, request: about } = delivery
    if (about === undefined) return { id, event, at, nonce }
    const request = await this.#parts.find(about)
    if (request === undefined) return 'the request is gone'
    const { settings } = channel
    // Programs that follow along are told all; people only what they can still act on, or began to look at.
    const follows = settings.type === 'webhook'
    if (event === 'asked' && eventOf(request) !== 'asked' && !follows) {
      return 'it was decided before it could be told'
    }
    if (event === 'voted' && eventOf(request) !== 'asked') return 'it was decided since'
    const asked =
      event === 'asked' ? undefined : await this.#deliveries.find(settings.name, about, 'asked')
    if (event !== 'asked' && asked?.remote === undefined && !follows) {
      return 'nobody was asked in this channel'
    }
    const notice = noticeOf(request, { show: settings.show, url: this.#parts.url() })
    const earlier = asked?.remote
    return {
      id,
      event,
      at,
      // The buttons are those of the first message still.
      nonce: asked?.nonce ?? nonce,
      notice,
      ...(earlier === undefined ? {} : { earlier }),
    }
  }

  #tell(delivery: Delivery): void {
    try {
      this.#parts.onOutcome(delivery)
    } catch (error) {
      // Safe: what was sent was sent, whatever becomes of the telling.
      this.#parts.log.error({ err: error, channel: delivery.channel }, 'channel.outcome_failed')
    }
  }
}

/** Asked while people can answer, decided once they no longer can. */
export function eventOf({ state }: AccessRequest): NoticeEvent | undefined {
  if (state === 'pending') return 'asked'
  // The yes was told; that it was used is for the log.
  return state === 'consumed' ? undefined : 'decided'
}

/** Undefined for a bug. */
function failureOf(error: unknown): DeliveryFailed | undefined {
  if (error instanceof DeliveryFailed) return error
  // A secret that is not there: the message names the reference, never the value.
  return isGatewayError(error) ? new DeliveryFailed(error.message) : undefined
}
