// What happens, as it happens, for pages that show it: no text, no value, only that something is new. The audit log
// is the source, so a reader that was away goes on where it was.
import { z } from 'zod'
import { type LiveEvent, paths } from '#contract'
import type { JsonObject } from '#model'
import type { Routes } from './api.ts'
import { streamEvents } from './event-stream.ts'
import { eventOf, isShown } from './live-events.ts'
import type { ApiParts, Caller } from './parts.ts'
import { requestSight } from './request-sight.ts'
import { has } from './rights.ts'

/** Readers are told in batches: a thousand statements a second are ten messages. */
const BATCH_MS = 100
const MOST_IN_BATCH = 500
/** Who was away longer than this many entries asks for everything anew: reading them again is work for the process. */
const MOST_REPLAYED = 1_000
/** How often a reader of rates is told of them while they change, in batches. */
const RATES_EVERY = 10

export function liveRoutes(routes: Routes, parts: ApiParts): void {
  routes.get(
    paths.events,
    {
      config: { access: 'principal' },
      schema: {
        summary:
          'What happens, as it happens (server-sent events `entries`, `rates` with console:read, and `reset` when too much was missed): your own, what you may decide, all with console:read',
        headers: z.looseObject({ 'last-event-id': z.coerce.number().int().min(0).optional() }),
      },
    },
    async (request, reply) => {
      const caller = request.caller!
      const last = request.headers['last-event-id']
      streamEvents(parts, request, reply, {
        may: () => true,
        subscribe: emit => follow(parts, caller, last, emit),
      })
      return reply
    },
  )
}

type Emit = (event: string, data: unknown, id?: number) => void

function follow(parts: ApiParts, caller: Caller, last: number | undefined, emit: Emit): () => void {
  let waiting: JsonObject[] = []
  let missed = 0
  let stopped = false
  let next = last === undefined ? parts.audit.size : last + 1
  // Called while a statement waits for its entry: it only keeps, and what is kept is read in `flush`.
  const take = (record: JsonObject): void => {
    const { seq, kind } = record
    if (typeof seq !== 'number' || seq < next || !isShown(kind)) return
    next = seq + 1
    if (waiting.length < MOST_IN_BATCH) waiting.push(record)
    else missed += 1
  }
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return
    const batch = waiting.flatMap(record =>
      isOfNamesake(parts, caller, record) ? [] : (eventOf(record) ?? []),
    )
    const left = missed
    waiting = []
    missed = 0
    const seen = await visible(parts, caller, batch)
    if (stopped) return
    const id = batch.at(-1)?.seq
    if (seen.length > 0 || left > 0) emit('entries', { entries: seen, missed: left }, id)
  }
  let turn = Promise.resolve()
  let batches = 0
  let told = ''
  let busy = false
  // The step that goes on, and the one before it, whose last counts may come late.
  const tellRates = (): void => {
    batches += 1
    if (stopped || batches % RATES_EVERY !== 0 || !has(parts, caller, 'console:read')) return
    const rates = parts.gateway.rates.read(parts.now(), 2)
    const { permitted, held, denied, masked } = rates
    const wasBusy = busy
    busy = [...permitted, ...held, ...denied, ...masked].some(Boolean)
    const text = JSON.stringify(rates)
    if (text !== told && (busy || wasBusy)) emit('rates', rates)
    told = text
  }
  const timer = setInterval(() => {
    turn = turn
      .then(flush)
      .then(tellRates)
      .catch(error => {
        // The batch is lost to this reader, who is told to ask anew; the log has it.
        parts.log.error({ err: error }, 'api.live_failed')
        if (!stopped) emit('reset', {})
      })
  }, BATCH_MS)
  timer.unref()
  // What comes while the past is read waits its turn.
  let held: JsonObject[] | undefined
  const unsubscribe = parts.audit.onAppend(({ record }) => {
    if (held === undefined) take(record)
    else if (held.length < MOST_REPLAYED) held.push(record)
    else missed += 1
  })
  if (parts.audit.size - next > MOST_REPLAYED) {
    next = parts.audit.size
    emit('reset', {}, next - 1)
  } else if (next < parts.audit.size) {
    held = []
    turn = parts.audit.read(next, parts.audit.size - next).then(records => {
      for (const record of [...records, ...(held ?? [])]) take(record)
      held = undefined
    })
  }
  return () => {
    stopped = true
    clearInterval(timer)
    unsubscribe()
  }
}

/** Of an agent that has the caller's id, or of a person who has it: theirs, and not the caller's. */
function isOfNamesake(parts: ApiParts, caller: Caller, { principal }: JsonObject): boolean {
  const { id, kind } = (principal ?? {}) as JsonObject
  if (id !== caller.principal.id || kind === caller.principal.kind) return false
  return !has(parts, caller, 'console:read')
}

/** What the caller may know of. */
async function visible(
  parts: ApiParts,
  caller: Caller,
  events: readonly LiveEvent[],
): Promise<readonly LiveEvent[]> {
  if (has(parts, caller, 'console:read')) return events
  const sight = requestSight(parts, caller)
  const [actor] = caller.principal.actors
  const seen: LiveEvent[] = []
  for (const event of events) {
    if (event.request !== undefined) {
      const request = await parts.requests.get(event.request)
      if (sight.visible(request)) seen.push(event)
    } else if (event.principal === caller.principal.id && actor === undefined) seen.push(event)
    else if (event.to === caller.principal.id && actor === undefined) seen.push(event)
  }
  return seen
}
