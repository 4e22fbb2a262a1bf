// Operations of an OpenAPI 3.0 or 3.1 document: only what names a request. The document is the operator's, and still
// nothing in it makes us fetch or loop.
import { isCollection, isPair, isScalar, LineCounter, parse, parseDocument } from 'yaml'
import { type Action, actions, ConfigurationError } from '#model'
import { actionOf } from './methods.ts'
import { decodeSegment, type Route, RouteTable, type SegmentType } from './routes.ts'

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

/** Why a document does not hold, and where in it; lines and columns count from 1. */
export class ApiDocumentProblem extends ConfigurationError {
  readonly line: number
  readonly column: number

  constructor(reason: string, line: number, column: number, cause?: unknown) {
    super('configuration_invalid', `OpenAPI: ${reason}`, cause === undefined ? {} : { cause })
    this.line = line
    this.column = column
  }
}

/** By the way to what is wrong; where that is in the text is looked up once, when it is told. */
class Wrong extends Error {
  readonly at: readonly string[]

  constructor(reason: string, at: readonly string[], cause?: unknown) {
    super(reason, { cause })
    this.at = at
  }
}

/** Throws ApiDocumentProblem. */
export function readOpenApi(text: string): ApiDocument {
  try {
    return readDocument(text)
  } catch (error) {
    if (!(error instanceof Wrong)) throw error
    const { line, column } = positionOf(text, error.at)
    throw new ApiDocumentProblem(error.message, line, column, error.cause)
  }
}

function readDocument(text: string): ApiDocument {
  if (text.length > MOST_BYTES) throw invalid('the document is too large')
  let document: unknown
  try {
    document = text.trimStart().startsWith('{')
      ? JSON.parse(text)
      : parse(text, { maxAliasCount: 100 })
  } catch (cause) {
    // Not passed over: the resource is refused with it.
    throw invalid('the document is neither JSON nor YAML', [], cause)
  }
  const version = isMap(document) ? document['openapi'] : undefined
  if (!isMap(document) || typeof version !== 'string' || !/^3\.[01]\./.test(version))
    throw invalid('the document is not of OpenAPI 3.0 or 3.1', ['openapi'])
  const paths = resolve(document, document['paths'], ['paths'])
  const routes: Route[] = []
  for (const [template, written] of Object.entries(paths ?? {})) {
    if (!template.startsWith('/')) continue
    const at = ['paths', template]
    const item = resolve(document, written, at)
    if (item === undefined) throw invalid(`${template} is not a path item`, at)
    for (const method of METHODS) {
      if (item[method] === undefined) continue
      const place = [...at, method]
      const operation = resolve(document, item[method], place)
      if (operation === undefined) throw invalid(`${method} ${template} is not an operation`, place)
      routes.push(routeOf(document, template, method.toUpperCase(), operation, item))
    }
  }
  if (routes.length === 0) throw invalid('the document has no operations', ['paths'])
  return { routes: unique(routes), basePath: basePath(document) }
}

function routeOf(
  document: Json,
  template: string,
  method: string,
  operation: Json,
  item: Json,
): Route {
  const place = ['paths', template, method.toLowerCase()]
  const id = operation['operationId']
  const named = typeof id === 'string' && id !== ''
  const said = operation[ACTION] ?? item[ACTION]
  if (said !== undefined && !isAction(said))
    throw invalid(`${ACTION} of ${method} ${template} is none of ${actions.join(', ')}`, [
      ...place,
      ACTION,
    ])
  return {
    method,
    template,
    types: typesOf(document, [item['parameters'], operation['parameters']], place),
    action: isAction(said) ? said : actionOf(method),
    name: named ? id : template.slice(1) || '/',
    kind: named ? 'operation' : 'route',
  }
}

/** Two operations of one name would be one to a policy: then neither has it. Nor do two have one path. */
function unique(routes: readonly Route[]): readonly Route[] {
  const seen = new Map<string, Route>()
  for (const route of routes) {
    const known = route.kind === 'operation' ? seen.get(route.name) : undefined
    if (known !== undefined)
      throw invalid(`the operationId ${route.name} is there twice`, [
        ...placeOf(route),
        'operationId',
      ])
    if (route.kind === 'operation') seen.set(route.name, route)
  }
  try {
    new RouteTable(routes)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    // The first that the others before it do not go with.
    let [fits, fails] = [0, routes.length]
    while (fails - fits > 1) {
      const middle = (fits + fails) >> 1
      if (isTable(routes.slice(0, middle))) fits = middle
      else fails = middle
    }
    const found = routes[fails - 1]
    throw invalid(error.message, found === undefined ? ['paths'] : placeOf(found), error)
  }
  return routes
}

function isTable(routes: readonly Route[]): boolean {
  try {
    new RouteTable(routes)
    return true
  } catch {
    // Safe: whoever asks refuses the document.
    return false
  }
}

function placeOf({ template, method }: Route): readonly string[] {
  return ['paths', template, method.toLowerCase()]
}

/** Of what is wrong, or of the nearest thing around it. */
function positionOf(
  text: string,
  at: readonly string[],
): { readonly line: number; readonly column: number } {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [broken] = document.errors
  const offset = broken === undefined ? offsetOf(document, at) : broken.pos[0]
  const { line, col } = lines.linePos(offset)
  return { line, column: col }
}

function offsetOf(document: ReturnType<typeof parseDocument>, at: readonly string[]): number {
  for (let length = at.length; length > 0; length -= 1) {
    const parent: unknown =
      length === 1 ? document.contents : document.getIn(at.slice(0, length - 1), true)
    if (!isCollection(parent)) continue
    const pair = parent.items.find(
      item => isPair(item) && isScalar(item.key) && item.key.value === at[length - 1],
    )
    const key = isPair(pair) && isScalar(pair.key) ? pair.key.range?.[0] : undefined
    if (key !== undefined) return key
  }
  return 0
}

function typesOf(
  document: Json,
  lists: readonly unknown[],
  at: readonly string[],
): ReadonlyMap<string, SegmentType> {
  const types = new Map<string, SegmentType>()
  for (const list of lists) {
    if (!Array.isArray(list)) continue
    for (const written of list) {
      const parameter = resolve(document, written, at)
      const name = parameter?.['name']
      if (parameter?.['in'] !== 'path' || typeof name !== 'string') continue
      types.set(name, typeOf(resolve(document, parameter['schema'], at)))
    }
  }
  return types
}

function typeOf(schema: Json | undefined): SegmentType {
  const values = schema?.['enum']
  if (Array.isArray(values) && values.length > 0) return { oneOf: values.map(enumText) }
  const type = schema?.['type']
  if (type === 'integer' || type === 'number' || type === 'boolean') return type
  const format = schema?.['format']
  return format === 'uuid' || format === 'date' ? format : 'string'
}

function enumText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Follows references into the same document. Undefined: no map stands there. */
function resolve(document: Json, value: unknown, at: readonly string[]): Json | undefined {
  let found = value
  for (let steps = 0; isMap(found) && typeof found['$ref'] === 'string'; steps += 1) {
    const reference = found['$ref']
    if (!reference.startsWith('#/') || steps >= MOST_REFERENCES)
      throw invalid(`the reference ${reference.slice(0, 80)} does not lead into the document`, at)
    found = reference
      .slice(2)
      .split('/')
      .map(part => (decodeSegment(part) ?? part).replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<unknown>(
        (found, key) => (isMap(found) && Object.hasOwn(found, key) ? found[key] : undefined),
        document,
      )
    if (found === undefined)
      throw invalid(`the reference ${reference.slice(0, 80)} leads nowhere`, at)
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

function invalid(reason: string, at: readonly string[] = [], cause?: unknown): Wrong {
  return new Wrong(reason, at, cause)
}
