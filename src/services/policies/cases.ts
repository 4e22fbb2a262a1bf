// The YAML of `policy test`: cases, each a principal, a resource, a statement and what is expected. How a statement is
// read, and what a resource's name stands for, is told by whoever asks.
import { parse } from 'yaml'
import { z } from 'zod'
import type { PolicyCase } from '#engines/policy'
import { ConfigurationError, type Statement } from '#model'

const who = z.strictObject({
  kind: z.enum(['user', 'agent']),
  id: z.string(),
  groups: z.array(z.string()).default([]),
})

const caseSchema = z.strictObject({
  name: z.string(),
  principal: who.extend({ owners: z.array(z.string()).default([]), actor: who.optional() }),
  /** A name of the configuration, or all that the policies may ask of it. */
  resource: z.union([
    z.string(),
    z.strictObject({
      name: z.string(),
      tags: z.record(z.string(), z.string()).default({}),
      protocol: z.string().optional(),
    }),
  ]),
  /** As a client would send it, or its operations. */
  statement: z.union([
    z.string(),
    z.strictObject({
      operations: z.array(
        z.strictObject({
          action: z.string(),
          verb: z.string().optional(),
          object: z.string().optional(),
          kind: z.string().optional(),
          columns: z.array(z.string()).optional(),
          flags: z.array(z.string()).optional(),
          category: z.string().optional(),
          tunnel: z
            .strictObject({
              direction: z.enum(['out', 'in']),
              kind: z.enum(['tcp', 'socket', 'agent', 'display', 'host']),
              host: z.string(),
              port: z.int(),
            })
            .optional(),
        }),
      ),
      text: z.string().optional(),
      functions: z.array(z.string()).optional(),
    }),
  ]),
  facts: z
    .strictObject({
      approved: z.boolean(),
      mfa: z.boolean(),
      reason: z.string(),
      client: z.string(),
      ip: z.string(),
      /** A time such as 2026-01-05T12:00:00Z. */
      now: z.iso.datetime().transform(text => Date.parse(text)),
      run: z.strictObject({ rows: z.number(), bytes: z.number(), statements: z.number() }),
    })
    .partial()
    .optional(),
  expect: z.strictObject({
    effect: z.enum(['permit', 'deny']),
    obligations: z.array(z.string()).optional(),
    policies: z.array(z.string()).optional(),
    code: z.string().optional(),
  }),
})

/** What a case's resource is. */
export interface CaseResource {
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
  readonly protocol?: string | undefined
}

/** What the words of a case stand for. Both may throw a GatewayError that says what is missing. */
export interface CaseWords {
  resource(name: string): CaseResource
  read(text: string, protocol: string | undefined): Promise<Statement>
}

/** Throws ConfigurationError when the text is not a list of cases. */
export async function casesIn(
  text: string,
  file: string,
  words: CaseWords,
): Promise<readonly PolicyCase[]> {
  const written = yaml(text, file)
  if (!Array.isArray(written))
    throw invalid(file, 'is not a list of cases (each begins with "- name: …")')
  const parsed = z.array(caseSchema).safeParse(written)
  if (!parsed.success) throw invalid(file, z.prettifyError(parsed.error))
  return Promise.all(
    parsed.data.map(async ({ resource: asked, statement, ...rest }) => {
      const resource = typeof asked === 'string' ? words.resource(asked) : asked
      const read =
        typeof statement === 'string' ? await words.read(statement, resource.protocol) : undefined
      // `z.infer` of optional keys says `| undefined`; what is left out stays out.
      const one: PolicyCase = JSON.parse(
        JSON.stringify({
          ...rest,
          resource: { name: resource.name, tags: resource.tags },
          statement: read === undefined ? statement : operationsOf(read),
        }),
      )
      return read === undefined
        ? one
        : { ...one, statement: { ...one.statement, ...valuesOf(read) } }
    }),
  )
}

function operationsOf({ text, functions, operations }: Statement) {
  return {
    text,
    functions,
    operations: operations.map(operation => ({
      ...operation,
      object: operation.object.name,
      kind: operation.object.kind,
    })),
  }
}

/** What JSON has no words for. */
function valuesOf({ parameters, named }: Statement): Pick<Statement, 'parameters' | 'named'> {
  return {
    ...(parameters === undefined ? {} : { parameters }),
    ...(named === undefined ? {} : { named }),
  }
}

function yaml(text: string, file: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 })
  } catch (error) {
    throw invalid(file, error instanceof Error ? error.message : 'is not YAML')
  }
}

function invalid(file: string, why: string): ConfigurationError {
  return new ConfigurationError('configuration_invalid', `${file}: ${why}`)
}
