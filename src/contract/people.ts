// Who is, or was, here; and what one run of one agent did. Times are Unix ms.
import { z } from 'zod'
import { accessRequest, grant } from './requests.ts'
import { session } from './sessions.ts'

export const knownPrincipal = z.object({
  id: z.string(),
  /** `unknown`: was given something, and never came. */
  kind: z.enum(['user', 'agent', 'unknown']),
  name: z.string(),
  issuer: z.string(),
  /** As their last proof of identity said. */
  groups: z.array(z.string()),
  owners: z.array(z.string()),
  firstSeen: z.number().optional(),
  lastSeen: z.number().optional(),
  /** Sessions that live, those in which it acts for somebody among them. */
  live: z.number(),
  /** Rights for a time that hold. */
  grants: z.number(),
  /** Requests that wait for a person. */
  pending: z.number(),
})

/** One of them, with what is theirs. */
export const principalDetail = knownPrincipal.extend({
  /** Somebody withdrew the identity: what proved it up to then is refused. */
  withdrawn: z.number().optional(),
  /** Rights for a time that hold. */
  holds: z.array(grant),
  /** The latest that they asked for. */
  asked: z.array(
    z.object({
      id: z.string(),
      kind: accessRequest.shape.kind,
      state: accessRequest.shape.state,
      resource: z.string(),
      createdAt: z.number(),
    }),
  ),
})

export const principalPage = z.object({
  principals: z.array(knownPrincipal),
  /** Asks for what comes behind; absent at the end. */
  next: z.string().optional(),
})

export const run = z.object({
  /** A run belongs to one principal: its name alone says nothing. */
  principal: z.string(),
  principalKind: z.enum(['user', 'agent']),
  run: z.string(),
  startedAt: z.number(),
  /** When its last session began. */
  lastAt: z.number(),
  sessions: z.number(),
  live: z.number(),
  statements: z.number(),
  denied: z.number(),
  rows: z.number(),
  bytes: z.number(),
  /** When somebody ended it: nothing of it is accepted since. */
  endedAt: z.number().optional(),
})

/** What a policy compares with what the run did so far. */
export const budget = z.object({
  policy: z.string(),
  effect: z.enum(['permit', 'forbid']),
  of: z.enum(['statements', 'rows', 'bytes']),
  bound: z.number(),
})

/** A step of time, and what happened in it: permitted, held, denied, masked. */
const mark = z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()])

export const runDetail = run.extend({
  /** Statements that waited for a person. */
  held: z.number(),
  /** Answers in which something was masked. */
  masked: z.number(),
  budgets: z.array(budget),
  /** Of the latest sessions; `more`: there were earlier ones, which the totals leave out. */
  more: z.boolean(),
  sessionList: z.array(session),
  /** Marks count steps of `stepMs` from `startedAt`. */
  stepMs: z.number(),
  lanes: z.array(z.object({ resource: z.string(), protocol: z.string(), marks: z.array(mark) })),
  /** The caller may end it. */
  mayEnd: z.boolean(),
})

export const runName = z.strictObject({
  principal: z.string().min(1).max(2_048),
  run: z.string().min(1).max(2_048),
})
