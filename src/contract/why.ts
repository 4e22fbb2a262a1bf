// How a statement would be decided, and why: by operation, by policy, by column.
import { z } from 'zod'
import { derivations, predicateRules, probeUses } from '#model'

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
