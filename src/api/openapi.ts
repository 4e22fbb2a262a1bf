// Completes the OpenAPI document: what every operation has in common, and what no schema of a route can say.
import { paths } from '#contract'

type Part = Record<string, unknown>

/** JSON of an OpenAPI 3 document, as fastify's plugin makes it from the routes. */
export interface OpenApi {
  readonly paths?: { readonly [path: string]: { readonly [method: string]: Part } | undefined }
  readonly [part: string]: unknown
}

const PROBLEM = 'application/problem+json'
/** Each with what it means here: every operation can answer with these. */
const refusals = {
  400: 'The request does not make sense',
  401: 'No identity was proved',
  403: 'Decided, and the answer is no',
  404: 'No such thing, or none that you may see',
  409: 'It was decided, ended or used already',
  413: 'Too large',
  429: 'Too many',
  500: 'A defect of ours',
  502: 'The protected system does not answer',
  503: 'Not now: stopping, or evidence cannot be written',
} as const

const STREAMS: readonly string[] = [paths.watch, paths.auditTail, paths.events].map(openApiPath)
/** What answers with something other than JSON. */
const MEDIA: Readonly<Record<string, string>> = {
  [openApiPath(paths.auditCheckpoint)]: 'text/plain',
  [openApiPath(paths.auditTile)]: 'application/octet-stream',
}

export function completeDocument(document: OpenApi): OpenApi {
  const operations = Object.entries(document.paths ?? {}).map(([found, methods]) => {
    const path = openApiPath(found)
    const completed = Object.entries(methods ?? {}).map(([method, operation]) => [
      method,
      completeOperation(path, method, operation),
    ])
    return [path, Object.fromEntries(completed)]
  })
  const components = asPart(document['components'])
  return {
    ...document,
    paths: { ...Object.fromEntries(operations), ...tunnel(), ...channelHook() },
    components: {
      ...components,
      schemas: { ...asPart(components['schemas']), Problem: problemSchema },
      responses: Object.fromEntries(
        Object.entries(refusals).map(([status, description]) => [
          `Problem${status}`,
          {
            description,
            content: { [PROBLEM]: { schema: { $ref: '#/components/schemas/Problem' } } },
          },
        ]),
      ),
    },
  }
}

function completeOperation(path: string, method: string, operation: Part): Part {
  const media = MEDIA[path]
  const own = STREAMS.includes(path)
    ? {
        200: {
          description: 'Events as they come; ends with the session, the identity or the right',
          content: { 'text/event-stream': { schema: { type: 'string' } } },
        },
      }
    : media === undefined
      ? asPart(operation['responses'])
      : { 200: { description: 'As it is', content: { [media]: {} } } }
  return {
    ...operation,
    ...('parameters' in operation ? { parameters: parameters(operation['parameters']) } : {}),
    operationId: operationId(method, path),
    responses: { ...own, ...problemResponses() },
  }
}

/** The rest of a path has no name in a route, and needs one here. */
function parameters(given: unknown): unknown {
  return Array.isArray(given)
    ? given.map(each => (asPart(each)['name'] === '*' ? { ...asPart(each), name: 'path' } : each))
    : given
}

/** It is no route of the HTTP server: it upgrades the connection (tunnels.ts). */
function tunnel(): Record<string, Part> {
  const path = openApiPath(paths.tunnel)
  return {
    [path]: {
      get: {
        summary: 'A byte stream to a resource: Upgrade: sallyport-tunnel, without a body',
        operationId: operationId('get', path),
        parameters: [{ name: 'resource', in: 'path', required: true, schema: { type: 'string' } }],
        responses: { 101: { description: 'The tunnel is open' }, ...problemResponses() },
      },
    },
  }
}

/** What comes in is as others write it (docs/guides/channels.md), and its signature is the proof. */
function channelHook(): Record<string, Part> {
  const path = openApiPath(paths.channelHook)
  return {
    [path]: {
      post: {
        summary: 'Signed decisions: Standard Webhooks of an approval service, clicks from Slack',
        operationId: operationId('post', path),
        security: [],
        parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }],
        requestBody: {
          required: true,
          content: {
            'application/json': { schema: { type: 'object' } },
            'application/x-www-form-urlencoded': { schema: { type: 'object' } },
          },
        },
        responses: {
          200: { description: 'The decision counted, or is looked at' },
          ...problemResponses(),
        },
      },
    },
  }
}

function problemResponses(): Part {
  return Object.fromEntries(
    Object.keys(refusals).map(status => [
      status,
      { $ref: `#/components/responses/Problem${status}` },
    ]),
  )
}

/** `:id` as OpenAPI writes it, and `*` as a parameter with a name. */
export function openApiPath(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}').replace(/\{\*\}|\*/, '{path}')
}

function operationId(method: string, path: string): string {
  const words = path.replace(/^\/api\//, '').split(/[^A-Za-z]+/)
  return [method, ...words.filter(word => word !== '')]
    .map((word, at) => (at === 0 ? word : word.slice(0, 1).toUpperCase() + word.slice(1)))
    .join('')
}

function asPart(value: unknown): Part {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** RFC 9457; the same as `schemas.problem`, which is what is sent. */
const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'Stable: docs/errors.md' },
    hint: { type: 'string' },
    requestId: { type: 'string' },
    retryBefore: { type: 'integer', description: 'Unix ms' },
  },
} as const
