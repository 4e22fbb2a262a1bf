// What a held command would run, told to whoever may see the request.
import { z } from 'zod'
import { paths, explanationSchemas as schemas } from '#contract'
import type { Flag } from '#model'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { visibleRequest } from './request-sight.ts'

/** Statements that only a shell can read. */
const FOR_A_SHELL: Flag = 'compound'

export function explanationRoutes(routes: Routes, parts: ApiParts): void {
  routes.get(
    paths.explanation,
    {
      config: { access: 'principal' },
      schema: {
        summary:
          'Which programs a held command that needs a shell would run, as a shell would read it: an aid for whoever decides; nothing is decided by it',
        params: z.strictObject({ id: z.string() }),
        response: { 200: schemas.explanation },
      },
    },
    async request => {
      const asked = await visibleRequest(parts, request.caller!, request.params.id)
      const none = { about: schemas.EXPLAINS, commands: [], hasError: false, cut: false } as const
      if (asked.kind !== 'statement' || !asked.flags.includes(FOR_A_SHELL))
        return { ...none, missing: 'no_command' } as const
      const found = await parts.explainer.explain(asked.statement)
      if (found === undefined) return { ...none, missing: 'too_long' } as const
      const commands = found.commands.map(({ program, text, notes }) => ({
        ...(program === undefined ? {} : { program }),
        text,
        notes,
      }))
      const { hasError, cut } = found
      return { about: schemas.EXPLAINS, commands, hasError, cut } as const
    },
  )
}
