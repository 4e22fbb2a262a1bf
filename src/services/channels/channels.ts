// Tells people outside what waits for them: who is told of what, the worker of each channel, and what comes back.
// Nothing here is waited for by a statement: a channel that is slow or gone costs nobody but itself.
import type { Kysely } from 'kysely'
import type { ChannelSettings } from '#config'
import { type AccessRequest, InvalidRequest } from '#model'
import type { Channel, Decision, Incoming } from './channel.ts'
import { Deliveries, type Delivery } from './deliveries.ts'
import { createChannel } from './kinds.ts'
import { receiveDecision } from './receiving.ts'
import { eventOf, Sender, type SenderParts } from './sender.ts'
import type { ChannelTables } from './tables.ts'

const PRUNE_MS = 3_600_000
/** A store that fails is tried again after this. */
const TROUBLE_MS = 5_000
const SHOWN = 20

export interface ChannelsParts extends SenderParts {
  readonly kysely: Kysely<ChannelTables>
  readonly pending: () => Promise<readonly AccessRequest[]>
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
  readonly #sender: Sender
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
    this.#sender = new Sender(parts, this.#deliveries)
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
    const votes = request.votes.length
    const told = [...this.#channels.values()].filter(({ settings }) => concerns(settings, request))
    if (event === undefined || told.length === 0) return
    // One after the other: what was asked first is told first.
    this.#hearing = this.#hearing.then(() =>
      this.#try(async () => {
        for (const { settings, revises } of told) {
          const { name } = settings
          const first = await this.#deliveries.add(name, event, request.id)
          const next =
            first === undefined && revises === true && event === 'asked' && votes > 0
              ? await this.#deliveries.add(name, 'voted', request.id, votes)
              : first
          if (next !== undefined) this.#wake(name)
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
    return this.#sender.attempt(channel, taken, this.#abort.signal)
  }

  /** As `receiveDecision`, by the channel's name. */
  receive(name: string, incoming: Incoming): Promise<Decision | undefined> {
    return receiveDecision(this.#deliveries, name, this.#channels.get(name), incoming)
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
          if (taken !== undefined) await this.#sender.attempt(channel, taken, this.#abort.signal)
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

function concerns(settings: ChannelSettings, request: AccessRequest): boolean {
  const { resources, approvers } = settings
  return (
    (resources.length === 0 || resources.includes(request.resource)) &&
    (approvers.length === 0 || approvers.some(group => request.approvers.includes(group)))
  )
}

function unknown(): InvalidRequest {
  return new InvalidRequest('request_unknown', 'There is no such channel.', {
    hint: 'sallyport channels lists them.',
  })
}
