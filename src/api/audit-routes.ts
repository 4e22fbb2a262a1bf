// The audit log for whoever may read it. Each reading is itself an entry.
import { z } from 'zod'
import { paths, schemas } from '#contract'
import { principalEntry } from '#gateway'
import type { JsonObject } from '#model'
import type { Routes } from './api.ts'
import { streamEvents } from './event-stream.ts'
import type { ApiParts, Caller } from './parts.ts'
import { has, need } from './rights.ts'

export function auditRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const

  routes.get(
    paths.audit,
    {
      config,
      schema: {
        summary:
          'Entries of the audit log in order; without `from`, the newest. Needs console:audit',
        querystring: z.strictObject({
          from: z.coerce.number().int().min(0).optional(),
          count: z.coerce.number().int().min(1).max(1000).default(100),
        }),
        response: { 200: z.array(schemas.auditRecord) },
      },
    },
    async request => {
      need(parts, request.caller!, 'console:audit')
      const { count } = request.query
      const from = request.query.from ?? Math.max(0, parts.audit.size - count)
      await onRecord(parts, request.caller!, { from, count })
      return z.array(schemas.auditRecord).parse(await parts.audit.read(from, count))
    },
  )

  routes.get(
    paths.auditTail,
    {
      config,
      schema: { summary: 'New entries as they come (server-sent events). Needs console:audit' },
    },
    async (request, reply) => {
      need(parts, request.caller!, 'console:audit')
      await onRecord(parts, request.caller!, { tail: true })
      streamEvents(parts, request, reply, {
        may: () => has(parts, request.caller!, 'console:audit'),
        subscribe: emit => parts.audit.onAppend(({ record }) => emit('entry', record)),
      })
      return reply
    },
  )
}

/** Puts a reading of the log on record, before what was read is sent. */
export async function onRecord(
  parts: ApiParts,
  caller: Caller,
  details: JsonObject,
): Promise<void> {
  await parts.audit.durable(
    parts.audit.append({
      kind: 'log.read',
      principal: principalEntry(caller.principal),
      details,
    }),
  )
}
