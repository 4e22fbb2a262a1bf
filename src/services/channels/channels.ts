// Tells people outside what waits for them: who is told of what, the worker of each channel, and what comes back.
// Nothing here is waited for by a statement: a channel that is slow or gone costs nobody but itself.
import { timingSafeEqual } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { ChannelSettings } from '#config'
import {
  AccessDenied,
  type AccessRequest,
  AuthenticationFailed,
  InvalidRequest,
  isGatewayError,
} from '#model'
import type { Log } from '#telemetry'
import {
  type Channel,
  type ChannelTools,
  type Decision,
  DeliveryFailed,
  type Incoming,
  type NoticeEvent,
  type Received,
} from './channel.ts'
import { Deliveries, type Delivery } from './deliveries.ts'
import { createChannel } from './kinds.ts'
import { noticeOf } from './notice.ts'
import { nextAttempt } from './retry.ts'
import type { ChannelTables } from './tables.ts'

const PRUNE_MS = 3_600_000
/** A store that fails is tried again after this. */
const TROUBLE_MS = 5_000
const SHOWN = 20
/** One attempt, whatever the other side does; shorter than the lease of a delivery. */
const LONGEST_MS = 60_000

export interface ChannelsParts extends ChannelTools {
  readonly kysely: Kysely<ChannelTables>
  /** Where browsers reach the console, when that was said. */
  readonly url: () => string | undefined
  /** Undefined when there is no such request. */
  readonly find: (request: string) => Promise<AccessRequest | undefined>
  readonly pending: () => Promise<readonly AccessRequest[]>
  /** Hears what became of a message: the first failure, and the end. */
  readonly onOutcome: (delivery: Delivery) => void
  readonly log: Log
  readonly die?: () => number
}

/** A channel as operators see it. */
export interface ChannelStatus {
  readonly name: string
  readonly type: ChannelSettings['type']
  readonly target: string
  readonly show: 'summary' | 'statement'
  /** Answers may come back. */
  readonly decides: boolean
  readonly state: 'quiet' | 'working' | 'failing'
  readonly waiting: number
  /** Newest first. */
  readonly deliveries: readonly Delivery[]
}

export class Channels {
  readonly #parts: ChannelsParts
  readonly #deliveries: Deliveries
  #channels = new Map<string, Channel>()
  readonly #working = new Map<string, Promise<void>>()
  readonly #again = new Set<string>()
  readonly #abort = new AbortController()
  #hearing: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  readonly #pruning: NodeJS.Timeout

  constructor(parts: ChannelsParts) {
    this.#parts = parts
    this.#deliveries = new Deliveries(parts.kysely, parts.now)
    this.#pruning = setInterval(() => {
      this.#safely(() => this.#deliveries.prune([...this.#channels.keys()]))
    }, PRUNE_MS)
    this.#pruning.unref()
  }

  /** Takes up the settings; messages about what waits now are sent where they were not. */
  async start(settings: readonly ChannelSettings[]): Promise<void> {
    await this.#take(settings)
    await this.#deliveries.prune([...this.#channels.keys()])
  }

  /** Other channels from now on: what waits for people is told to those that are new, too. */
  update(settings: readonly ChannelSettings[]): void {
    this.#safely(() => this.#take(settings))
  }

  async #take(settings: readonly ChannelSettings[]): Promise<void> {
    this.#channels = new Map(settings.map(each => [each.name, createChannel(each, this.#parts)]))
    await this.#deliveries.forgetOthers([...this.#channels.keys()])
    if (this.#channels.size > 0)
      for (const request of await this.#parts.pending()) this.heard(request)
    this.#wakeAll()
  }

  /** A request is new, or has changed. Returns at once. */
  heard(request: AccessRequest): void {
    const event = eventOf(request)
    const names = [...this.#channels.values()]
      .filter(({ settings }) => concerns(settings, request))
      .map(({ settings }) => settings.name)
    if (event === undefined || names.length === 0) return
    // One after the other: what was asked first is told first.
    this.#hearing = this.#hearing.then(() =>
      this.#try(async () => {
        for (const name of names) {
          if ((await this.#deliveries.add(name, event, request.id)) !== undefined) this.#wake(name)
        }
      }),
    )
  }

  async list(): Promise<readonly ChannelStatus[]> {
    return Promise.all([...this.#channels.values()].map(channel => this.#status(channel)))
  }

  /** Sends one message now, once. Throws InvalidRequest `request_unknown`. */
  async test(name: string): Promise<Delivery> {
    const channel = this.#find(name)
    const made = await this.#deliveries.add(name, 'test', undefined)
    const taken = made === undefined ? undefined : await this.#deliveries.take(made)
    // Too many wait already, and it says so.
    if (made !== undefined && taken === undefined) return made
    if (taken === undefined) throw new InvalidRequest('request_conflict', 'Try again.')
    return this.#attempt(channel, taken)
  }

  /**
   * What came in from the other side, when its signature holds; a decision is given out once. Undefined when it decides
   * nothing. Throws GatewayError.
   */
  async receive(name: string, incoming: Incoming): Promise<Decision | undefined> {
    const { once, freshUntil, decision } = await this.#verified(name, incoming)
    if (decision === undefined) return undefined
    if (!(await this.#deliveries.once(name, once, freshUntil))) {
      throw new InvalidRequest('request_conflict', 'This decision came already: each counts once.')
    }
    const asked = await this.#deliveries.find(name, decision.request, 'asked')
    // What was never told here is not decided from here, whoever signs.
    if (asked === undefined || !carries(decision, asked)) {
      throw new AccessDenied('not_allowed', 'This is no answer to a message of this channel.')
    }
    return decision
  }

  /** What is being sent may end; what waits is sent by the next process. */
  async stop(): Promise<void> {
    clearInterval(this.#pruning)
    clearTimeout(this.#timer)
    await this.#hearing
    this.#abort.abort()
    await Promise.all(this.#working.values())
    clearTimeout(this.#timer)
  }

  /** One answer for what is not there and for what is signed wrongly: names cannot be probed. */
  async #verified(name: string, incoming: Incoming): Promise<Received> {
    const received = this.#channels
      .get(name)
      ?.receive?.(incoming)
      .catch(error => {
        // Late is told to whoever holds the key: their clock is what they have to mend.
        if (!(error instanceof AuthenticationFailed) || error.code === 'token_expired') throw error
        return undefined
      })
    const found = await received
    if (found !== undefined) return found
    throw new AuthenticationFailed(
      'token_invalid',
      'This is not signed with a key that counts here.',
    )
  }

  #find(name: string): Channel {
    const channel = this.#channels.get(name)
    if (channel === undefined) throw unknown()
    return channel
  }

  async #status({ settings, target, receive }: Channel): Promise<ChannelStatus> {
    const { name, type, show } = settings
    const deliveries = await this.#deliveries.list(name, SHOWN)
    const tried = deliveries
      .filter(({ triedAt }) => triedAt !== undefined)
      .sort((a, b) => (b.triedAt ?? 0) - (a.triedAt ?? 0))
    const last = tried.find(each => each.state !== 'dropped')
    return {
      name,
      type,
      target,
      show,
      decides: receive !== undefined,
      state: last === undefined ? 'quiet' : last.error === undefined ? 'working' : 'failing',
      waiting: await this.#deliveries.waiting(name),
      deliveries,
    }
  }

  #wakeAll(): void {
    for (const name of this.#channels.keys()) this.#wake(name)
  }

  #wake(name: string): void {
    this.#again.add(name)
    if (this.#working.has(name) || this.#abort.signal.aborted) return
    const work = this.#work(name).finally(() => {
      this.#working.delete(name)
      // Woken while it was about to lie down.
      if (this.#again.has(name)) this.#wake(name)
    })
    this.#working.set(name, work)
  }

  /** One message of a channel at a time: order is kept, and the other side is not flooded. */
  async #work(name: string): Promise<void> {
    const whole = await this.#try(async () => {
      while (this.#again.delete(name)) {
        for (;;) {
          const channel = this.#channels.get(name)
          if (channel === undefined || this.#abort.signal.aborted) return
          const due = await this.#deliveries.due(name)
          if (due === undefined) break
          const taken = await this.#deliveries.take(due)
          if (taken !== undefined) await this.#attempt(channel, taken)
        }
      }
    })
    await this.#try(() => this.#schedule(whole ? 0 : TROUBLE_MS))
  }

  async #schedule(leastMs: number): Promise<void> {
    const next = await this.#deliveries.nextDue()
    clearTimeout(this.#timer)
    if (next === undefined || this.#abort.signal.aborted) return
    const inMs = Math.min(Math.max(next - this.#parts.now(), leastMs, 50), PRUNE_MS)
    this.#timer = setTimeout(() => this.#wakeAll(), inMs)
    this.#timer.unref()
  }

  async #attempt(channel: Channel, delivery: Delivery): Promise<Delivery> {
    const { now, die = Math.random } = this.#parts
    const put = async (outcome: Parameters<Deliveries['put']>[1]): Promise<Delivery> => {
      await this.#deliveries.put(delivery, outcome)
      const { error: _, ...rest } = delivery
      const after = { ...rest, ...outcome }
      const over = outcome.state === 'delivered' || outcome.state === 'failed'
      if (over || (outcome.state === 'waiting' && delivery.attempts === 1)) {
        // Whatever becomes of that, what was sent was sent.
        this.#safely(async () => this.#parts.onOutcome(after))
      }
      return after
    }
    try {
      const message = await this.#message(channel, delivery)
      if (typeof message === 'string') return await put({ state: 'dropped', error: message })
      const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(LONGEST_MS)])
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
  async #message(
    channel: Channel,
    delivery: Delivery,
  ): Promise<Parameters<Channel['send']>[0] | string> {
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
    const asked =
      event === 'decided' ? await this.#deliveries.find(settings.name, about, 'asked') : undefined
    if (event === 'decided' && asked?.remote === undefined && !follows) {
      return 'nobody was asked in this channel'
    }
    const notice = noticeOf(request, { show: settings.show, url: this.#parts.url() })
    const earlier = asked?.remote
    return { id, event, at, nonce, notice, ...(earlier === undefined ? {} : { earlier }) }
  }

  #safely(work: () => Promise<unknown>): void {
    void this.#try(work)
  }

  /** False when it failed. Nothing here may end the process: it is called by timers and by listeners. */
  async #try(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      // Safe: what is on disk is tried again; the operator hears of it.
      this.#parts.log.error({ err: error }, 'channels.failed')
      return false
    }
  }
}

/** Asked while people can answer, decided once they no longer can. */
function eventOf({ state }: AccessRequest): NoticeEvent | undefined {
  if (state === 'pending') return 'asked'
  // The yes was told; that it was used is for the log.
  return state === 'consumed' ? undefined : 'decided'
}

function concerns(settings: ChannelSettings, request: AccessRequest): boolean {
  const { resources, approvers } = settings
  return (
    (resources.length === 0 || resources.includes(request.resource)) &&
    (approvers.length === 0 || approvers.some(group => request.approvers.includes(group)))
  )
}

function carries({ nonce }: Decision, asked: Delivery): boolean {
  if (nonce === undefined) return true
  const [given, kept] = [Buffer.from(nonce), Buffer.from(asked.nonce)]
  return given.length === kept.length && timingSafeEqual(given, kept)
}

/** Undefined for a bug. */
function failureOf(error: unknown): DeliveryFailed | undefined {
  if (error instanceof DeliveryFailed) return error
  // A secret that is not there: the message names the reference, never the value.
  return isGatewayError(error) ? new DeliveryFailed(error.message) : undefined
}

function unknown(): InvalidRequest {
  return new InvalidRequest('request_unknown', 'There is no such channel.')
}
