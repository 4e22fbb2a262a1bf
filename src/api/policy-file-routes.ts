// The policies as files: looked at, tried, changed, and what they were before. Who looks needs console:read, who changes
// console:administer. What is tried runs apart from the gateway's own thread.
import { z } from 'zod'
import { type PolicyTried, paths, policySchemas } from '#contract'
import { principalEntry } from '#gateway'
import { AccessDenied, GatewayError, InvalidRequest, isGatewayError } from '#model'
import {
  type BenchAnswer,
  casesIn,
  type PolicyFolder,
  proposed,
  revisionOf,
} from '#services/policies'
import type { Routes } from './api.ts'
import type { ApiParts, Caller } from './parts.ts'
import { has, need } from './rights.ts'
import { policySummaryView, whyView } from './views.ts'
import { askedBy } from './why-question.ts'

/** More text than this is not for a page. */
const MOST_SHOWN = 4 * 1024 * 1024
const MOST_CASES = 2_000

export function policyFileRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const
  const { policyFiles, workbench } = parts
  const cases = new KeptCases(parts)

  routes.get(
    paths.policies,
    {
      config,
      schema: {
        summary: 'The files of the policies, and what is in force. Needs console:read',
        response: { 200: policySchemas.policies },
      },
    },
    async request => {
      const caller = request.caller!
      need(parts, caller, 'console:read')
      const folder = await policyFiles.look()
      const { files, tests, problems, revision, inForce, fixed } = folder
      const size = [...files, ...tests].reduce((sum, { text }) => sum + text.length, 0)
      if (size > MOST_SHOWN)
        throw new GatewayError('message_too_large', 'The policies are too large to be shown here.')
      const set = parts.policies()
      const why = fixed ?? missingRight(parts, caller)
      return {
        revision,
        policySet: set.hash,
        inForce,
        files: [...files],
        tests: [...tests],
        policies: set.policies.map(policySummaryView),
        problems: [...problems],
        editable: why === undefined,
        ...(why === undefined ? {} : { fixed: why }),
      }
    },
  )

  routes.post(
    paths.policyTry,
    {
      config,
      schema: {
        summary:
          'Checks changed policies, and runs their cases. Changes nothing. Needs console:read',
        body: policySchemas.policyTry,
        response: { 200: policySchemas.policyTried },
      },
    },
    async request => {
      const caller = request.caller!
      need(parts, caller, 'console:read')
      const folder = await policyFiles.look()
      const files = proposed(folder.files, request.body.changes)
      const { asked, unread } = request.body.tests
        ? await cases.of(folder)
        : { asked: [], unread: [] }
      const answer = await workbench.ask({
        files,
        vocabulary: parts.vocabulary(),
        rights: {
          principal: caller.principal,
          facts: parts.gateway.rights.factsFor(caller.principal, caller.origin),
        },
        cases: asked.map(each => each.case),
      })
      const results = (answer.cases ?? []).map((result, at) => ({
        file: asked[at]?.file ?? '',
        ...result,
        differences: [...result.differences],
      }))
      return {
        ...checkedView(answer, folder.revision),
        ...(request.body.tests && answer.policySet !== undefined
          ? { cases: [...results, ...unread] }
          : {}),
      }
    },
  )

  routes.post(
    paths.policyWhy,
    {
      config,
      schema: {
        summary: 'How a statement would be decided by changed policies. Needs console:read',
        body: policySchemas.policyWhy,
        response: { 200: policySchemas.policyWhyAnswer },
      },
    },
    async request => {
      const caller = request.caller!
      need(parts, caller, 'console:read')
      const asked = await askedBy(parts, caller, request.body.question)
      const { compared: _, ...statement } = asked.statement
      const { files } = await policyFiles.look()
      const { name, tags, masking } = asked.resource
      const { problems, why } = await workbench.ask({
        files: proposed(files, request.body.changes),
        vocabulary: parts.vocabulary(),
        why: {
          ...asked,
          statement,
          resource: { name, tags, masking },
          classes: parts.masks().classes,
        },
      })
      return {
        problems: [...problems],
        ...(why && { why: whyView(why.decision, why.uses, why.reveals, asked.names) }),
      }
    },
  )

  routes.post(
    paths.policies,
    {
      config,
      schema: {
        summary:
          'Changes the policies: a set that checks, made to what is there now. Needs console:administer',
        body: policySchemas.policySave,
        response: { 200: policySchemas.policySaved },
      },
    },
    async request => {
      const caller = request.caller!
      need(parts, caller, 'console:administer')
      const { opened, changes, note } = request.body
      await keepsItsAuthor(parts, caller, changes)
      return policyFiles.save({
        opened,
        changes,
        note,
        principal: caller.principal.id,
        // First on record, then done: a crash in between leaves an entry without a change, never the reverse.
        record: async ({ policySet, revision }) => {
          const before = parts.policies()
          await parts.audit.durable(
            parts.audit.append({
              kind: 'operator.acted',
              principal: principalEntry(caller.principal),
              details: {
                action: 'change policies',
                files: changes.map(({ name }) => name).slice(0, 64),
                revision,
                opened,
                policySet: policySet.hash,
                previous: before.hash,
              },
            }),
          )
        },
      })
    },
  )

  routes.get(
    paths.policyVersions,
    {
      config,
      schema: {
        summary: 'Who changed the policies, and when; newest first. Needs console:read',
        querystring: z.strictObject({
          before: z.coerce.number().int().min(1).optional(),
          limit: z.coerce.number().int().min(1).max(200).default(50),
        }),
        response: { 200: z.array(policySchemas.policyVersion) },
      },
    },
    async request => {
      need(parts, request.caller!, 'console:read')
      const { limit, before } = request.query
      const found = await parts.policyHistory.list(limit, before)
      return found.map(each => ({ ...each, changed: [...each.changed] }))
    },
  )

  routes.get(
    paths.policyVersion,
    {
      config,
      schema: {
        summary: 'The files of the policies as they were. Needs console:read',
        params: z.strictObject({ id: z.coerce.number().int().min(1) }),
        response: { 200: policySchemas.policyVersionFiles },
      },
    },
    async request => {
      need(parts, request.caller!, 'console:read')
      const { id } = request.params
      return { id, files: [...(await parts.policyHistory.files(id))] }
    },
  )
}

function missingRight(parts: ApiParts, caller: Caller): string | undefined {
  return has(parts, caller, 'console:administer')
    ? undefined
    : 'You may look at the policies, and not change them: this needs console:administer.'
}

function checkedView(
  { problems, policySet, policies, rights }: BenchAnswer,
  revision: string,
): PolicyTried {
  return {
    revision,
    ok: policySet !== undefined,
    problems: [...problems],
    policies: (policies ?? []).map(policySummaryView),
    ...(rights === undefined ? {} : { rights: [...rights] }),
  }
}

/**
 * Tried apart first: a text that the parser cannot bear ends there. Who would lose the right to change them by it could
 * not take it back here: that is done in the files, by somebody who means it.
 */
async function keepsItsAuthor(
  parts: ApiParts,
  { principal, origin }: Caller,
  changes: Parameters<typeof proposed>[1],
): Promise<void> {
  const { files } = await parts.policyFiles.look()
  const {
    rights = [],
    policySet,
    problems,
  } = await parts.workbench.ask({
    files: proposed(files, changes),
    vocabulary: parts.vocabulary(),
    rights: { principal, facts: parts.gateway.rights.factsFor(principal, origin) },
  })
  if (policySet === undefined) {
    const wrong = problems.find(({ severity }) => severity === 'error')
    throw new InvalidRequest(
      'request_invalid',
      `The policies do not check: ${wrong?.file}:${wrong?.line}:${wrong?.column} ${wrong?.message}`,
    )
  }
  if (rights.includes('console:administer')) return
  throw new InvalidRequest(
    'request_invalid',
    'With these policies you could not change them any more: nothing was written.',
    { hint: 'Keep a policy that permits you console:administer, or change the files themselves.' },
  )
}

type Cases = {
  readonly asked: { file: string; case: Awaited<ReturnType<typeof casesIn>>[number] }[]
  /** For each file that cannot be read, why. */
  readonly unread: NonNullable<PolicyTried['cases']>
}

/** The cases beside the policies, read anew when one of their files is another, or what their words stand for. */
class KeptCases {
  readonly #parts: ApiParts
  #kept: { readonly key: string; readonly cases: Promise<Cases> } | undefined

  constructor(parts: ApiParts) {
    this.#parts = parts
  }

  of({ tests }: PolicyFolder): Promise<Cases> {
    const key = revisionOf(tests) + JSON.stringify(this.#parts.vocabulary().resources)
    if (this.#kept?.key === key) return this.#kept.cases
    const cases = read(this.#parts, tests)
    this.#kept = { key, cases }
    // A defect is not kept; whoever asked hears of it.
    cases.catch(() => {
      this.#kept = undefined
    })
    return cases
  }
}

async function read(parts: ApiParts, tests: PolicyFolder['tests']): Promise<Cases> {
  const cases: Cases = { asked: [], unread: [] }
  for (const { name: file, text } of tests) {
    try {
      const found = await casesIn(text, file, words(parts))
      if (cases.asked.length + found.length > MOST_CASES)
        throw new InvalidRequest('request_invalid', `There are more than ${MOST_CASES} cases.`)
      cases.asked.push(...found.map(each => ({ file, case: each })))
    } catch (error) {
      // It counts as a case that failed, in its own words; anything else is a defect of ours.
      if (!isGatewayError(error)) throw error
      cases.unread.push({ file, name: file, passed: false, differences: [error.message] })
    }
  }
  return cases
}

function words(parts: ApiParts): Parameters<typeof casesIn>[2] {
  return {
    resource(name) {
      const found = parts.inventory.get(name)
      if (found !== undefined) return found
      throw new AccessDenied('resource_unknown', `There is no resource "${name}".`)
    },
    read(text, protocol) {
      const [only] = parts.protocols.length === 1 ? parts.protocols : []
      const found =
        protocol === undefined ? only : parts.protocols.find(({ name }) => name === protocol)
      if (found !== undefined) return found.read(text)
      throw new InvalidRequest(
        'request_invalid',
        'Say which protocol the statement is in: resource.protocol.',
      )
    },
  }
}
