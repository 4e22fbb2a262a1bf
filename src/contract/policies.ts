// The shapes of the policies as the console looks at them, tries them and saves them; and of the data classes.
import { z } from 'zod'
import { predicateRules } from '#model'
import { why, whyQuestion } from './why.ts'

const names = z.array(z.string())
/** All changes of one call together have to fit in a body. */
const MOST_TEXT = 1_048_576

export const policyProblem = z.object({
  file: z.string(),
  line: z.number(),
  column: z.number(),
  severity: z.enum(['error', 'warning']),
  message: z.string(),
  policy: z.string().optional(),
})

export const policySummary = z.object({
  id: z.string(),
  effect: z.enum(['permit', 'forbid']),
  file: z.string(),
  line: z.number(),
  annotations: z.record(z.string(), z.string()),
})

const file = z.object({ name: z.string(), text: z.string() })

export const policies = z.object({
  /** Of the files on the disk, texts and all: a change names the one that it was made to. */
  revision: z.string(),
  /** Of what is in force. */
  policySet: z.string(),
  /** The files on the disk are what is in force. When not, they do not check, and what was in force goes on. */
  inForce: z.boolean(),
  files: z.array(file),
  /** The cases beside them. */
  tests: z.array(file),
  /** Of what is in force. */
  policies: z.array(policySummary),
  /** Of the files on the disk. */
  problems: z.array(policyProblem),
  /** Whether you may change them here. */
  editable: z.boolean(),
  /** Why not. */
  fixed: z.string().optional(),
})

/** `text: null` takes a file away. */
export const policyChanges = z
  .array(
    z.strictObject({
      name: z.string().min(1).max(255),
      text: z.string().max(MOST_TEXT).nullable(),
    }),
  )
  .max(100)

export const policyTry = z.strictObject({
  changes: policyChanges,
  /** Runs the cases that stand beside the policies. */
  tests: z.boolean().default(false),
})

export const policyTried = z.object({
  /** What the changes were laid over. */
  revision: z.string(),
  /** Whether it could be in force. */
  ok: z.boolean(),
  problems: z.array(policyProblem),
  policies: z.array(policySummary),
  /** The console rights that you would have. */
  rights: names.optional(),
  cases: z
    .array(
      z.object({
        file: z.string(),
        name: z.string(),
        passed: z.boolean(),
        /** What was expected and what came; or why the file cannot be read. */
        differences: names,
      }),
    )
    .optional(),
})

export const policyWhy = z.strictObject({ changes: policyChanges, question: whyQuestion })
export const policyWhyAnswer = z.object({
  problems: z.array(policyProblem),
  /** Only when the policies check. */
  why: why.optional(),
})

export const policySave = z.strictObject({
  /** The revision that the changes were made to. */
  opened: z.string().min(1).max(100),
  changes: policyChanges.min(1),
  /** Why; kept with the version. */
  note: z.string().trim().min(1).max(2000),
})

export const policySaved = z.object({ revision: z.string(), policySet: z.string() })

export const policyVersion = z.object({
  id: z.number(),
  at: z.number(),
  revision: z.string(),
  policySet: z.string(),
  /** Who saved it; without: changed in the files. */
  principal: z.string().optional(),
  note: z.string(),
  /** Files that differ from the version before. */
  changed: names,
})

export const policyVersionFiles = z.object({ id: z.number(), files: z.array(file) })

const mask = z.union([z.string(), z.looseObject({})])

export const dataClass = z.object({
  name: z.string(),
  /** Patterns of columns. */
  columns: names,
  /** Names of fields in bodies, and JSON Pointers. */
  fields: names.optional(),
  detect: z.string().optional(),
  /** Where the detector comes from. */
  detector: z.enum(['built-in', 'configuration', 'plugin']).optional(),
  mask,
  /** A made-up value, and what is seen instead (null: NULL). Without: a module masks, and is not asked. */
  example: z.object({ value: z.string(), shown: z.string().nullable() }).optional(),
  /** What of the resources has this class now, as far as it is known. */
  matches: z.array(z.object({ resource: z.string(), object: z.string(), column: z.string() })),
  /** There are more than are listed. */
  more: z.boolean(),
  /** Policies that speak of revealing it. */
  reveal: z.array(policySummary),
})

export const dataClasses = z.object({
  classes: z.array(dataClass),
  resources: z.array(
    z.object({
      name: z.string(),
      /** Its columns are known: a session was on it lately. */
      known: z.boolean(),
      predicates: z.object({ user: z.enum(predicateRules), agent: z.enum(predicateRules) }),
    }),
  ),
})

export const policyReplay = z.strictObject({
  changes: policyChanges,
  /** The newest of so many sessions. */
  sessions: z.number().int().min(1).max(200).default(50),
  resource: z.string().optional(),
})

const verdict = z.object({
  effect: z.enum(['permit', 'held', 'deny']),
  code: z.string(),
  policies: names,
  /** Classes of data that are hidden in what comes back. */
  masked: names,
})

export const policyReplayed = z.object({
  problems: z.array(policyProblem),
  /** Only when the policies check. */
  replay: z
    .object({
      sessions: z.number(),
      statements: z.number(),
      /** Sessions without what it takes: recorded by an older version, erased, of resources that are gone. */
      skipped: z.number(),
      /** Statements that cannot be read today. */
      unread: z.number(),
      /** There were more than are looked at. */
      cut: z.boolean(),
      differs: z.array(
        z.object({
          resource: z.string(),
          principal: z.string(),
          text: z.string(),
          /** How often it was run; when, and in which session, last. */
          count: z.number(),
          at: z.number(),
          session: z.string(),
          before: verdict,
          after: verdict,
        }),
      ),
    })
    .optional(),
})
