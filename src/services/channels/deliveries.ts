// The queue on disk. Every change is a compare-and-set, so that of several processes one sends.
import { randomBytes } from 'node:crypto'
import type { Kysely, Selectable } from 'kysely'
import type { JsonObject } from '#model'
import type { NoticeEvent } from './channel.ts'
import type { ChannelTables } from './tables.ts'

/** `dropped`: there was nothing to tell any more. */
export type DeliveryState = 'waiting' | 'delivered' | 'failed' | 'dropped'

export interface Delivery {
  readonly id: string
  readonly channel: string
  readonly event: NoticeEvent
  /** Absent from a test. */
  readonly request?: string
  readonly state: DeliveryState
  readonly attempts: number
  readonly nonce: string
  readonly createdAt: number
  readonly nextAt: number
  readonly triedAt?: number
  /** What went wrong last, in words. */
  readonly error?: string
  readonly remote?: JsonObject
}

/** More that wait for one channel is a channel that nobody mends, or a flood. */
const MOST_WAITING = 1_000
/** What is over is kept for a look back, so many for each channel. */
const MOST_KEPT = 500
/** Whoever took a delivery and was killed leaves it for so long. */
const LEASE_MS = 120_000
const DAY_MS = 86_400_000

export class Deliveries {
  readonly #kysely: Kysely<ChannelTables>
  readonly #now: () => number

  constructor(kysely: Kysely<ChannelTables>, now: () => number) {
    this.#kysely = kysely
    this.#now = now
  }

  /** Undefined when this of the request was told to this channel already. `votes`: after so many of them. */
  async add(
    channel: string,
    event: NoticeEvent,
    request: string | undefined,
    votes = 0,
  ): Promise<Delivery | undefined> {
    const now = this.#now()
    const full = (await this.#count(channel)) >= MOST_WAITING
    const row = {
      id: `msg_${randomBytes(12).toString('hex')}`,
      channel,
      event: event === 'voted' ? `${event} ${votes}` : event,
      request: request ?? '',
      state: full ? 'failed' : 'waiting',
      attempts: 0,
      nonce: randomBytes(16).toString('base64url'),
      created_at: now,
      // A test is sent by whoever asks for it, not by the worker.
      next_at: event === 'test' ? now + LEASE_MS : now,
      tried_at: null,
      error: full ? `${MOST_WAITING} messages wait for this channel already` : null,
      remote: null,
    } satisfies ChannelTables['channel_deliveries']
    const { numInsertedOrUpdatedRows } = await this.#kysely
      .insertInto('channel_deliveries')
      .values(row)
      .onConflict(conflict => conflict.doNothing())
      .executeTakeFirst()
    return Number(numInsertedOrUpdatedRows ?? 0) === 1 ? deliveryOf(row) : undefined
  }

  async #count(channel: string): Promise<number> {
    const { count } = await this.#kysely
      .selectFrom('channel_deliveries')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('channel', '=', channel)
      .where('state', '=', 'waiting')
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  /** The next one that is due for a channel, oldest first. */
  async due(channel: string): Promise<Delivery | undefined> {
    const row = await this.#kysely
      .selectFrom('channel_deliveries')
      .selectAll()
      .where('channel', '=', channel)
      .where('state', '=', 'waiting')
      .where('next_at', '<=', this.#now())
      .orderBy('created_at')
      .orderBy('id')
      .limit(1)
      .executeTakeFirst()
    return row === undefined ? undefined : deliveryOf(row)
  }

  /** When the next one of any channel is due; undefined when nothing waits. */
  async nextDue(): Promise<number | undefined> {
    const row = await this.#kysely
      .selectFrom('channel_deliveries')
      .select(({ fn }) => fn.min('next_at').as('next'))
      .where('state', '=', 'waiting')
      .executeTakeFirst()
    return row?.next === undefined || row.next === null ? undefined : Number(row.next)
  }

  /** Takes it for one attempt; undefined when another process was first. */
  async take({ id, attempts }: Delivery): Promise<Delivery | undefined> {
    const now = this.#now()
    const row = await this.#kysely
      .updateTable('channel_deliveries')
      .set({ attempts: attempts + 1, next_at: now + LEASE_MS, tried_at: now })
      .where('id', '=', id)
      .where('attempts', '=', attempts)
      .where('state', '=', 'waiting')
      .returningAll()
      .executeTakeFirst()
    return row === undefined ? undefined : deliveryOf(row)
  }

  /** What became of the attempt. */
  async put(
    { id, attempts }: Delivery,
    outcome: {
      readonly state: DeliveryState
      readonly nextAt?: number
      readonly error?: string
      readonly remote?: JsonObject
    },
  ): Promise<void> {
    await this.#kysely
      .updateTable('channel_deliveries')
      .set({
        state: outcome.state,
        error: outcome.error ?? null,
        ...(outcome.nextAt === undefined ? {} : { next_at: outcome.nextAt }),
        ...(outcome.remote === undefined ? {} : { remote: JSON.stringify(outcome.remote) }),
      })
      .where('id', '=', id)
      .where('attempts', '=', attempts)
      .execute()
  }

  /** Leaves a channel alone until then. */
  async hold(channel: string, until: number): Promise<void> {
    await this.#kysely
      .updateTable('channel_deliveries')
      .set({ next_at: until })
      .where('channel', '=', channel)
      .where('state', '=', 'waiting')
      .where('next_at', '<', until)
      .execute()
  }

  /** The message of this kind about this request in this channel. */
  async find(
    channel: string,
    request: string,
    event: Exclude<NoticeEvent, 'voted'>,
  ): Promise<Delivery | undefined> {
    const row = await this.#kysely
      .selectFrom('channel_deliveries')
      .selectAll()
      .where('channel', '=', channel)
      .where('request', '=', request)
      .where('event', '=', event)
      .executeTakeFirst()
    return row === undefined ? undefined : deliveryOf(row)
  }

  /** Newest first. */
  async list(channel: string, limit: number): Promise<readonly Delivery[]> {
    const rows = await this.#kysely
      .selectFrom('channel_deliveries')
      .selectAll()
      .where('channel', '=', channel)
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
      .execute()
    return rows.map(deliveryOf)
  }

  waiting(channel: string): Promise<number> {
    return this.#count(channel)
  }

  /** What waits for channels that are no longer there waits for nothing; what they were told is kept for a day. */
  async forgetOthers(channels: readonly string[]): Promise<void> {
    const old = this.#now() - DAY_MS
    const gone = this.#kysely
      .deleteFrom('channel_deliveries')
      .where(({ eb, or }) => or([eb('state', '=', 'waiting'), eb('created_at', '<', old)]))
    await (channels.length === 0 ? gone : gone.where('channel', 'not in', [...channels])).execute()
  }

  /** Forgets what is over and old, and decisions that are no longer fresh. */
  async prune(channels: readonly string[]): Promise<void> {
    for (const channel of channels) {
      const last = await this.#kysely
        .selectFrom('channel_deliveries')
        .select('created_at')
        .where('channel', '=', channel)
        .orderBy('created_at', 'desc')
        .offset(MOST_KEPT)
        .limit(1)
        .executeTakeFirst()
      if (last === undefined) continue
      await this.#kysely
        .deleteFrom('channel_deliveries')
        .where('channel', '=', channel)
        .where('state', '!=', 'waiting')
        .where('created_at', '<=', last.created_at)
        .execute()
    }
    await this.#kysely.deleteFrom('channel_received').where('until', '<', this.#now()).execute()
  }

  /** True the first time alone. */
  async once(channel: string, once: string, until: number): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await this.#kysely
      .insertInto('channel_received')
      .values({ channel, once, until })
      .onConflict(conflict => conflict.doNothing())
      .executeTakeFirst()
    return Number(numInsertedOrUpdatedRows ?? 0) === 1
  }
}

function deliveryOf(row: Selectable<ChannelTables['channel_deliveries']>): Delivery {
  return {
    id: row.id,
    channel: row.channel,
    // Written by `add` and `put` alone.
    event: row.event.replace(/ \d+$/, '') as NoticeEvent,
    state: row.state as DeliveryState,
    attempts: Number(row.attempts),
    nonce: row.nonce,
    createdAt: Number(row.created_at),
    nextAt: Number(row.next_at),
    ...(row.request === '' ? {} : { request: row.request }),
    ...(row.tried_at === null ? {} : { triedAt: Number(row.tried_at) }),
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.remote === null ? {} : { remote: JSON.parse(row.remote) as JsonObject }),
  }
}
