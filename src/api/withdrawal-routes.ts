// Withdrawing an identity, of a person or an agent: their tokens, sign-ins and credentials so far, and the sessions that
// rest on them. With console:operate.
import { paths, withdrawalSchemas } from '#contract'
import { principalEntry } from '#gateway'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { need } from './rights.ts'

export function withdrawalRoutes(routes: Routes, parts: ApiParts): void {
  routes.post(
    paths.withdraw,
    {
      config: { access: 'principal' },
      schema: {
        summary:
          'Refuses whatever proved an identity so far, or will within `seconds`, and ends the sessions of who bears it, owns or acts by it',
        body: withdrawalSchemas.withdrawal,
        response: { 200: withdrawalSchemas.withdrawn },
      },
    },
    async request => {
      const caller = request.caller!
      const { principal, seconds } = request.body
      need(parts, caller, 'console:operate')
      const until = parts.now() + seconds * 1_000
      // First on record, then done: a crash in between leaves an entry without an end, never the reverse.
      await parts.audit.durable(
        parts.audit.append({
          kind: 'operator.acted',
          principal: principalEntry(caller.principal),
          details: { action: 'withdraw identity', principal, until },
        }),
      )
      parts.identity.revokePrincipal(principal, seconds === 0 ? undefined : until)
      await parts.identity.settled()
      return { principal, until }
    },
  )
}
