// What a request means: the operations that policies decide on. What an API's document does not have is unknown, and
// refused; without a document an object is its path.
import { type Flag, InvalidRequest, type NamedValues, type Operation, type Statement } from '#model'
import type { GraphqlOperation } from './graphql.ts'
import { type KeptBody, keptRequest } from './kept-request.ts'
import { actionOf, isServed } from './methods.ts'
import { type Overriding, overridingMethods } from './overriding.ts'
import { type AskedRequest, requestText } from './request-text.ts'
import { decodeSegment, type FoundRoute, type RouteTable } from './routes.ts'
import { checkSpelling, withoutSlash } from './spelling.ts'

/** How the resource's requests are read. */
export interface Reading {
  /** From a document or the configuration; undefined: every path stands for itself. */
  readonly routes: RouteTable | undefined
  /** What a path that no route has is: refused, or an object by its path. */
  readonly unknown: 'refuse' | 'path'
  /** Parameters of queries that hold secrets, in lower case, besides those whose names say so. */
  readonly secrets?: ReadonlySet<string> | undefined
  /** The path of the GraphQL endpoint. */
  readonly graphql?: string | undefined
}

export interface AskedOfApi extends AskedRequest {
  /** What the body or the query string asks of a GraphQL endpoint. */
  readonly graphql?: readonly GraphqlOperation[] | undefined
  /** What the body holds where the resource asks for it: `/amount`. */
  readonly named?: NamedValues | undefined
  /** What some servers take its method for (`overridingMethods`); undefined: as far as its text tells. */
  readonly methods?: readonly string[] | undefined
}

/** Throws InvalidRequest for what cannot be told. */
export function httpStatement(asked: AskedOfApi, reading: Reading): Statement {
  const { method } = asked
  if (!isServed(method))
    throw new InvalidRequest(
      'statement_unsupported',
      `the method ${method.slice(0, 32)} is not served`,
    )
  checkUpgrade(asked)
  const segments = segmentsOf(asked.path)
  const query = readForm(asked.query)
  const methods = [method, ...(asked.methods ?? overridingMethods(overridingIn(asked)))]
  const operations =
    asked.graphql?.flatMap(each => graphqlOperations(each, asked.graphql!.length > 1)) ??
    methods.flatMap(each =>
      operationsOf({ ...asked, method: each }, segments, [...query.keys()], reading),
    )
  // Each of its operations has names of its own for the same parts of the path.
  const parts = methods.flatMap(each => [...(foundIn(reading, each, segments)?.values ?? [])])
  const named = namedValues(query, new Map(parts), asked.named)
  const text = requestText(asked, reading.secrets)
  return {
    text,
    operations,
    functions: [],
    phase: 'execute',
    mayDeriveFrom: [],
    kept: look =>
      keptRequest({ text, operations }, { ...look, secrets: reading.secrets }, bodyOf(asked)),
    ...(named === undefined ? {} : { named }),
    ...(asked.body.kind === 'stream' || asked.upgrade !== undefined ? { unread: true } : {}),
  }
}

function bodyOf({ body, fields }: AskedRequest): KeptBody | undefined {
  return body.kind === 'text' ? { text: body.text, type: typeOf(fields) } : undefined
}

function typeOf(fields: AskedRequest['fields']): string {
  return fields.find(([name]) => name === 'content-type')?.[1] ?? ''
}

function overridingIn({ method, query, fields, body }: AskedRequest): Overriding {
  return { method, query, type: typeOf(fields), body: body.kind === 'text' ? body.text : undefined }
}

/** Decoded, without the first slash; `*` stands for the server as a whole. */
function segmentsOf(path: string): readonly string[] {
  if (path === '*') return ['*']
  return path
    .slice(1)
    .split('/')
    .map(segment => {
      const decoded = decodeSegment(segment)
      if (decoded === undefined || /\p{Cc}/u.test(decoded))
        throw new InvalidRequest(
          'statement_unreadable',
          'the path is not UTF-8, or holds a control character',
        )
      return decoded
    })
}

/**
 * Where every path is served, one with a slash at the end is what it is without: most servers read it so, and a policy
 * about the one must not be passed by the other. Where only a document's are, it is another path, and refused.
 */
function foundIn(
  { routes, unknown }: Reading,
  method: string,
  segments: readonly string[],
): FoundRoute | undefined {
  const found = routes?.find(method, segments)
  return found !== undefined || unknown === 'refuse'
    ? found
    : routes?.find(method, withoutSlash(segments))
}

/** What is asked within a tunnel is judged by nobody; and a server that takes no upgrade acts upon the request as any other. */
function checkUpgrade({ method, upgrade, graphql }: AskedOfApi): void {
  if (upgrade === undefined) return
  // RFC 6455 section 4.1.
  if (method !== 'GET')
    throw new InvalidRequest('statement_unsupported', 'an upgrade is asked for by GET alone')
  if (graphql !== undefined)
    throw new InvalidRequest(
      'statement_unsupported',
      'GraphQL: a WebSocket is not served, for what is asked in it could not be judged',
    )
}

/** Of an operation that does more than read, both: a server may pass over the upgrade. */
function operationsOf(
  asked: AskedRequest,
  segments: readonly string[],
  columns: readonly string[],
  reading: Reading,
): readonly Operation[] {
  const found = foundIn(reading, asked.method, segments)
  checkSpelling(asked, segments, found, reading)
  const operation = operationOf(asked, segments, columns, found, reading)
  const action = found?.route.action ?? 'read'
  if (asked.upgrade === undefined || action === 'read' || action === 'tunnel') return [operation]
  return [operation, { ...operation, action }]
}

function operationOf(
  asked: AskedRequest,
  segments: readonly string[],
  columns: readonly string[],
  found: FoundRoute | undefined,
  reading: Reading,
): Operation {
  const { method, upgrade, body, fields } = asked
  const flags: readonly Flag[] = body.kind === 'stream' ? ['bulk'] : []
  const remote = /^application\/grpc(?:[+;]|$)/i.test(typeOf(fields))
  const category = upgrade ?? (remote ? 'grpc' : '')
  // Both sides speak as they like from then on: whatever the method was, it is no reading.
  const tunnelled = upgrade !== undefined
  if (found !== undefined) {
    const { action, name, kind } = found.route
    return {
      action: tunnelled ? 'tunnel' : action,
      verb: method,
      object: { name, kind },
      columns,
      flags,
      category,
    }
  }
  if (reading.routes !== undefined && reading.unknown === 'refuse')
    throw new InvalidRequest('statement_unsupported', 'this API has no such operation', {
      hint: 'The gateway serves the operations of the API document of this resource, and no others.',
    })
  // Some servers take `;…` off before they look where a path leads, others do not.
  if (segments.some(segment => segment.includes(';')))
    throw new InvalidRequest(
      'statement_unsupported',
      'a path with `;` is served where a document or a route of the resource has it',
    )
  if (segments.some(segment => segment.includes('/')))
    throw new InvalidRequest(
      'statement_unsupported',
      'a path with `%2F` is served where a document or a route of the resource has it',
    )
  return {
    action: tunnelled ? 'tunnel' : actionOf(method),
    verb: method,
    object: { name: withoutSlash(segments).join('/') || '/', kind: remote ? 'method' : 'path' },
    columns,
    flags,
    category,
  }
}

const MOST_NAMES = 200

/** The query string as a form reads it: each name with all that it says. Throws InvalidRequest. */
export function readForm(text: string | undefined, what = 'the query'): Map<string, string[]> {
  const found = new Map<string, string[]>()
  if (text === undefined || text === '') return found
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const mark = pair.indexOf('=')
    const name = decodeSegment((mark < 0 ? pair : pair.slice(0, mark)).replaceAll('+', ' '))
    const value = decodeSegment((mark < 0 ? '' : pair.slice(mark + 1)).replaceAll('+', ' '))
    if (name === undefined || value === undefined)
      throw new InvalidRequest('statement_unreadable', `${what} is not UTF-8`)
    // The same list goes on: one name that is there ten thousand times is no reason to copy.
    const known = found.get(name)
    if (known === undefined) found.set(name, [value])
    else known.push(value)
    if (found.size > MOST_NAMES)
      throw new InvalidRequest(
        'statement_unreadable',
        `${what} names more than ${MOST_NAMES} parameters`,
      )
  }
  return found
}

/** What policies may ask by name: `?name` of the query, `{name}` of the path, `/pointer` of the body. */
function namedValues(
  query: ReadonlyMap<string, readonly string[]>,
  path: ReadonlyMap<string, string>,
  body: NamedValues | undefined,
): NamedValues | undefined {
  if (query.size === 0 && path.size === 0) return body
  const texts = new Map<string, readonly string[]>(body?.texts)
  for (const [name, values] of query) texts.set(`?${name}`, values)
  for (const [name, value] of path) texts.set(`{${name}}`, [value])
  return { texts, numbers: body?.numbers ?? new Map() }
}

const ROOTS = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' } as const

function graphqlOperations(
  { type, fields }: GraphqlOperation,
  several: boolean,
): readonly Operation[] {
  return fields.map(({ name, below }) => ({
    action: type === 'mutation' ? ('write' as const) : ('read' as const),
    verb: type.toUpperCase(),
    object: { name: `${ROOTS[type]}.${name}`, kind: 'field' },
    columns: below,
    flags: several || fields.length > 1 ? (['multiple'] as const) : [],
    category: name === '__schema' || name === '__type' ? 'introspection' : 'graphql',
  }))
}
