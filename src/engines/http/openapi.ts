// Operations of an OpenAPI 3.0 or 3.1 document: only what names a request. The document is the operator's, and still
// nothing in it makes us fetch or loop.
import { parse } from 'yaml'
import { type Action, actions, ConfigurationError } from '#model'
import { actionOf } from './methods.ts'
import type { Route, SegmentType } from './routes.ts'

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'query'] as const
/** Our own word in a document: what an operation does, where its method does not tell. */
const ACTION = 'x-sallyport-action'
const MOST_BYTES = 32 * 1024 * 1024
const MOST_REFERENCES = 32

type Json = Readonly<Record<string, unknown>>

export interface ApiDocument {
  readonly routes: readonly Route[]
  /** The path of its first server, without a slash at the end. */
  readonly basePath: string
}

/** Throws ConfigurationError. */
export function readOpenApi(text: string): ApiDocument {
  if (text.length > MOST_BYTES) throw invalid('the document is too large')
  let document: unknown
  try {
    document = text.trimStart().startsWith('{')
      ? JSON.parse(text)
      : parse(text, { maxAliasCount: 100 })
  } catch (cause) {
    // Not passed over: the resource is refused with it.
    throw invalid('the document is neither JSON nor YAML', cause)
  }
  if (!isMap(document) || !/^3\.[01]\./.test(String(document['openapi'])))
    throw invalid('the document is not of OpenAPI 3.0 or 3.1')
  const paths = resolve(document, document['paths'])
  const routes: Route[] = []
  for (const [template, written] of Object.entries(paths ?? {})) {
    if (!template.startsWith('/')) continue
    const item = resolve(document, written)
    if (item === undefined) throw invalid(`${template} is not a path item`)
    for (const method of METHODS) {
      if (item[method] === undefined) continue
      const operation = resolve(document, item[method])
      if (operation === undefined) throw invalid(`${method} ${template} is not an operation`)
      routes.push(routeOf(document, template, method.toUpperCase(), operation, item))
    }
  }
  if (routes.length === 0) throw invalid('the document has no operations')
  return { routes: unique(routes), basePath: basePath(document) }
}

function routeOf(
  document: Json,
  template: string,
  method: string,
  operation: Json,
  item: Json,
): Route {
  const id = operation['operationId']
  const named = typeof id === 'string' && id !== ''
  const said = operation[ACTION] ?? item[ACTION]
  if (said !== undefined && !isAction(said))
    throw invalid(`${ACTION} of ${method} ${template} is none of ${actions.join(', ')}`)
  return {
    method,
    template,
    types: typesOf(document, [item['parameters'], operation['parameters']]),
    action: isAction(said) ? said : actionOf(method),
    name: named ? id : template.slice(1) || '/',
    kind: named ? 'operation' : 'route',
  }
}

/** Two operations of one name would be one to a policy: then neither has it. */
function unique(routes: readonly Route[]): readonly Route[] {
  const seen = new Map<string, number>()
  for (const { name, kind } of routes)
    if (kind === 'operation') seen.set(name, (seen.get(name) ?? 0) + 1)
  const twice = [...seen].find(([, count]) => count > 1)
  if (twice !== undefined) throw invalid(`the operationId ${twice[0]} is there twice`)
  return routes
}

function typesOf(document: Json, lists: readonly unknown[]): ReadonlyMap<string, SegmentType> {
  const types = new Map<string, SegmentType>()
  for (const list of lists) {
    if (!Array.isArray(list)) continue
    for (const written of list) {
      const parameter = resolve(document, written)
      const name = parameter?.['name']
      if (parameter?.['in'] !== 'path' || typeof name !== 'string') continue
      types.set(name, typeOf(resolve(document, parameter['schema'])))
    }
  }
  return types
}

function typeOf(schema: Json | undefined): SegmentType {
  const values = schema?.['enum']
  if (Array.isArray(values) && values.length > 0) return { oneOf: values.map(String) }
  const type = schema?.['type']
  if (type === 'integer' || type === 'number' || type === 'boolean') return type
  const format = schema?.['format']
  return format === 'uuid' || format === 'date' ? format : 'string'
}

/** Follows references into the same document. Undefined: no map stands there. */
function resolve(document: Json, value: unknown): Json | undefined {
  let found = value
  for (let steps = 0; isMap(found) && typeof found['$ref'] === 'string'; steps += 1) {
    const reference = found['$ref']
    if (!reference.startsWith('#/') || steps >= MOST_REFERENCES)
      throw invalid(`the reference ${reference.slice(0, 80)} does not lead into the document`)
    found = reference
      .slice(2)
      .split('/')
      .map(part => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<unknown>(
        (at, key) => (isMap(at) && Object.hasOwn(at, key) ? at[key] : undefined),
        document,
      )
    if (found === undefined) throw invalid(`the reference ${reference.slice(0, 80)} leads nowhere`)
  }
  return isMap(found) ? found : undefined
}

function basePath(document: Json): string {
  const servers = document['servers']
  const first = Array.isArray(servers) && isMap(servers[0]) ? servers[0]['url'] : undefined
  if (typeof first !== 'string') return ''
  const path = first.replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*/i, '').replace(/\/+$/, '')
  return path.startsWith('/') && !path.includes('{') ? path : ''
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isAction(value: unknown): value is Action {
  return typeof value === 'string' && (actions as readonly string[]).includes(value)
}

function invalid(message: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError('configuration_invalid', `OpenAPI: ${message}`, { cause })
}
