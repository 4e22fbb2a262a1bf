// What an operator says about an HTTP upstream. Knows the schema only; secrets are references elsewhere.
import { z } from 'zod'
import { actionOf, isServed, RouteTable } from '#engines/http'
import { parsePointer } from '#engines/json'
import { actions } from '#model'
import { originFields } from '#proxy'

const file = z.string().regex(/^file:.+$/, 'expected file:PATH')

/** `POST /{repo}.git/git-upload-pack`. */
const route = z.string().regex(/^[A-Z][A-Z-]* \/\S*$/, 'expected METHOD /path/{name}')

const routeSchema = z
  .strictObject({
    route,
    /** What policies call it; the path's template when absent. */
    name: z.string().min(1).max(256).optional(),
    action: z.enum(actions).optional(),
  })
  .refine(({ route }) => isServed(route.split(' ')[0] ?? ''), 'this method is not served')

const bodySchema = z.strictObject({
  /** Read whole before the decision, in bytes. */
  most: z.int().min(0).max(67_108_864).default(1_048_576),
  /** What is longer: refused, or passed on as it comes, unread: then nobody can be asked to approve it. */
  longer: z.enum(['refuse', 'stream']).default('refuse'),
  /**
   * JSON pointers whose values policies ask for (`/amount`; `*` for any one name or place). With any of them, only JSON and form bodies
   * that everybody reads alike are taken.
   */
  fields: z
    .array(
      z
        .string()
        .max(256)
        .refine(text => parsePointer(text) !== undefined, 'expected a JSON pointer: /amount'),
    )
    .max(64)
    .default([]),
})

export const httpSettings = z
  .strictObject({
    /** Where every request goes, and nowhere else. A path is put before the client's. */
    url: z
      .string()
      .refine(
        isUpstreamUrl,
        'expected https://HOST[:PORT][/PATH], without a user, a query or a fragment',
      ),
    ...originFields,
    /** An OpenAPI 3.0 or 3.1 document, JSON or YAML: its operations are the objects that policies name. */
    openapi: file.optional(),
    /** The path that the document's paths stand behind; its own first server tells when absent. */
    prefix: z
      .string()
      .regex(/^(?:\/[^/?#\s]+)*$/, 'expected /PATH without a slash at the end')
      .optional(),
    /** A request that no operation and no route fits. Without a document and routes every path is an object. */
    unknown: z.enum(['refuse', 'path']).default('refuse'),
    routes: z.array(routeSchema).max(1_000).default([]),
    /** The path of a GraphQL endpoint. */
    graphql: z
      .string()
      .regex(/^\/[^?#\s]*$/, 'expected /PATH')
      .optional(),
    paths: z
      .strictObject({
        /** `%2F` within a segment: refused, or kept as a part of it where a document or a route has the path. */
        encodedSlash: z.enum(['refuse', 'allow']).default('refuse'),
      })
      .prefault({}),
    body: bodySchema.prefault({}),
    /** Parameters of queries that hold secrets, besides those whose names say so: on record as hashes. */
    secretParameters: z.array(z.string().min(1).max(128)).max(64).default([]),
    /** An answer whose content cannot be read, while something is masked for who asks. */
    unreadable: z.enum(['refuse', 'pass']).default('refuse'),
  })
  .superRefine(({ routes }, context) => {
    try {
      new RouteTable(routesOf(routes))
    } catch (error) {
      // Safe: it is reported where the configuration is checked, and refused.
      context.addIssue({
        code: 'custom',
        path: ['routes'],
        message: error instanceof Error ? error.message : 'cannot be read',
      })
    }
  })

export type HttpSettings = z.infer<typeof httpSettings>

/** The fields of `resources[].credential` that may hold a secret reference. */
export const secretFields = [
  'headers.*',
  'token',
  'password',
  'clientCertificate',
  'clientKey',
  'oauth.clientSecret',
] as const

/** Each of these fills the field `Authorization`. */
export const oneOf = ['headers.authorization', 'token', 'oauth', 'password'] as const

export function routesOf(written: readonly z.infer<typeof routeSchema>[]) {
  return written.map(({ route, name, action }) => {
    const [method = '', template = ''] = route.split(' ')
    return {
      method,
      template,
      action: action ?? actionOf(method),
      name: name ?? (template.slice(1) || '/'),
      kind: name === undefined ? ('route' as const) : ('operation' as const),
    }
  })
}

function isUpstreamUrl(text: string): boolean {
  const url = URL.parse(text)
  return (
    url !== null &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === '' &&
    !/[?#%]|\/\/.*\/\//.test(text)
  )
}
