// The shapes of the REST API: one zod schema each, from which the OpenAPI document, the checks at run time
// and the types of every client come. No Node, no DOM. Times are Unix ms.
import { z } from 'zod'
import { derivations, predicateRules, probeUses } from '#model'
import { timeAsked, timeVote } from './time.ts'

export const principal = z.object({
  id: z.string(),
  kind: z.enum(['user', 'agent']),
  name: z.string(),
  issuer: z.string(),
  groups: z.array(z.string()),
  actor: z.string().optional(),
  owners: z.array(z.string()),
  mfa: z.boolean(),
  run: z.string(),
  expiresAt: z.number(),
  /** What the policies permit in the console, now: a page offers nothing else. Each call is decided by itself all the same. */
  rights: z
    .array(z.enum(['console:read', 'console:audit', 'console:operate', 'console:administer']))
    .optional(),
})

export const deviceCode = z.object({
  deviceCode: z.string(),
  userCode: z.string(),
  /** Where a person types the code, and the same with the code in it. */
  page: z.string(),
  pageWithCode: z.string(),
  expiresAt: z.number(),
  pollSeconds: z.number(),
})

export const signedIn = z.object({
  /** Shown once; the gateway keeps its hash only. */
  token: z.string(),
  principal: z.string(),
  expiresAt: z.number(),
})

export const resource = z.object({
  name: z.string(),
  protocol: z.string(),
  /** The protocol's name for people. */
  label: z.string().optional(),
  tags: z.record(z.string(), z.string()),
  /** Where clients reach it, and lines to paste. */
  endpoint: z.object({ host: z.string(), port: z.number() }).optional(),
  connect: z.array(z.string()),
  tool: z.array(z.string()),
})

export const credential = z.object({
  id: z.string(),
  resource: z.string(),
  principal: z.string(),
  expiresAt: z.number(),
})

export const issuedCredential = credential.extend({
  /** Shown once; the gateway keeps a verifier only. */
  secret: z.string(),
})

/** What a held statement would do, without running it: estimates, and text of the system's own, untrusted. */
export const preview = z.object({
  tables: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      rows: z.number().optional(),
      /** Counted, not estimated. */
      exact: z.boolean(),
      /** What rests on it, where the statement defines or empties it. */
      dependents: z.number().optional(),
    }),
  ),
  estimate: z
    .object({
      rows: z.number(),
      effect: z.enum(['changes', 'returns']),
      /** Changed rows are counted as it runs: a bound on them holds. */
      guarded: z.boolean(),
    })
    .optional(),
  plan: z.string().optional(),
  /** What would be other than it is: a line each, which begins with `+`, `-` or `~`. */
  changes: z.string().optional(),
  /** Why there is neither. */
  unavailable: z.string().optional(),
  notes: z.array(z.string()),
})

export const accessRequest = z.object({
  id: z.string(),
  /** `statement`: one statement; `time`: a right for a time; `review`: a look back at a broken glass. */
  kind: z.enum(['statement', 'time', 'review']),
  state: z.enum([
    'pending',
    'approved',
    'denied',
    'expired',
    'cancelled',
    'superseded',
    'consumed',
    'revoked',
  ]),
  resource: z.string(),
  protocol: z.string(),
  /** Of a statement. */
  session: z.string().optional(),
  principal: z.string(),
  principalKind: z.enum(['user', 'agent']),
  actor: z.string().optional(),
  /** Who owns the agent that asks or acts: they may not decide. */
  owners: z.array(z.string()),
  /** The resource's tags, as they are now. */
  tags: z.record(z.string(), z.string()),
  /** Verbatim: whoever shows it escapes it. Of the other kinds: what is asked, in our words. */
  statement: z.string(),
  parameters: z.array(z.string().nullable()),
  objects: z.array(z.string()),
  verbs: z.array(z.string()),
  flags: z.array(z.string()),
  message: z.string(),
  policies: z.array(z.string()),
  /** The asking principal's own words: untrusted. */
  reason: z.string().optional(),
  approvers: z.array(z.string()),
  quorum: z.number(),
  /** Each has to be met, by people of its own. Absent: `quorum` of `approvers`. */
  needs: z.array(z.object({ groups: z.array(z.string()), count: z.number() })).optional(),
  votes: z.array(
    z.object({
      approver: z.string(),
      vote: z.enum(['approve', 'deny']),
      at: z.number(),
      reason: z.string().optional(),
      counts: z.array(z.number()).optional(),
    }),
  ),
  createdAt: z.number(),
  expiresAt: z.number(),
  /**
   * For approvers and who may read the console, never for whoever asks. Absent until somebody has looked, shortly after
   * it was made; and where nobody can.
   */
  preview: preview.optional(),
  /** The bound on changed rows that a yes carries when it names none. */
  defaultMaxRows: z.number().optional(),
  maxRows: z.number().optional(),
  digest: z.string(),
  ...timeAsked,
  /** True when the caller may vote on it. */
  mayVote: z.boolean(),
})

export const vote = z.strictObject({
  reason: z.string().max(2000).optional(),
  /** The most rows that the statement may change; more is rolled back. Default: the request's `defaultMaxRows`. */
  maxRows: z.number().int().min(0).optional(),
  ...timeVote,
})

export const grant = z.object({
  id: z.string(),
  principal: z.string(),
  resource: z.string(),
  actions: z.array(z.string()),
  createdAt: z.number(),
  expiresAt: z.number(),
  revokedAt: z.number().optional(),
  approvedBy: z.array(z.string()),
  reason: z.string(),
  /** The request that asked for it. */
  request: z.string().optional(),
  /** So many sessions may be opened with it, and so many were. */
  maxUses: z.number().optional(),
  uses: z.number().optional(),
  breakGlass: z.literal(true).optional(),
})

export const session = z.object({
  id: z.string(),
  resource: z.string(),
  protocol: z.string(),
  principal: z.string(),
  principalKind: z.enum(['user', 'agent']),
  actor: z.string().optional(),
  run: z.string(),
  ip: z.string(),
  client: z.string(),
  startedAt: z.number(),
  endedAt: z.number().optional(),
  closeReason: z.string().optional(),
  statements: z.number(),
  denied: z.number(),
  rows: z.number(),
  bytes: z.number(),
})

/** A line of a recording: see services/recording; `kind` tells which fields stand. */
export const recordedEvent = z.looseObject({ kind: z.string(), at: z.number() })

/** Policies that came near, and the condition that failed. */
const near = z.array(z.object({ policy: z.string(), condition: z.string() })).readonly()

export const operation = z.object({
  action: z.string(),
  verb: z.string(),
  object: z.string(),
  /** The protocol's own finer sort of operation. */
  category: z.string().optional(),
  effect: z.enum(['permit', 'deny']),
  policies: z.array(z.string()),
  near,
})

const names = z.array(z.string()).readonly()

/** What becomes of the values of one statement of a text. Columns are `object.column`; classes are those that are masked. */
export const lineage = z.object({
  /** `unknown`: not told by the text; all of it is masked when `untold` names classes. */
  outputs: z.union([
    z.literal('unknown'),
    z
      .array(
        z.object({
          sources: names,
          how: z.enum(derivations),
          shown: z.enum(['clear', 'masked', 'redacted']),
          classes: names,
        }),
      )
      .readonly(),
  ]),
  untold: names,
  probes: z
    .array(
      z.object({
        use: z.enum([...probeUses, 'unknown']),
        columns: names,
        classes: names,
        outcome: z.enum(['free', 'counted', 'refused']),
      }),
    )
    .readonly(),
  transfers: z
    .array(
      z.object({
        by: z.string(),
        sources: names,
        how: z.enum(derivations),
        to: z.string().optional(),
        classes: names,
        outcome: z.enum(['free', 'refused']),
      }),
    )
    .readonly(),
})

export const why = z.object({
  effect: z.enum(['permit', 'deny']),
  code: z.string(),
  message: z.string(),
  /** What would be permitted; empty when nothing can be said. */
  hint: z.string(),
  obligations: z.array(z.looseObject({ kind: z.string() })),
  policies: z.array(z.string()),
  operations: z.array(operation),
  /** `catalog`: names were resolved as the resource does; `text`: they stand as written. */
  names: z.enum(['catalog', 'text']),
  /** What may be asked about masked columns. */
  predicates: z.enum(predicateRules),
  /** The classes of data that it touches. */
  classes: z.array(
    z.object({
      dataClass: z.string(),
      revealed: z.boolean(),
      policies: names,
      near,
    }),
  ),
  statements: z.array(lineage),
})

export const whyQuestion = z.strictObject({
  resource: z.string(),
  statement: z.string(),
  /** Somebody else: needs `console:audit`. */
  principal: z
    .strictObject({
      kind: z.enum(['user', 'agent']),
      id: z.string(),
      groups: z.array(z.string()).default([]),
    })
    .optional(),
})

export const auditRecord = z.looseObject({ seq: z.number(), ts: z.string(), kind: z.string() })

/** What just happened, without texts or values: whoever is interested asks for the thing itself. */
export const liveEvent = z.object({
  /** The entry of the audit log: `Last-Event-ID` of a stream that goes on from there. */
  seq: z.number(),
  at: z.number(),
  kind: z.string(),
  session: z.string().optional(),
  principal: z.string().optional(),
  resource: z.string().optional(),
  request: z.string().optional(),
  grant: z.string().optional(),
  /** Whose right it is. */
  to: z.string().optional(),
  verbs: z.array(z.string()).optional(),
  objects: z.array(z.string()).optional(),
  effect: z.string().optional(),
  code: z.string().optional(),
  /** Of `statement.completed`: what came of statements, by the entry of each. */
  outcomes: z
    .array(
      z.object({
        entry: z.number(),
        at: z.number(),
        status: z.string(),
        rows: z.number(),
        /** Something in the answer was masked. */
        masked: z.boolean(),
      }),
    )
    .optional(),
})

/** RFC 9457. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  code: z.string(),
  hint: z.string().optional(),
  requestId: z.string().optional(),
  retryBefore: z.number().optional(),
})
