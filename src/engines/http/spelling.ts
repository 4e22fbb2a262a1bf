// Paths that some server reads as another operation than we do: in other letters, with `;…` or a dot behind a segment, with the
// name of a format at the end (`/users/me.json`). A path that means two things is refused, and so is one beside a GraphQL
// endpoint that it may lead to.
import { InvalidRequest } from '#model'
import { careless, decodeSegment, type FoundRoute, type Route, type RouteTable } from './routes.ts'

interface Known {
  readonly routes: RouteTable | undefined
  readonly unknown: 'refuse' | 'path'
  readonly graphql?: string | undefined
}

/** `found`: the operation of that path. Throws InvalidRequest: it may mean another one as well. */
export function checkSpelling(
  { method, path }: { readonly method: string; readonly path: string },
  segments: readonly string[],
  found: FoundRoute | undefined,
  { routes, unknown, graphql }: Known,
): void {
  const own = found?.route
  if (own === undefined && graphql !== undefined && isTakenForGraphql(path, segments, graphql))
    throw unsupported('some servers take this path for the GraphQL endpoint beside it')
  // Whoever writes `;` into a template knows what becomes of it.
  if (routes === undefined || own?.template.includes(';') === true) return
  if (own === undefined && unknown === 'refuse') return
  if (own !== undefined && path.includes(';'))
    throw unsupported('a value with `;` in it, which some servers cut off')
  if (othersOf(routes, method, withoutSlash(segments), own).length > 0)
    throw unsupported('some servers take this path for another operation: write it as it is')
}

function othersOf(
  routes: RouteTable,
  method: string,
  segments: readonly string[],
  own: Route | undefined,
): readonly Route[] {
  const alike = routes.alike(method, segments)
  if (alike.length > 0 && (own === undefined || !alike.includes(own))) return alike
  // Rails, Django and Spring: what follows the last dot may say in which format the answer is wanted.
  const [whole, bare] = /^(.+)\.[\w-]+$/.exec(segments.at(-1) ?? '') ?? []
  if (whole === undefined || bare === undefined || lastOf(own)?.includes('.') === true) return []
  return routes
    .alike(method, [...segments.slice(0, -1), bare])
    .filter(each => each !== own && lastOf(each)?.includes('{') === false)
}

function lastOf(route: Route | undefined): string | undefined {
  return route?.template.split('/').at(-1)
}

/** Many serve it below its path, too. One that is served at `/` has all paths below it. */
function isTakenForGraphql(path: string, segments: readonly string[], graphql: string): boolean {
  if (path.replace(/\/$/, '') === graphql.replace(/\/$/, '')) return false
  const endpoint = withoutSlash(graphql.slice(1).split('/'))
  if (endpoint[0] === '') return false
  return endpoint.every(
    (each, index) => careless(decodeSegment(each) ?? each) === careless(segments[index] ?? ''),
  )
}

export function withoutSlash(segments: readonly string[]): readonly string[] {
  return segments.length > 1 && segments.at(-1) === '' ? segments.slice(0, -1) : segments
}

function unsupported(message: string): InvalidRequest {
  return new InvalidRequest('statement_unsupported', message)
}
