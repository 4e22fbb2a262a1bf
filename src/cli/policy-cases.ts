// The YAML of `policy test`: cases, each a principal, a resource, a statement and what is expected.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Config } from '#config'
import type { PolicyCase } from '#engines/policy'
import { ConfigurationError, InvalidRequest } from '#model'
import type { Protocol } from './protocol-facts.ts'

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

/** Throws ConfigurationError when the file is not a list of cases. */
export async function readCases(
  file: string,
  protocols: readonly Protocol[],
  config: Config | undefined,
): Promise<readonly PolicyCase[]> {
  const parsed = z.array(caseSchema).safeParse(parse(readFileSync(file, 'utf8')))
  if (!parsed.success) {
    throw new ConfigurationError(
      'configuration_invalid',
      `${file}: ${z.prettifyError(parsed.error)}`,
    )
  }
  return Promise.all(
    parsed.data.map(async ({ resource: asked, statement, ...rest }) => {
      const resource = resourceOf(asked, config)
      const read =
        typeof statement === 'string'
          ? await protocolOf(resource.protocol, protocols).read(statement)
          : undefined
      // `z.infer` of optional keys says `| undefined`; what is left out stays out.
      return JSON.parse(
        JSON.stringify({
          ...rest,
          resource: { name: resource.name, tags: resource.tags },
          statement:
            read === undefined
              ? statement
              : {
                  text: read.text,
                  functions: read.functions,
                  operations: read.operations.map(operation => ({
                    ...operation,
                    object: operation.object.name,
                    kind: operation.object.kind,
                  })),
                },
        }),
      )
    }),
  )
}

function resourceOf(
  asked: z.infer<typeof caseSchema>['resource'],
  config: Config | undefined,
): { name: string; tags: Readonly<Record<string, string>>; protocol?: string | undefined } {
  if (typeof asked !== 'string') return asked
  const found = config?.resources.find(({ name }) => name === asked)
  if (found === undefined) {
    throw new InvalidRequest(
      'resource_unknown',
      `There is no resource "${asked}"${config === undefined ? ': name its tags, or give --config' : ' in the configuration'}.`,
    )
  }
  return found
}

/** By name; without one, the only one there is. */
export function protocolOf(name: string | undefined, protocols: readonly Protocol[]): Protocol {
  const found =
    name === undefined && protocols.length === 1
      ? protocols[0]
      : protocols.find(each => each.name === name)
  if (found === undefined) {
    throw new InvalidRequest(
      'request_invalid',
      'Say which protocol the statement is in: resource.protocol.',
    )
  }
  return found
}
