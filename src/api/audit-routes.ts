import { z } from 'zod'
import { paths, schemas } from '#contract'
import { principalEntry } from '#gateway'
import type { Routes } from './api.ts'
import { streamEvents } from './event-stream.ts'
import type { ApiParts } from './parts.ts'
import { need } from './rights.ts'

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
      parts.audit.append({
        kind: 'log.read',
        principal: principalEntry(request.caller!.principal),
        details: { from, count },
      })
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
      parts.audit.append({
        kind: 'log.read',
        principal: principalEntry(request.caller!.principal),
        details: { tail: true },
      })
      streamEvents(reply, request.raw, emit =>
        parts.audit.onAppend(({ record }) => emit('entry', record)),
      )
      return reply
    },
  )
}
